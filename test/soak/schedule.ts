import { fromHex, hex } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import type { SignReply, SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { parseStatement } from '../../statement/statements.ts';
import { Dice } from '../simulation/dice.ts';
import type { Disk } from '../simulation/memory-store.ts';
import { SimulatedWallet } from '../simulation/simulated-wallet.ts';
import { toyEcdsa } from '../simulation/toy-ecdsa.ts';
import { toyScheme } from '../simulation/toy-scheme.ts';
import { VirtualWorld } from '../simulation/virtual-world.ts';
import { auditsAgree, type Told } from './audits-agree.ts';
import { Disturbance } from './disturbance.ts';
import { agreement, keysAgree, refused, unsettled } from './invariants.ts';
import { errorsLog, type LoggedError } from './errors-log.ts';
import type { FaultCounts, Scenario } from './scenarios.ts';
import { WireRecord } from './wire-record.ts';

export const LIMIT = 4;
const policy = {
  rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: LIMIT, per: '24h' }] }],
};
const keysOf = ({ scheme }: Scenario) => [{ name: 'solana', scheme: scheme ?? ('EdDSA' as const) }];
/** No request may take longer to be answered, whatever happens. Virtual milliseconds. */
const LONGEST_ANSWER = 180_000;
/**
 * Whose share left is counted, and may leave no room to find out; and where different bytes came under one id at once,
 * holders know it as different ones.
 */
const MAY_STAY_UNSURE = /(?:[4-9]|\d\d) requests used|belongs to request|expired|ended at/;
const DAY = 24 * 3_600_000;
/** What slow links, slow disks and reordering had under way when faults end is there after this. Virtual milliseconds. */
const LONGEST_UNDER_WAY = 30_000;

export type ScheduleResult = {
  readonly faults: FaultCounts;
  readonly requests: number;
  readonly signed: number;
  readonly refused: number;
  readonly mayExist: number;
  /** Checks that the next request is signed which were left out, since no quorum was left. */
  readonly skipped: number;
  readonly violations: readonly string[];
};

/**
 * One schedule: a wallet, faults and requests drawn from `seed`, and what must hold afterwards.
 *
 * Defects planted one at a time, each of which a few hundred schedules show: a member whose share leaves before its
 * spend is on disk; one that does not look whether an id is bound ("id already bound", and where the store does not look
 * either, shares for an id as two digests); one that lets LimitExceeded pass; one that keeps nonces that were
 * used (the engine does not know them any more); a restart that settles nothing.
 */
export async function runSchedule(scenario: Scenario, seed: number): Promise<ScheduleResult> {
  const disks = scenario.keygen ? undefined : await disksWithKey(scenario);
  return new Schedule(scenario, seed, disks).run();
}

class Schedule {
  readonly #scenario: Scenario;
  readonly #world: VirtualWorld;
  readonly #wallet: SimulatedWallet;
  readonly #disturbance: Disturbance;
  readonly #names: readonly string[];
  /** Neither liars nor, once that was found, holders whose disk was put back. */
  #honest: readonly string[];
  readonly #violations: string[] = [];
  readonly #wire: WireRecord;
  readonly #errors: LoggedError[] = [];
  readonly #made = new Map<string, SignRequest>();
  /** Messages signed under each id. */
  readonly #signed = new Map<string, Set<string>>();
  readonly #tally = { requests: 0, signed: 0, refused: 0, mayExist: 0, skipped: 0 };

  constructor(scenario: Scenario, seed: number, disks: ReadonlyMap<string, Disk> | undefined) {
    const { holders, threshold } = scenario;
    this.#scenario = scenario;
    this.#world = new VirtualWorld(new Dice(seed));
    this.#wallet = new SimulatedWallet({
      policy,
      holders,
      threshold,
      world: this.#world,
      log: errorsLog(this.#errors),
      ...(disks && { disks }),
    });
    this.#wire = new WireRecord(LIMIT, (name, digest) =>
      this.#wallet.disk(name).releases.some((r) => r.digest === digest),
    );
    this.#names = holders.map((h) => h.name);
    this.#disturbance = new Disturbance(
      scenario,
      this.#wallet,
      this.#world,
      this.#wire,
      (name) => this.#start(name),
      (id, variant) => this.#requestOf(id, variant),
    );
    this.#honest = this.#names.filter((name) => !this.#disturbance.liars.includes(name));
  }

  async run(): Promise<ScheduleResult> {
    try {
      await this.#happen();
      if (this.#wire.violations.length === 0) await this.#settle();
      // A liar can tell one that another took part, and open two requests under one id at others: their logs say so.
      if (this.#scenario.liars === 0)
        this.#violations.push(...(await auditsAgree(this.#wallet, this.#honest, this.#toldOf)));
      this.#judgeErrors();
    } catch (error) {
      this.#violations.push(error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
    } finally {
      this.#wallet.killAll();
    }
    this.#violations.unshift(...this.#wire.violations);
    return { faults: this.#disturbance.counts, ...this.#tally, violations: this.#violations };
  }

  /** An honest holder errs in nothing: whom it accuses is a liar, whose disk it refuses was put back. */
  #judgeErrors(): void {
    const { liars, restored } = this.#disturbance;
    for (const { holder, message, fields } of this.#errors) {
      const expected =
        (message === 'culprit found' && liars.includes(String(fields['culprit']))) ||
        (message === 'counterparty banned' && liars.includes(String(fields['peer']))) ||
        (message === 'rollback detected' && [...restored, ...liars].includes(String(fields['peer'])));
      if (this.#honest.includes(holder) && !expected)
        this.#violations.push(`${holder} logs: ${message} ${JSON.stringify(fields)}`);
    }
  }

  async #start(name: string): Promise<void> {
    try {
      await this.#wallet.start(name, keysOf(this.#scenario));
    } catch (error) {
      this.#violations.push(`${name} does not start: ${messageOf(error)}`);
    }
  }

  /** Starts everyone, and asks while faults happen. */
  async #happen(): Promise<void> {
    const { dice } = this.#world;
    const starts = this.#names.map((name) => this.#start(name));
    if (!this.#scenario.keygen) await this.#within(Promise.all(starts), 60_000, 'all start');
    else await this.#world.pass(dice.below(10_000));
    const asks = Array.from({ length: this.#scenario.keygen ? 0 : 1 + dice.below(9) }, async () => {
      const [id, variant, wait] = [dice.below(6), dice.chance(0.2) ? 1 : 0, dice.below(dice.pick([10, 3_000, 30_000]))];
      const at = dice.pick(this.#names);
      await new Promise<void>((resolve) => void this.#world.at(wait, resolve));
      // One that is killed gives no answer; the request is asked again below.
      if (!this.#wallet.running(at) || this.#wallet.signer(at).wallet === undefined) return;
      await Promise.race([this.#ask(at, id, variant), this.#wallet.gone(at)]);
    });
    await this.#within(Promise.all(asks), LONGEST_ANSWER, 'every request is answered');
    await this.#disturbance.end();
  }

  async #settle(): Promise<void> {
    const world = this.#world;
    if (world.latest > world.wall) world.skip(world.latest - world.wall + 1_000);
    await this.#eventually(() => this.#linkedUp(), 60_000, 'all links are up');
    // A holder whose disk was put back and who is not refused is held to what all are held to.
    for (const name of this.#disturbance.restored)
      if (refused(this.#wallet, name)) this.#honest = this.#honest.filter((other) => other !== name);
      else this.#lostUnnoticed(name);
    const fenced = this.#fencing();
    await this.#eventually(() => keysAgree(this.#wallet, this.#honest, fenced.size === 0), 3_600_000, 'one key');
    // Before anything is asked again: a restart ends what was under way, without being asked.
    await this.#eventually(() => unsettled(this.#wallet, this.#honest), 120_000, 'nothing is under way');
    if (fenced.size === 0 || this.#quorumLeft()) await this.#askAgain();
    const parts = this.#honestParts;
    // A spend that is on its way to a disk only now would be a day old when it is there, and not told yet.
    await world.pass(LONGEST_UNDER_WAY);
    await this.#eventually(() => agreement(this.#wallet, this.#honest, LIMIT, parts), 60_000, 'agreement');
    for (const [id, messages] of this.#signed)
      if (messages.size > parts) this.#violations.push(`${id} is signed over ${messages.size} messages`);
    const signed = [...this.#signed.values()].reduce((sum, messages) => sum + messages.size, 0);
    if (signed > LIMIT * parts) this.#violations.push(`${signed} requests are signed, ${LIMIT * parts} may be`);
    if (!this.#quorumLeft()) {
      this.#tally.skipped++;
      return;
    }
    // When the limit has room again, the next request succeeds.
    world.skip(DAY + 60_000);
    this.#wire.newWindow();
    const reply = await this.#answer(this.#coordinator(), this.#request('next', '55'));
    if (reply.outcome !== 'signed') this.#violations.push(`next request: ${reply.reason} ${reply.message}`);
  }

  /** Only what no disk knew of, but such as were put back themselves, can be lost by a holder that goes on. */
  #lostUnnoticed(name: string): void {
    const { liars, lost, restored } = this.#disturbance;
    for (const witness of lost.witnesses(name))
      if (!restored.has(witness) && !liars.includes(witness))
        this.#violations.push(`${name} lost audit records that ${witness} knew of, and is not refused`);
  }

  /** What happened to the wallet that its logs truly tell of. */
  get #toldOf(): Told {
    const { lost, restored } = this.#disturbance;
    const asked = [...this.#made.keys()].map((name) => `r${name.split('/')[0]}`);
    return {
      reusedIds: new Set(asked.filter((id, i) => asked.indexOf(id) !== i)),
      lost: new Map([...restored].map((name) => [name, lost.of(name)])),
    };
  }

  /** Quorums that share liars only: as many times a limit holds, and an id may be bound. PROTOCOL.md 5. */
  get #honestParts(): number {
    const signing = this.#wallet.holders.filter((h) => h.role !== 'Backup');
    const honest = signing.filter((h) => this.#honest.includes(h.name)).length;
    return Math.max(1, Math.floor(honest / (this.#scenario.threshold - (signing.length - honest))));
  }

  /** Most requests once more: what failed or is not known is settled now. What is not asked again counts all the same. */
  async #askAgain(): Promise<void> {
    for (const [name] of this.#made) {
      if (this.#world.dice.chance(0.2)) continue;
      const [id = '', variant = ''] = name.split('/');
      let reply: SignReply | undefined;
      let unsure = 0;
      for (let tries = 0; tries < 20 && unsure < 3; tries++) {
        reply = await this.#within(
          this.#ask(this.#coordinator(), Number(id), Number(variant)),
          LONGEST_ANSWER,
          `${name} is answered`,
        );
        if (reply.outcome === 'signed' || reply.outcome === 'denied') break;
        if (reply.reason === 'SignatureMayExist' && MAY_STAY_UNSURE.test(reply.message)) unsure++;
      }
      const why = `${name}: ${reply?.outcome} ${reply?.reason} ${reply?.message}`;
      // Pairs that a liar parted for good, and one of the rest that denies, leave no quorum.
      const parted = reply?.message.includes('never sign') === true && MAY_STAY_UNSURE.test(reply.message);
      if (reply?.outcome === 'failed' && unsure === 0 && !parted) this.#violations.push(why);
      // What a liar made of a request is denied for good, at the liar at least.
      if (
        this.#scenario.liars === 0 &&
        reply?.outcome === 'denied' &&
        !['IdReused', 'LimitExceeded', 'Expired'].includes(reply.reason)
      )
        this.#violations.push(why);
    }
  }

  async #ask(at: string, id: number, variant: number): Promise<SignReply> {
    const reply = await this.#wallet.sign(at, this.#requestOf(id, variant));
    this.#tally.requests++;
    if (reply.reason === 'SignatureMayExist') this.#tally.mayExist++;
    else if (reply.outcome === 'signed') this.#tally.signed++;
    else this.#tally.refused++;
    if (reply.outcome !== 'signed') return reply;
    if (!this.#verifies(reply, `${id}${variant}`)) {
      // As a client finds: a liar that passes answers on may say anything.
      if (this.#scenario.liars === 0) this.#violations.push(`r${id}: the signature does not verify`);
      return { ...reply, outcome: 'failed', reason: 'Unverified' };
    }
    const messages = reply.signatures.map((s) => hex(s.message)).join();
    this.#signed.set(`r${id}`, (this.#signed.get(`r${id}`) ?? new Set()).add(messages));
    return reply;
  }

  #verifies({ signatures }: SignReply, byte: string): boolean {
    const certificate = this.#honest
      .map((name) => this.#wallet.disk(name).keys.get('solana')?.certificate)
      .find((bytes) => bytes !== undefined && bytes.length > 0);
    if (certificate === undefined) return false;
    const { publicKey } = parseStatement('holdfast/certificate/v1', certificate);
    return (
      signatures.length === 1 &&
      signatures.every(
        ({ message, signature }) =>
          hex(message) === byte.repeat(32) &&
          (this.#scenario.scheme === 'ECDSA' ? toyEcdsa() : toyScheme('EdDSA')).verify(
            fromHex(publicKey, 'publicKey'),
            message,
            signature,
          ),
      )
    );
  }

  async #answer(at: string, request: SignRequest): Promise<SignReply> {
    let reply = await this.#within(this.#wallet.sign(at, request), LONGEST_ANSWER, 'the next request is answered');
    for (let tries = 0; tries < 5 && reply.outcome === 'failed'; tries++) {
      await this.#world.pass(1_000);
      reply = await this.#within(this.#wallet.sign(at, request), LONGEST_ANSWER, 'the next request is answered');
    }
    return reply;
  }

  #requestOf(id: number, variant: number): SignRequest {
    const name = `${id}/${variant}`;
    const request = this.#made.get(name) ?? this.#request(`r${id}`, `${id}${variant}`);
    this.#made.set(name, request);
    return request;
  }

  #request(id: string, byte: string): SignRequest {
    return this.#wallet.request({ id, data: `0x${byte.repeat(32)}` });
  }

  /** An honest one that no honest holder has left out. */
  #coordinator(): string {
    const fenced = this.#fencing();
    const usable = this.#wallet.holders.filter(({ name, role }) => role === 'Infrastructure' && !fenced.has(name));
    return (usable.find((h) => this.#honest.includes(h.name)) ?? usable[0])?.name ?? '';
  }

  #quorumLeft(): boolean {
    const fenced = this.#fencing();
    const usable = this.#wallet.holders.filter(({ name, role }) => role !== 'Backup' && !fenced.has(name));
    return this.#coordinator() !== '' && usable.length >= this.#scenario.threshold;
  }

  /** Whom anyone has left out. That an honest holder leaves out an honest one is a violation. */
  #fencing(): ReadonlySet<string> {
    const fenced = new Set<string>();
    for (const name of this.#names)
      for (const { name: peer, fenced: why } of this.#wallet.disk(name).peers.values()) {
        if (why === '') continue;
        // A liar's own disk may hold its honest peers for liars, and then it is of no use.
        const out = this.#honest.includes(name) ? peer : name;
        fenced.add(out);
        const honest = !this.#disturbance.liars.includes(out);
        if (honest) this.#violations.push(`${name} leaves out ${peer}, which is honest: ${why}`);
      }
    for (const name of this.#names)
      for (const { peer, why } of this.#wallet.disk(name).bans.values()) {
        const out = this.#honest.includes(name) ? peer : name;
        fenced.add(out);
        if (!this.#disturbance.liars.includes(out))
          this.#violations.push(`${name} bans ${peer}, which is honest: ${why}`);
      }
    for (const name of this.#disturbance.restored) if (!this.#honest.includes(name)) fenced.add(name);
    return fenced;
  }

  #isOut(name: string): boolean {
    return this.#disturbance.restored.has(name) && refused(this.#wallet, name);
  }

  #linkedUp(): string {
    return this.#names
      .filter((name) => !this.#isOut(name))
      .filter(
        (name) =>
          !this.#wallet.running(name) ||
          !this.#wallet.signer(name).peers.every(([peer, up]) => up || this.#isOut(peer)),
      )
      .join();
  }

  async #eventually(wrong: () => string, ms: number, what: string): Promise<void> {
    const end = this.#world.elapsed + ms;
    for (let step = 10; ; step *= 2) {
      const why = wrong();
      if (why === '') return;
      if (this.#world.elapsed >= end) throw new Error(`never: ${what}: ${why}`);
      await this.#world.pass(Math.min(step, end - this.#world.elapsed));
    }
  }

  async #within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
    let settled = false;
    const done = work.finally(() => {
      settled = true;
    });
    done.catch(() => {});
    if (!(await this.#world.until(() => settled, ms))) throw new Error(`not within ${ms / 1000} s: ${what}`);
    return done;
  }
}

const templates = new Map<string, ReadonlyMap<string, Disk>>();

/** Copies of the disks of a wallet that has its key. */
async function disksWithKey(scenario: Scenario): Promise<ReadonlyMap<string, Disk>> {
  const { name, holders, threshold } = scenario;
  let disks = templates.get(name);
  if (disks === undefined) {
    const world = new VirtualWorld(new Dice(1));
    const wallet = new SimulatedWallet({ policy, holders, threshold, world });
    const started = wallet.startAll(keysOf(scenario));
    const active = (): boolean => holders.every((h) => wallet.disk(h.name).keys.get('solana')?.state === 'Active');
    if (!(await world.until(active, 60_000))) throw new Error('the wallet to begin with gets no key');
    await started;
    wallet.killAll();
    disks = new Map(holders.map((h) => [h.name, wallet.disk(h.name)]));
    templates.set(name, disks);
  }
  return new Map([...disks].map(([holder, disk]) => [holder, disk.copy()]));
}
