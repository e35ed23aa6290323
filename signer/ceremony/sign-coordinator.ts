import { messageOf, Refused } from '../../common/errors.ts';
import { RateLimit } from '../../common/rate-limit.ts';
import { outcomeOf } from '../../common/reasons.ts';
import type { SignReply, SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { BadCommitment, Culprit } from '../scheme/scheme.ts';
import type { RequestRow } from '../state/store.ts';
import { checkExpiry, type Reading, type VerifiedRequest } from './judge.ts';
import type { Reservation } from './ledger.ts';
import { signedEntry, type Outcomes } from './outcomes.ts';
import { MAY_EXIST, refusalReply, rowReply, signedReply } from './reply.ts';
import { requestRow } from './requests.ts';
import type { Member } from './roster.ts';
import type { Run, SignSession, SignSessions } from './sign-sessions.ts';
import type { Spends } from './spends.ts';
import { Stopwatch } from './stopwatch.ts';
import type { ActiveKey, Wallet } from './wallet.ts';

/** Requests under way, in all and of one initiator. */
const MOST_REQUESTS = 1_024;
const MOST_OF_INITIATOR = 512;
/** A request that only others' unfinished ones stand in the way of tries again this long. Milliseconds. */
const CONTENTION_PATIENCE = 3_000;
/** Refusals of one initiator that are put on record; more are answered and counted only. */
const RECORDS_BURST = 200;
const RECORDS_PER_SECOND = 2;
/** Refusals that another try with the same member may cure. */
const CURABLE = new Set(['NonceUnknown', 'LimitContended']);

/**
 * The coordinator's side of signing, at an Infrastructure holder. Requests are admitted one after another against
 * its own ledger; a round goes to `t - 1` other members at once while its own reservation goes to disk.
 *
 *   verify -> known? -> judge + reserve (one turn) -> quorum -> SignRound ... SignShares -> aggregate -> verify
 *     -> on disk -> answer, tell all holders
 *   member unavailable or refusing -> next quorum; none left -> denied, failed or SignatureMayExist (MAY_EXIST)
 */
export class SignCoordinator {
  readonly #wallet: Wallet;
  readonly #sessions: SignSessions;
  readonly #spends: Spends;
  readonly #outcomes: Outcomes;
  readonly #running = new Map<string, Promise<SignReply>>();
  readonly #byInitiator = new Map<string, number>();
  readonly #records: RateLimit;

  constructor(wallet: Wallet, sessions: SignSessions, spends: Spends, outcomes: Outcomes) {
    this.#wallet = wallet;
    this.#sessions = sessions;
    this.#spends = spends;
    this.#outcomes = outcomes;
    this.#records = new RateLimit(wallet.env.clock, RECORDS_BURST, RECORDS_PER_SECOND);
  }

  get running(): number {
    return this.#running.size;
  }

  /** Judges and signs. Never throws: whatever happens is an answer. */
  async sign(request: SignRequest): Promise<SignReply> {
    const { env, recent, roster } = this.#wallet;
    const watch = new Stopwatch(env.clock);
    const answer = { coordinator: roster.me.name };
    let verified: VerifiedRequest;
    try {
      verified = watch.timeSync('policy', () => recent.verify(request));
    } catch (error) {
      const refused = asRefused(error);
      env.meter.decision('', 'Deny', refused.reason);
      return refusalReply(refused, { ...answer, durations: watch.durations() });
    }
    const running = this.#running.get(verified.digest);
    if (running !== undefined) return running;
    const { initiator } = verified.statement;
    const ofInitiator = this.#byInitiator.get(initiator) ?? 0;
    if (this.#running.size >= MOST_REQUESTS || ofInitiator >= MOST_OF_INITIATOR) {
      const busy = new Refused(
        'Busy',
        `${this.#running.size} requests are under way, ${ofInitiator} of ${initiator}: ask again`,
      );
      return refusalReply(busy, { ...answer, digest: verified.digest });
    }
    let claim: ReturnType<Wallet['requests']['claim']>;
    try {
      claim = this.#wallet.requests.claim(verified);
    } catch (error) {
      return refusalReply(asRefused(error), { ...answer, digest: verified.digest, durations: watch.durations() });
    }
    this.#byInitiator.set(initiator, ofInitiator + 1);
    env.meter.inProgress(1);
    const run = this.#handle(verified, claim.known, watch)
      .catch((error: unknown) => {
        const refused = asRefused(error);
        if (refused.reason === 'Internal')
          env.log.error('request failed', { digest: verified.digest, error: refused.message });
        return refusalReply(refused);
      })
      .then((reply) =>
        this.#finish(verified, watch, { ...reply, ...answer, digest: verified.digest, durations: watch.durations() }),
      )
      .finally(() => {
        env.meter.inProgress(-1);
        claim.release();
        this.#running.delete(verified.digest);
        const left = (this.#byInitiator.get(initiator) ?? 1) - 1;
        if (left === 0) this.#byInitiator.delete(initiator);
        else this.#byInitiator.set(initiator, left);
      });
    this.#running.set(verified.digest, run);
    return run;
  }

  #finish({ statement }: VerifiedRequest, watch: Stopwatch, reply: SignReply): SignReply {
    const { env, keys } = this.#wallet;
    const scheme = keys.get(statement.key)?.scheme ?? '';
    const outcome = reply.outcome === 'signed' ? 'succeeded' : reply.outcome === 'denied' ? 'denied' : 'failed';
    env.meter.ceremony(keys.has(statement.key) ? statement.key : '', scheme, 'sign', outcome, watch.total / 1000);
    for (const [step, ms] of watch.steps) env.meter.step(scheme, 'sign', step, ms / 1000);
    if (outcome === 'failed') env.meter.failure('sign', reply.reason, '');
    return reply;
  }

  async #handle(request: VerifiedRequest, before: RequestRow | undefined, watch: Stopwatch): Promise<SignReply> {
    const wallet = this.#wallet;
    const { time, wanted } = wallet;
    let known = before;
    const key = wallet.key(request.statement.key);
    if (key === undefined) {
      const name = JSON.stringify(request.statement.key);
      if (wanted.has(request.statement.key)) throw new Refused('KeyNotReady', `key ${name} is still being generated`);
      throw new Refused('UnknownKey', `the wallet has no key ${name}; it has ${[...wanted].join(', ') || 'none'}`);
    }
    if (known?.state === 'Released') {
      // Shares left once: whoever took part may have the signature. PROTOCOL.md 4.
      await this.#outcomes.ask(request.digest);
      known = wallet.requests.find(request);
    }
    if (known?.state === 'Signed' || known?.state === 'Denied') return rowReply(wallet, known);
    const now = time.seconds();
    if (request.expiresAt <= now && known?.state === 'Released') return rowReply(wallet, known);
    checkExpiry(request, now);
    const reading = watch.timeSync('policy', () => this.#read(request, key));
    if (reading instanceof Refused) return this.#refuse(request, reading);
    return this.#admit(request, key, reading, watch);
  }

  /** A payload that cannot be decoded is denied for good, and on record. */
  #read(request: VerifiedRequest, key: ActiveKey): Reading | Refused {
    try {
      return this.#wallet.recent.read(request, key.publicKey);
    } catch (error) {
      return asRefused(error);
    }
  }

  async #admit(request: VerifiedRequest, key: ActiveKey, reading: Reading, watch: Stopwatch): Promise<SignReply> {
    const { ledger, env, time } = this.#wallet;
    const patience = env.clock.monotonic() + CONTENTION_PATIENCE;
    for (;;) {
      const now = time.seconds();
      const decision = watch.timeSync('policy', () => ledger.decide(request, reading, now));
      env.meter.decision(decision.rule, decision.verdict, decision.reason);
      if (decision.verdict === 'Allow') {
        // Same turn as the decision: no other request sees the room that this one takes.
        const reservation = ledger.reserve({ digest: request.digest, at: now, effects: reading.effects });
        let reply: SignReply;
        try {
          reply = await this.#sign({ request, key, reading, decision, now, watch, reservation });
        } finally {
          reservation.release();
        }
        if (reply.reason !== 'LimitContended' || env.clock.monotonic() > patience) return reply;
      } else if (decision.reason !== 'LimitContended' || env.clock.monotonic() > patience) {
        return this.#refuse(
          request,
          new Refused(decision.reason || 'PolicyDenied', decision.message, decision.rule),
          reading,
        );
      }
      await watch.time('queue', () => this.#pause(20 + ((env.random(1)[0] ?? 0) % 80)));
    }
  }

  /** Runs sessions with one quorum after another until one signs, or none is left. */
  async #sign(run: Run): Promise<SignReply> {
    const { request, watch } = run;
    const { env, roster } = this.#wallet;
    const left = new Map<string, Refused | string>();
    const retried = new Set<string>();
    // Whether any member may have let its shares go: in this run, or before it.
    let mayExist = this.#wallet.requests.get(request.digest)?.state === 'Released';
    let asking = false;
    let reserving: Promise<void> | undefined;
    try {
      for (;;) {
        const quorum = this.#sessions.quorum(left);
        if (quorum === undefined) break;
        const session = await watch.time('queue', () => this.#sessions.prepare(run, quorum, left));
        if (session === undefined) continue;
        asking = true;
        const answers = this.#sessions.ask(session);
        // Our reservation goes to disk while the members work: nothing of ours but the request has left.
        reserving ??= watch.time('ledger', () => this.#reserve(run, quorum));
        reserving.catch(() => {}); // awaited below, once the members have answered
        try {
          const results = await watch.time('round', () => this.#sessions.collect(run, session, answers));
          for (const [name, answer] of results.answers) {
            mayExist ||= answer.kind !== 'refused';
            if (answer.kind === 'silent') left.set(name, answer.why);
            if (answer.kind !== 'refused') continue;
            if (answer.refused.reason !== 'NonceUnknown' || retried.has(name)) left.set(name, answer.refused);
            retried.add(name);
          }
          asking = false;
          await reserving;
          if (results.shares === undefined) continue;
          const signatures = await this.#sessions.aggregate(run, session, results.shares);
          return await this.#signed(run, session, signatures);
        } catch (error) {
          if (!(error instanceof Culprit || error instanceof BadCommitment)) throw error;
          // Commitments came from their makers over their own links: a bad one is as good a proof as a bad share.
          mayExist = true;
          for (const name of await this.#fence(run, error)) left.set(name, new Refused('CulpritFound', error.message));
        }
      }
    } catch (error) {
      mayExist ||= asking;
      const refused = asRefused(error);
      env.log.error('session failed', { digest: request.digest, error: refused.message });
      left.set(roster.me.name, new Refused(refused.reason, `${roster.me.name}: ${refused.message}`));
    }
    return this.#unsigned(run, left, mayExist);
  }

  /** The reservation on disk. */
  async #reserve({ request, reading, decision, now, reservation }: Run, quorum: readonly Member[]): Promise<void> {
    const { requests, policyDigest } = this.#wallet;
    const known = requests.get(request.digest);
    const row = requestRow(request, known?.firstSeen ?? now, {
      state: known?.state === 'Released' ? 'Released' : 'Reserved',
      rule: decision.rule,
      policyDigest,
      participants: quorum.map((m) => m.name),
    });
    const written = this.#wallet.write({
      requests: [row],
      ledger: [reservation.row],
      audit: [
        {
          type: 'Reserved',
          digest: request.digest,
          initiator: row.initiator,
          id: row.id,
          key: row.key,
          rule: decision.rule,
          policy: policyDigest,
          effects: reading.effectsDigest,
        },
      ],
    });
    await requests.keep(row, written);
  }

  async #signed(run: Run, { round }: SignSession, signatures: readonly Uint8Array[]): Promise<SignReply> {
    const { request, reading, decision, now, watch } = run;
    const { requests, ledger, policyDigest } = this.#wallet;
    const row = requestRow(request, requests.get(request.digest)?.firstSeen ?? now, {
      state: 'Signed',
      rule: decision.rule,
      policyDigest,
      participants: round.quorum,
      signatures,
    });
    await watch.time('ledger', () =>
      this.#settle(
        row,
        { audit: [signedEntry(row, reading.effectsDigest, '')], releases: [{ digest: row.digest, at: now }] },
        ledger,
      ),
    );
    this.#outcomes.tell(row);
    this.#spends.released();
    return signedReply(row, reading);
  }

  /** Writes a row whose spend counts for good. */
  async #settle(
    row: RequestRow,
    change: Pick<Parameters<Wallet['write']>[0], 'audit' | 'releases'>,
    ledger: Wallet['ledger'],
  ): Promise<void> {
    const reserved = ledger.get(row.digest);
    const spend = reserved === undefined ? [] : [ledger.put({ ...reserved, state: 'Spent' })];
    await this.#wallet.requests.keep(row, this.#wallet.write({ requests: [row], ledger: spend, ...change }));
    ledger.settle(row.digest);
  }

  /** No quorum signed. What any member may have released stays a spend; else the reservation goes. */
  async #unsigned(run: Run, left: ReadonlyMap<string, Refused | string>, mayExist: boolean): Promise<SignReply> {
    const { request, reading, decision, now, reservation } = run;
    const { requests, ledger, policyDigest, env } = this.#wallet;
    const waitsFor = this.#missing(left);
    const because = [...left]
      .map(([name, why]) => (typeof why === 'string' ? `${name}: ${why}` : why.message))
      .join('; ');
    if (!mayExist) {
      const refused = [...left.values()].find((why) => why instanceof Refused);
      if (refused === undefined)
        return this.#refuse(request, this.#unavailable(waitsFor, because), reading, waitsFor, reservation);
      if (!CURABLE.has(refused.reason))
        return this.#refuse(
          request,
          refused,
          reading,
          outcomeOf(refused.reason) === 'denied' ? [] : waitsFor,
          reservation,
        );
      await this.#drop(request, undefined, reservation);
      return refusalReply(refused, { waitsFor });
    }
    const known = requests.get(request.digest);
    if (known?.state === 'Signed') return rowReply(this.#wallet, known);
    const row = requestRow(request, known?.firstSeen ?? now, {
      ...known,
      state: 'Released',
      reason: 'SignatureMayExist',
      message: because === '' ? MAY_EXIST : `${MAY_EXIST} (${because})`,
      rule: decision.rule,
      policyDigest,
    });
    try {
      await this.#settle(row, { audit: [endedEntry('Failed', row)] }, ledger);
    } catch (error) {
      // On the ledger in memory it stays, and on disk as what was reserved: after a restart it is a spend.
      env.log.error('outcome not written', { digest: request.digest, error: messageOf(error) });
    }
    return { ...rowReply(this.#wallet, row), waitsFor };
  }

  #unavailable(waitsFor: readonly string[], because: string): Refused {
    const { roster } = this.#wallet;
    const here = roster.signing.filter((m) => this.#wallet.usable(m.name)).length;
    const why = because === '' ? '' : ` (${because})`;
    return new Refused(
      'QuorumUnavailable',
      `waits for ${waitsFor.join(' or ')}: ${here} of ${roster.threshold} signers that must take part are reachable${why}`,
    );
  }

  #missing(left: ReadonlyMap<string, unknown>): string[] {
    const { roster } = this.#wallet;
    return roster.signing.filter((m) => left.has(m.name) || !this.#wallet.usable(m.name)).map((m) => m.name);
  }

  /** Ends a request of which nothing was released: off the ledger, its outcome on disk and in the audit once. */
  async #refuse(
    request: VerifiedRequest,
    refused: Refused,
    reading?: Reading,
    waitsFor: string[] = [],
    reservation?: Reservation,
  ): Promise<SignReply> {
    const { requests, time, policyDigest } = this.#wallet;
    const state = outcomeOf(refused.reason) === 'denied' ? 'Denied' : 'Failed';
    const known = requests.get(request.digest);
    // Shares left once, or the signature came from elsewhere meanwhile: no refusal of now changes that.
    if (known?.state === 'Signed') return rowReply(this.#wallet, known);
    if (known?.state === 'Released')
      return { ...rowReply(this.#wallet, known), message: `${MAY_EXIST} (now: ${refused.message})`, waitsFor };
    const reply = refusalReply(refused, { policyDigest, waitsFor, effects: reading?.effects ?? '' });
    const repeated = known !== undefined && known.state === state && known.reason === refused.reason;
    if (repeated || !this.#records.allow(request.statement.initiator)) {
      await this.#drop(request, undefined, reservation);
      return reply;
    }
    const row = requestRow(request, known?.firstSeen ?? time.seconds(), {
      state,
      reason: refused.reason,
      message: refused.message,
      rule: refused.rule,
      policyDigest,
    });
    await this.#drop(request, row, reservation);
    return reply;
  }

  async #drop(request: VerifiedRequest, row?: RequestRow, reservation?: Reservation): Promise<void> {
    const { requests } = this.#wallet;
    const reserved = reservation?.row.state === 'Reserved';
    reservation?.release();
    if (!reserved && row === undefined) return;
    const written = this.#wallet.write({
      ...(reserved ? { unreserve: [request.digest] } : {}),
      ...(row === undefined
        ? {}
        : { requests: [row], audit: [endedEntry(row.state === 'Denied' ? 'Denied' : 'Failed', row)] }),
    });
    await (row === undefined ? written : requests.keep(row, written));
  }

  /** A member's share or commitment is provably wrong: on disk before any answer leaves, and it is left out until cleared. */
  async #fence({ request, key }: Run, culprit: Culprit | BadCommitment): Promise<readonly string[]> {
    const { roster, env, policyDigest } = this.#wallet;
    const names = culprit.identifiers.map((i) => roster.nameOf(i)).filter((name) => name !== roster.me.name);
    if (names.length === 0) throw new Refused('Internal', culprit.message);
    for (const name of names) {
      env.meter.failure('sign', 'CulpritFound', name);
      env.log.error('culprit found', { culprit: name, digest: request.digest, error: culprit.message });
    }
    await this.#wallet.write({
      peers: names.map((name) => this.#wallet.remember(name, { fenced: `key ${key.name}: ${culprit.message}` })),
      audit: names.map((name) => ({
        type: 'CulpritFound' as const,
        culprit: name,
        digest: request.digest,
        key: key.name,
        policy: policyDigest,
      })),
    });
    return names;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wallet.env.clock.after(ms, resolve);
    });
  }
}

const endedEntry = (
  type: 'Denied' | 'Failed',
  row: RequestRow,
): { readonly type: 'Denied' | 'Failed' } & Record<string, string> => ({
  type,
  digest: row.digest,
  initiator: row.initiator,
  id: row.id,
  key: row.key,
  reason: row.reason,
  message: row.message.slice(0, 500),
  rule: row.rule,
  policy: row.policyDigest,
});

const asRefused = (error: unknown): Refused =>
  error instanceof Refused ? error : new Refused('Internal', messageOf(error));
