import { messageOf, Refused } from '../../common/errors.ts';
import { outcomeOf } from '../../common/reasons.ts';
import type { SignReply, SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { BadCommitment, Banned, Culprit, Suspects } from '../scheme/scheme.ts';
import { checkExpiry, type Reading, type VerifiedRequest } from './judge.ts';
import type { Outcomes } from './outcomes.ts';
import { refusalReply, rowReply, waitingFor } from './reply.ts';
import type { Claim } from './requests.ts';
import { SignRecord } from './sign-record.ts';
import { quorumName, type Run, type SignSessions } from './sign-sessions.ts';
import type { Spends } from './spends.ts';
import { Stopwatch } from './stopwatch.ts';
import type { ActiveKey, Wallet } from './wallet.ts';

/** Requests under way, in all and of one initiator. */
const MOST_REQUESTS = 1_024;
const MOST_OF_INITIATOR = 512;
/** A request that only others' unfinished ones stand in the way of tries again this long. Milliseconds. */
const CONTENTION_PATIENCE = 3_000;
/** Quorums of one request that may fail without a name. */
const MOST_FAILED = 16;
/** Members that a request can no longer count on, and why. */
type Left = Map<string, Refused | string>;

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
  readonly #outcomes: Outcomes;
  readonly #record: SignRecord;
  readonly #running = new Map<string, Promise<SignReply>>();
  readonly #byInitiator = new Map<string, number>();

  constructor(wallet: Wallet, sessions: SignSessions, spends: Spends, outcomes: Outcomes) {
    this.#wallet = wallet;
    this.#sessions = sessions;
    this.#outcomes = outcomes;
    this.#record = new SignRecord(wallet, spends, outcomes);
  }

  get running(): number {
    return this.#running.size;
  }

  /** Judges and signs. Never throws: whatever happens is an answer. */
  async sign(request: SignRequest): Promise<SignReply> {
    const { env, roster } = this.#wallet;
    const watch = new Stopwatch(env.clock);
    const answer = { coordinator: roster.me.name };
    let verified: VerifiedRequest;
    try {
      verified = watch.timeSync('policy', () => this.#wallet.verify(request));
    } catch (error) {
      return refusalReply(asRefused(error), { ...answer, durations: watch.durations() });
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
    let claim: Claim;
    try {
      claim = this.#wallet.requests.claim(verified);
    } catch (error) {
      const refused = asRefused(error);
      this.#record.tellUnrecorded(verified, refused, watch);
      return refusalReply(refused, { ...answer, digest: verified.digest, durations: watch.durations() });
    }
    this.#byInitiator.set(initiator, ofInitiator + 1);
    env.meter.inProgress(1);
    const run = this.#handle(verified, claim, watch)
      .catch((error: unknown) => {
        const refused = asRefused(error);
        if (refused.reason === 'Internal')
          env.log.error('request failed', { digest: verified.digest, error: refused.message });
        else this.#record.tellUnrecorded(verified, refused, watch);
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

  async #handle(request: VerifiedRequest, { known, doubted }: Claim, watch: Stopwatch): Promise<SignReply> {
    const wallet = this.#wallet;
    const { env, roster, time, wanted } = wallet;
    const key = wallet.key(request.statement.key);
    if (key === undefined) {
      const name = JSON.stringify(request.statement.key);
      if (wanted.has(request.statement.key)) throw new Refused('KeyNotReady', `key ${name} is still being generated`);
      throw new Refused('UnknownKey', `the wallet has no key ${name}; it has ${[...wanted].join(', ') || 'none'}`);
    }
    const asked = { request, doubted, watch };
    let latest = known;
    if (this.#record.mayExist(asked)) {
      // Shares left once: whoever took part may have the signature. PROTOCOL.md 4.
      await this.#outcomes.ask(request.digest);
      latest = wallet.requests.find(request);
    }
    if (latest?.state === 'Signed' || (latest?.state === 'Denied' && !this.#record.mayExist(asked)))
      return rowReply(wallet, latest);
    try {
      checkExpiry(request, time.seconds());
      // Before anyone is asked: members would let their shares go for a request that this one cannot reserve.
      if (env.store.problem !== '') throw new Refused('StorageFull', `${roster.me.name}: ${env.store.problem}`);
    } catch (error) {
      if (!this.#record.mayExist(asked)) throw error;
      return this.#record.unsure(asked, messageOf(error));
    }
    const reading = watch.timeSync('policy', () => this.#read(request, key));
    if (reading instanceof Refused) return this.#record.refused(asked, reading);
    return this.#admit({ request, doubted, key, reading, watch });
  }

  /** A payload that cannot be decoded is denied for good, and on record. */
  #read(request: VerifiedRequest, key: ActiveKey): Reading | Refused {
    try {
      return this.#wallet.recent.read(request, key.publicKey);
    } catch (error) {
      return asRefused(error);
    }
  }

  async #admit(asked: Omit<Run, 'decision' | 'now' | 'reservation'>): Promise<SignReply> {
    const { ledger, env, time } = this.#wallet;
    const { request, reading, watch } = asked;
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
          reply = await this.#sign({ ...asked, decision, now, reservation });
        } finally {
          reservation.release();
        }
        if (reply.reason !== 'LimitContended' || env.clock.monotonic() > patience) return reply;
      } else if (decision.reason !== 'LimitContended' || env.clock.monotonic() > patience) {
        const refused = new Refused(decision.reason || 'PolicyDenied', decision.message, decision.rule);
        return this.#record.refused(asked, refused);
      }
      await watch.time('queue', () => this.#pause(20 + ((env.random(1)[0] ?? 0) % 80)));
    }
  }

  /** Runs sessions with one quorum after another until one signs, or none is left. */
  async #sign(run: Run): Promise<SignReply> {
    const { request, watch } = run;
    const { env, roster } = this.#wallet;
    const left: Left = new Map();
    const retried = new Set<string>();
    const failed = new Set<string>();
    // Whether any member may have let its shares go: in this run, or before it.
    let mayExist = this.#record.mayExist(run);
    let asking = false;
    let reserving: Promise<void> | undefined;
    try {
      for (;;) {
        const quorum = failed.size > MOST_FAILED ? undefined : this.#sessions.quorum(run, left, failed);
        if (quorum === undefined) break;
        const session = await watch.time('queue', () => this.#sessions.prepare(run, quorum, left));
        if (session === undefined) continue;
        asking = true;
        const under = this.#sessions.ask(run.key, session);
        // Our reservation goes to disk while the members work: nothing of ours but the request has left.
        reserving ??= watch.time('ledger', () => this.#record.reserved(run, quorum));
        reserving.catch(() => {}); // awaited below, once the members have answered
        try {
          const results = await watch.time('round', () => this.#sessions.collect(run, under));
          for (const [name, answer] of results.answers) {
            mayExist ||= answer.kind === 'ended' ? answer.released : answer.kind !== 'refused';
            if (answer.kind === 'silent') left.set(name, answer.why);
            if (answer.kind !== 'refused') continue;
            const { refused, about } = answer;
            this.#sessions.onBan(run.key.name, name, about);
            // It may sign without the one that it does not sign with.
            if (about !== '' && about !== roster.me.name && !failed.has(quorumName(quorum))) {
              failed.add(quorumName(quorum));
              continue;
            }
            if (refused.reason !== 'NonceUnknown' || retried.has(name)) left.set(name, refused);
            retried.add(name);
          }
          // The session ended here: without a word of whoever it was, none of them is asked again for this request.
          if ([...results.answers.values()].every(({ kind }) => kind === 'ended'))
            for (const name of results.answers.keys()) left.set(name, 'nothing more came from it');
          asking = false;
          await reserving;
          if (results.shares === undefined) continue;
          const signatures = await this.#sessions.aggregate(run, session, results.shares);
          return await this.#record.signed(run, session, signatures);
        } catch (error) {
          if (error instanceof Banned || error instanceof Suspects) {
            const names = await this.#record.distrust(run, error);
            for (const [name, why] of names) left.set(name, why);
            if (error instanceof Suspects && names.size === 0) {
              // One of several: others may sign without it, in whatever quorum that is.
              failed.add(quorumName(quorum));
              this.#sessions.doubt(quorum.map((m) => m.name));
            }
            mayExist ||= under.exchange?.lastSent ?? true;
            continue;
          }
          if (!(error instanceof Culprit || error instanceof BadCommitment)) throw error;
          // Commitments came from their makers over their own links: a bad one is as good a proof as a bad share.
          mayExist = true;
          for (const name of await this.#record.culprits(run, error))
            left.set(name, new Refused('CulpritFound', this.#wallet.whyLeftOut(name)));
        }
      }
    } catch (error) {
      mayExist ||= asking;
      const refused = asRefused(error);
      env.log.error('session failed', { digest: request.digest, error: refused.message });
      left.set(roster.me.name, new Refused(refused.reason, `${roster.me.name}: ${refused.message}`));
    }
    const key = run.key.name;
    const waitsFor = this.#waitsFor(key, left);
    const reply = mayExist
      ? await this.#record.unsure(run, this.#inTheWay(key, left), waitsFor)
      : await this.#record.refused(run, this.#why(key, left, waitsFor), waitsFor);
    return { ...reply, elsewhere: reply.outcome === 'failed' && !this.#sessions.canLead(key) };
  }

  /** Why no quorum signed, where nothing was released. */
  #why(key: string, left: Left, waitsFor: readonly string[]): Refused {
    const { roster } = this.#wallet;
    const refusals = [...left.values()].filter((why) => why instanceof Refused);
    const denials = refusals.filter(isDenial);
    // Who is away may come back and allow it: denied for good is what no quorum is left for.
    const others = roster.signing.length - 1 - denials.length;
    if (denials[0] !== undefined && others < roster.threshold - 1) return denials[0];
    const failure = refusals.find((why) => !isDenial(why));
    if (failure !== undefined) return failure;
    const here = roster.signing.filter((m) => this.#wallet.usable(m.name, key)).length;
    const because = this.#inTheWay(key, left);
    return new Refused(
      'QuorumUnavailable',
      `${waitingFor(waitsFor)}: ${here} of ${roster.threshold} signers that must take part are available${because === '' ? '' : ` (${because})`}`,
    );
  }

  /** What became of members that were asked, and who is not asked any more. */
  #inTheWay(key: string, left: Left): string {
    const asked = [...left].map(([name, why]) => (typeof why === 'string' ? `${name}: ${why}` : why.message));
    const leftOut = this.#wallet.roster.signing.map(({ name }) =>
      left.has(name) ? '' : this.#wallet.whyLeftOut(name, key),
    );
    return [...asked, ...leftOut, ...this.#sessions.apart(key)].filter((text) => text !== '').join('; ');
  }

  /** Who is away or failed: with them it may be signed. Not who is left out, for it stays so. */
  #waitsFor(key: string, left: Left): readonly string[] {
    return this.#wallet.roster.signing
      .filter(({ name }) => {
        if (this.#wallet.whyLeftOut(name, key) !== '') return false;
        const why = left.get(name);
        return why === undefined ? !this.#wallet.usable(name, key) : !isDenial(why);
      })
      .map((m) => m.name);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wallet.env.clock.after(ms, resolve);
    });
  }
}

const asRefused = (error: unknown): Refused =>
  error instanceof Refused ? error : new Refused('Internal', messageOf(error));

const isDenial = (why: Refused | string): boolean => typeof why !== 'string' && outcomeOf(why.reason) === 'denied';
