import { clip, digest as digestOf, equal, quote } from '../../common/bytes.ts';
import { messageOf, Refused } from '../../common/errors.ts';
import type {
  KeygenAbandon,
  KeygenSignature,
  KeygenStart,
  KeygenStatus,
  PeerMessage,
} from '../../proto/gen/signer/v1/peer.ts';
import type { HolderSignature, KeyState } from '../../proto/gen/signer/v1/signer.ts';
import { verifyCertificate } from '../../statement/certificate.ts';
import { signAsHolder } from '../../statement/holder-signature.ts';
import type { SchemeName } from '../scheme/scheme.ts';
import type { KeyRow } from '../state/store.ts';
import { KeyRecord } from './key-record.ts';
import { signaturesOf, signaturesText } from './key-signatures.ts';
import { abandonedStatement, checkAbandoned } from './keygen-abandonment.ts';
import { KeygenAccusations } from './keygen-accusations.ts';
import { KeygenAttempt } from './keygen-attempt.ts';
import { keygenFailure, retryPause } from './keygen-failure.ts';
import { Question } from './question.ts';
import { toAbandon } from './standings.ts';
import type { Wallet } from './wallet.ts';

/** Holders answer the leader within this. Milliseconds. */
const ANSWER_TIMEOUT = 5_000;
/** An attempt takes at most this long. Milliseconds. */
const ATTEMPT_TIMEOUT = 120_000;
/** Characters of what a holder says of its failure that are passed on. */
const MOST_SAID = 300;

/** A key on its way: what is on disk, and the attempt that runs here. */
type Entry = {
  readonly record: KeyRecord;
  readonly scheme: SchemeName;
  running: KeygenAttempt | undefined;
  /** The next attempt, where others have begun it and sent messages of it. */
  early: KeygenAttempt | undefined;
  /** All n signatures are seen: from now on this holder never signs the attempt off as abandoned. */
  activating: boolean;
  leading: boolean;
  /** Attempts that failed here, and when the leader makes the next. Monotonic milliseconds. */
  failures: number;
  retryAt: number;
  problem: string;
  readonly accusations: KeygenAccusations;
  /** What the leader asked last: where everyone stands, and to sign an attempt off. */
  standings: Question<KeygenStatus> | undefined;
  signOffs: Question<HolderSignature> | undefined;
};

/**
 * Brings every wanted key to one certificate at all holders, whatever crashes on the way. The first Infrastructure
 * holder leads: it asks where everyone stands, has the last attempt signed off as abandoned by all, starts the next.
 *
 *   Wanted --start--> running --share on disk--> Prepared --all n signatures--> Active
 *      ^                 |                          |
 *      +---- failed -----+---- abandoned by all n --+
 *
 * A holder that saw all n signatures never signs an attempt off, so either nobody can activate it or nobody can
 * drop it; one that is Active hands the signatures to whoever is not. PROTOCOL.md 3, Keygen.
 *
 * Nobody signs an attempt off or begins the next before all n signed off the one before. So what honest holders signed
 * off differs by one at most, none has begun more than one beyond that, and no number that a liar gives leads further.
 */
export class Keygen {
  readonly #wallet: Wallet;
  readonly #onActive: (row: KeyRow) => Promise<void>;
  readonly #entries = new Map<string, Entry>();

  constructor(wallet: Wallet, rows: readonly KeyRow[], onActive: (row: KeyRow) => Promise<void>) {
    this.#wallet = wallet;
    this.#onActive = onActive;
    for (const row of rows) this.#add(row, true);
  }

  /** Keys to have, from now on and after every restart; one that is known stays as it is. */
  async want(name: string, scheme: SchemeName): Promise<void> {
    const known = this.#entries.get(name);
    if (known !== undefined) {
      if (known.scheme !== scheme) throw new Error(`key ${JSON.stringify(name)} is of scheme ${known.scheme} for good`);
      return known.record.keep();
    }
    const row: KeyRow = {
      name,
      scheme,
      state: 'Wanted',
      attempt: 0,
      abandoned: 0,
      sealed: new Uint8Array(),
      certificate: new Uint8Array(),
      signatures: '{}',
    };
    const entry = this.#add(row, false);
    await entry.record.keep();
    this.#tellStatus(entry, this.#leader);
    this.#lead(entry);
  }

  states(): KeyState[] {
    return [...this.#entries.values()].map(({ record: { row }, running, problem, failures }) => {
      const key = this.#wallet.key(row.name);
      // Certified is not enough for Active: it says that this holder can sign and show the certificate.
      const standing = row.state === 'Active' && key === undefined ? 'Prepared' : row.state;
      // Without all holders there is no next attempt: then it waits for them, whatever became of the last.
      const failed = row.state !== 'Active' && failures > 0 && this.#absent.length === 0;
      return {
        name: row.name,
        scheme: row.scheme,
        state: running !== undefined ? 'Generating' : failed ? 'Failed' : standing,
        message: running === undefined ? problem : describeWait(running),
        certificate: key?.certificateDigest ?? '',
        epoch: key?.epoch ?? '',
      };
    });
  }

  onUp(peer: string): void {
    for (const entry of this.#entries.values()) {
      this.#wallet.env.peers.send(peer, { $case: 'keygenStatus', value: this.#status(entry, true) });
      this.#lead(entry);
    }
  }

  onDown(peer: string): void {
    for (const entry of this.#entries.values()) entry.running?.fail(unavailable(`${peer} went away`));
  }

  /** True where the message was one of keygen's. */
  onMessage(peer: string, body: NonNullable<PeerMessage['body']>): boolean {
    switch (body.$case) {
      case 'keygenRound1':
      case 'keygenRound2':
      case 'keygenRound':
      case 'keygenTestCommitments':
      case 'keygenTestStep':
      case 'keygenTestShares':
        this.#attempt(body.value)?.onMessage(peer, body);
        return true;
      case 'keygenSignature':
        if (body.value.signatures.length === 1) this.#attempt(body.value)?.onMessage(peer, body);
        else this.#background(this.#onCertificate(body.value));
        return true;
      case 'keygenStart':
        this.#background(this.#onStart(peer, body.value));
        return true;
      case 'keygenStatus':
        this.#onStatus(peer, body.value);
        return true;
      case 'keygenAbandon':
        this.#background(this.#onAbandon(peer, body.value));
        return true;
      default:
        return false;
    }
  }

  #add(row: KeyRow, kept: boolean): Entry {
    const entry: Entry = {
      record: new KeyRecord(row, kept, (change) => this.#wallet.write(change)),
      scheme: row.scheme,
      running: undefined,
      early: undefined,
      activating: row.state === 'Active',
      leading: false,
      failures: 0,
      retryAt: 0,
      problem: '',
      accusations: new KeygenAccusations(this.#wallet, row),
      standings: undefined,
      signOffs: undefined,
    };
    this.#entries.set(row.name, entry);
    this.#wallet.wanted.add(row.name);
    return entry;
  }

  get #leader(): string {
    return this.#wallet.roster.coordinators[0]?.name ?? '';
  }

  get #others(): readonly string[] {
    return this.#wallet.roster.others.map((m) => m.name);
  }

  get #absent(): readonly string[] {
    return this.#others.filter((name) => !this.#wallet.env.peers.available(name));
  }

  /** The running attempt that a message is of, or a place to keep it until the attempt starts here. */
  #attempt({ key, attempt }: { readonly key: string; readonly attempt: bigint }): KeygenAttempt | undefined {
    const entry = this.#entries.get(key);
    const number = Number(attempt);
    if (entry === undefined || entry.record.row.state === 'Active') return undefined;
    if (entry.running?.attempt === number) return entry.running;
    // Others begin it only once this holder too has signed off the one before: there is one that it can be.
    const next = entry.record.row.abandoned + 1;
    if (number !== next || number <= entry.record.row.attempt) return undefined;
    if (entry.early?.attempt !== next) entry.early = new KeygenAttempt(this.#wallet, key, entry.scheme, next);
    return entry.early;
  }

  #status({ record: { row }, activating }: Entry, query: boolean): KeygenStatus {
    return {
      key: row.name,
      query,
      stop: false,
      state: activating && row.state !== 'Active' ? 'Activating' : row.state,
      attempt: BigInt(row.attempt),
      abandoned: BigInt(row.abandoned),
      message: '',
    };
  }

  #tellStatus(entry: Entry, peer: string): void {
    if (peer !== this.#wallet.roster.me.name)
      this.#wallet.env.peers.send(peer, { $case: 'keygenStatus', value: this.#status(entry, false) });
  }

  /** The leader waits for an attempt until someone says that it failed. */
  #tellFailed(entry: Entry, attempt: number, why: string): void {
    if (this.#wallet.roster.me.name === this.#leader) return;
    const message = clip(why, MOST_SAID);
    const value = { ...this.#status(entry, false), state: 'Failed', attempt: BigInt(attempt), message };
    this.#wallet.env.peers.send(this.#leader, { $case: 'keygenStatus', value });
  }

  #onStatus(peer: string, status: KeygenStatus): void {
    const { env } = this.#wallet;
    const entry = this.#entries.get(status.key);
    if (entry === undefined) {
      const nothing = { key: status.key, query: false, stop: false, attempt: 0n, abandoned: 0n, message: '' };
      if (status.query) env.peers.send(peer, { $case: 'keygenStatus', value: { ...nothing, state: 'Unwanted' } });
      return;
    }
    if (status.stop && peer === this.#leader) this.#stop(entry, new Error(`${peer} ended the attempt`));
    if (status.query) this.#tellStatus(entry, peer);
    if (entry.record.row.state === 'Active') {
      if (status.state === 'Wanted' || status.state === 'Prepared' || status.state === 'Failed')
        this.#handOver(entry, peer);
      return;
    }
    if (status.state === 'Failed' && entry.running?.attempt === Number(status.attempt))
      entry.running.fail(new Error(`the attempt failed at ${peer}${saying(status.message)}`));
    entry.standings?.answer(peer, status);
    if (status.state !== 'Unwanted') this.#lead(entry);
  }

  /** Ends the attempt that runs here: signatures that it still collects can no longer make it the key. */
  #stop(entry: Entry, error: Error): void {
    entry.running?.fail(error);
    entry.running = undefined;
  }

  /** Gives the signatures of all holders to one that lacks some. */
  #handOver({ record: { row } }: Entry, peer: string): void {
    const value = {
      key: row.name,
      attempt: BigInt(row.attempt),
      certificate: row.certificate,
      signatures: signaturesOf(row),
    };
    this.#wallet.env.peers.send(peer, { $case: 'keygenSignature', value });
  }

  /** All n signatures from a holder that is Active: our prepared share becomes the key. */
  async #onCertificate({ key, attempt, certificate, signatures }: KeygenSignature): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.record.row.state !== 'Prepared' || entry.activating) return;
    if (Number(attempt) !== entry.record.row.attempt || !equal(certificate, entry.record.row.certificate)) return;
    const { genesis, genesisDigest } = this.#wallet;
    verifyCertificate({ genesis, genesisDigest, statement: certificate, signatures });
    await this.#activate(entry, Number(attempt), signatures);
  }

  async #activate(entry: Entry, attempt: number, signatures: readonly HolderSignature[]): Promise<void> {
    if (entry.activating) return;
    entry.activating = true;
    try {
      await entry.record.change((row) => {
        checkAlive(row, attempt);
        return {
          row: {
            ...row,
            state: 'Active',
            signatures: signaturesText(signatures),
          },
          audit: [
            {
              type: 'KeyActivated',
              key: row.name,
              scheme: row.scheme,
              attempt: String(attempt),
              certificate: digestOf(row.certificate),
            },
          ],
        };
      });
    } catch (error) {
      entry.activating = false;
      throw error;
    }
    const { row } = entry.record;
    entry.running?.fail(new Error('the key is active'));
    entry.running = undefined;
    entry.early = undefined;
    entry.problem = '';
    const { env, roster } = this.#wallet;
    try {
      await this.#onActive(row);
    } catch (error) {
      entry.problem = `its share does not open: ${messageOf(error)}`;
      env.log.error('key is certified and cannot be used here', { key: row.name, error: entry.problem });
      throw error;
    }
    env.log.info('key active', { key: row.name, scheme: row.scheme, attempt: row.attempt });
    // Whoever lost one of the signatures says so in its answer, and gets them all.
    for (const m of roster.others) env.peers.send(m.name, { $case: 'keygenStatus', value: this.#status(entry, true) });
  }

  async #onStart(peer: string, { key, scheme, attempt, abandoned }: KeygenStart): Promise<void> {
    const entry = this.#entries.get(key);
    if (peer !== this.#leader || entry === undefined || entry.scheme !== scheme) return;
    let run: KeygenAttempt;
    try {
      run = await this.#begin(entry, Number(attempt), abandoned);
    } catch (error) {
      this.#tellFailed(entry, Number(attempt), messageOf(error));
      throw error;
    }
    await this.#run(entry, run);
  }

  /** Makes `attempt` the one that runs here, on disk first. Rejects where it may not begin. */
  async #begin(entry: Entry, attempt: number, abandoned: readonly HolderSignature[]): Promise<KeygenAttempt> {
    let run: KeygenAttempt | undefined;
    const begun = entry.record.change((row) => {
      if (entry.activating || attempt !== Math.max(row.attempt, row.abandoned) + 1)
        throw new Error(`attempt ${attempt} of key ${row.name} is not the next`);
      checkAbandoned(this.#wallet, entry.record.row, attempt - 1, abandoned);
      this.#stop(entry, new Error(`attempt ${attempt} began`));
      run =
        entry.early?.attempt === attempt
          ? entry.early
          : new KeygenAttempt(this.#wallet, row.name, entry.scheme, attempt);
      entry.early = undefined;
      entry.running = run;
      return { row: { ...row, state: 'Wanted', attempt, sealed: new Uint8Array(), certificate: new Uint8Array() } };
    });
    try {
      await begun;
    } catch (error) {
      if (run !== undefined && entry.running === run) this.#stop(entry, new Error(messageOf(error)));
      throw error;
    }
    if (run === undefined) throw new Error(`attempt ${attempt} did not begin`);
    return run;
  }

  /** Runs an attempt that has begun to its end here. */
  async #run(entry: Entry, run: KeygenAttempt): Promise<void> {
    const { record } = entry;
    const { attempt } = run;
    const { env } = this.#wallet;
    const started = env.clock.monotonic();
    const cancel = env.clock.after(ATTEMPT_TIMEOUT, () =>
      run.fail(unavailable(`attempt took over ${ATTEMPT_TIMEOUT / 1000} s: ${describeWait(run)}`)),
    );
    env.meter.inProgress(1);
    let outcome: 'succeeded' | 'failed' = 'failed';
    try {
      const signatures = await run.run((prepared) => this.#prepared(entry, attempt, prepared));
      if (entry.running !== run) throw new Error('the attempt was abandoned');
      await this.#activate(entry, attempt, signatures);
      outcome = 'succeeded';
    } catch (error) {
      if (record.row.state === 'Active') return;
      const { reason, message, culprits } = keygenFailure(error, this.#wallet.roster);
      entry.failures++;
      entry.problem = message;
      env.log.warn('key generation attempt failed', { key: record.row.name, attempt, reason, error: message });
      for (const culprit of culprits.length > 0 ? culprits : ['']) env.meter.failure('keygen', reason, culprit);
      await entry.accusations.record(attempt, culprits);
      // Unless a later one began, the leader waits for this one.
      if (record.row.attempt === attempt) this.#tellFailed(entry, attempt, message);
    } finally {
      cancel();
      if (entry.running === run) entry.running = undefined;
      env.meter.inProgress(-1);
      const seconds = (env.clock.monotonic() - started) / 1000;
      if (this.#wallet.roster.me.name === this.#leader)
        env.meter.ceremony(record.row.name, entry.scheme, 'keygen', outcome, seconds);
    }
  }

  async #prepared(
    entry: Entry,
    attempt: number,
    prepared: { readonly sealed: Uint8Array; readonly certificate: Uint8Array },
  ): Promise<void> {
    await entry.record.change((row) => {
      checkAlive(row, attempt);
      return {
        row: { ...row, state: 'Prepared', ...prepared },
        audit: [
          {
            type: 'KeyPrepared',
            key: row.name,
            scheme: row.scheme,
            attempt: String(attempt),
            certificate: digestOf(prepared.certificate),
          },
        ],
      };
    });
  }

  async #onAbandon(peer: string, { key, attempt, signatures }: KeygenAbandon): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const [signature] = signatures;
    if (this.#wallet.roster.me.name === this.#leader) {
      if (signature?.holder === peer) entry.signOffs?.answer(peer, signature);
      return;
    }
    if (peer !== this.#leader) return;
    if (entry.record.row.state === 'Active') return this.#handOver(entry, peer);
    const own = await this.#signOff(entry, Number(attempt), signatures);
    if (own === undefined) return;
    this.#wallet.env.peers.send(peer, {
      $case: 'keygenAbandon',
      value: { key, scheme: entry.scheme, attempt, signatures: [own] },
    });
  }

  /**
   * Promises, on disk first, never to activate `attempt` or one before it; undefined where all n signatures were seen.
   * `before` says that all n signed off the one before `attempt`: needed where this holder has not signed it off yet.
   */
  async #signOff(
    entry: Entry,
    attempt: number,
    before: readonly HolderSignature[],
  ): Promise<HolderSignature | undefined> {
    const statement = abandonedStatement(this.#wallet, entry.record.row, attempt);
    await entry.record.change((row) => {
      if (entry.activating || attempt <= row.abandoned) return undefined;
      if (attempt !== row.abandoned + 1)
        throw new Error(`attempt ${attempt} of key ${row.name} cannot have begun: ${row.abandoned} are signed off`);
      checkAbandoned(this.#wallet, entry.record.row, attempt - 1, before);
      if ((entry.running?.attempt ?? Number.POSITIVE_INFINITY) <= attempt)
        this.#stop(entry, new Error('the attempt was abandoned'));
      const prepared = row.state === 'Prepared' && row.attempt === attempt;
      return {
        row: { ...row, abandoned: attempt },
        // On record where there is a share to give up: of numbers alone nothing can be said that matters.
        audit: prepared
          ? [{ type: 'KeyAbandoned', key: row.name, scheme: entry.scheme, attempt: String(attempt) }]
          : [],
      };
    });
    if (entry.activating) return undefined;
    const { env, roster } = this.#wallet;
    return { holder: roster.me.name, signature: signAsHolder(statement, env.identity.privateKey) };
  }

  /** Leads `entry` until it is Active or a holder is absent; does nothing at other holders or while it does so already. */
  #lead(entry: Entry): void {
    const { roster, env } = this.#wallet;
    if (entry.leading || roster.me.name !== this.#leader || entry.record.row.state === 'Active') return;
    entry.leading = true;
    const turns = async (): Promise<void> => {
      while (entry.record.row.state !== 'Active') {
        const absent = this.#absent;
        if (absent.length > 0) {
          entry.problem = `waits for ${absent.join(', ')}`;
          // In this very turn: the link that comes next leads again.
          entry.leading = false;
          return;
        }
        const early = entry.retryAt - env.clock.monotonic();
        if (early > 0) {
          await new Promise<void>((resolve) => void env.clock.after(early, resolve));
          continue;
        }
        try {
          await this.#leadOnce(entry);
        } catch (error) {
          entry.problem = messageOf(error);
        }
        entry.retryAt = env.clock.monotonic() + retryPause(entry.failures, (env.random(1)[0] ?? 0) / 256);
      }
      entry.leading = false;
    };
    this.#background(turns());
  }

  async #leadOnce(entry: Entry): Promise<void> {
    const { env } = this.#wallet;
    const { name } = entry.record.row;
    entry.standings = new Question(env.clock, this.#others, ANSWER_TIMEOUT);
    for (const peer of this.#others)
      env.peers.send(peer, { $case: 'keygenStatus', value: { ...this.#status(entry, true), stop: true } });
    const statuses = [...(await entry.standings.answers)];
    const unwanted = statuses.filter(([, { state }]) => state === 'Unwanted').map(([peer]) => peer);
    if (unwanted.length > 0) throw new Error(`waits for ${unwanted.join(', ')} to be asked for key ${name}`);
    // Whoever is Active hands the signatures over on seeing our status. Where nobody is, nobody becomes it any more.
    if (statuses.some(([, { state }]) => state === 'Active' || state === 'Activating')) return;
    const { first, last } = toAbandon([
      { holder: this.#leader, ...entry.record.row },
      ...statuses.map(([holder, { attempt, abandoned }]) => ({
        holder,
        attempt: Number(attempt),
        abandoned: Number(abandoned),
      })),
    ]);
    let abandoned: readonly HolderSignature[] | undefined = [];
    for (let attempt = first; attempt <= last; attempt++) {
      abandoned = await this.#abandon(entry, attempt, abandoned);
      if (abandoned === undefined) return;
    }
    // Begun here before anyone is told, so that whoever goes away from now on ends it.
    const run = await this.#begin(entry, last + 1, abandoned);
    const value = { key: name, scheme: entry.scheme, attempt: BigInt(run.attempt), abandoned: [...abandoned] };
    for (const peer of this.#others)
      if (!env.peers.send(peer, { $case: 'keygenStart', value })) run.fail(unavailable(`${peer} is not reachable`));
    await this.#run(entry, run);
  }

  /** Everyone's signature that `attempt` is dead; undefined where this holder itself has seen that it is not. */
  async #abandon(
    entry: Entry,
    attempt: number,
    before: readonly HolderSignature[],
  ): Promise<readonly HolderSignature[] | undefined> {
    const own = await this.#signOff(entry, attempt, before);
    if (own === undefined) return undefined;
    const { env } = this.#wallet;
    const { name } = entry.record.row;
    const value = { key: name, scheme: entry.scheme, attempt: BigInt(attempt), signatures: [...before] };
    entry.signOffs = new Question(env.clock, this.#others, ANSWER_TIMEOUT);
    for (const peer of this.#others) env.peers.send(peer, { $case: 'keygenAbandon', value });
    const signatures = [own, ...(await entry.signOffs.answers).values()];
    // Here, so that a wrong one is known for its maker's.
    checkAbandoned(this.#wallet, entry.record.row, attempt, signatures);
    return signatures;
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => this.#wallet.env.log.warn('key generation', { error: messageOf(error) }));
  }
}

/** Throws unless `attempt` is the row's and may still become the key. */
function checkAlive(row: KeyRow, attempt: number): void {
  if (row.attempt !== attempt || row.abandoned >= attempt) throw new Error('the attempt was abandoned');
}

const unavailable = (message: string): Refused => new Refused('QuorumUnavailable', message);

const saying = (why: string): string => (why === '' ? '' : `: ${quote(why, MOST_SAID)}`);

const describeWait = (attempt: KeygenAttempt): string => {
  const { round, from } = attempt.waitsFor;
  return from.length === 0
    ? `attempt ${attempt.attempt} is computing`
    : `attempt ${attempt.attempt} waits for ${round} of ${from.join(', ')}`;
};
