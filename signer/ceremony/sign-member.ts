import { clip, digest as digestOf, equal, hex } from '../../common/bytes.ts';
import { parseTime } from '../../common/clock.ts';
import { messageOf, Refused } from '../../common/errors.ts';
import { RateLimit } from '../../common/rate-limit.ts';
import type { Decision } from '../../policy/decision.ts';
import type { SignRound } from '../../proto/gen/signer/v1/peer.ts';
import {
  Banned,
  Culprit,
  type Exchange,
  isCommitment,
  type NonceCommitment,
  type SigningInput,
  Suspects,
} from '../scheme/scheme.ts';
import { CounterpartyBanned } from './counterparty-banned.ts';
import type { Exchanges, SessionExchange } from './exchanges.ts';
import { checkExpiry, type Reading, type VerifiedRequest } from './judge.ts';
import { POOL_SIZE, type OwnNonce } from './nonce-pools.ts';
import type { NonceKeeper } from './own-nonces.ts';
import { requestRow } from './requests.ts';
import type { Roster } from './roster.ts';
import { sessionId } from './session.ts';
import type { Spends } from './spends.ts';
import type { ActiveKey, Wallet } from './wallet.ts';

/** Further apart than this, one of two clocks is wrong and nothing is signed. Seconds. */
const MOST_SKEW = 60;

/** Refusals of one coordinator's rounds that are logged. */
const LOGGED_BURST = 200;
const LOGGED_PER_SECOND = 2;

/** Rounds that one coordinator may have under way here. */
const MOST_ROUNDS = 512;

type Judged = {
  readonly request: VerifiedRequest;
  readonly reading: Reading;
  readonly decision: Decision;
  readonly now: number;
};

/**
 * A member's side of signing. It believes nothing that the coordinator says: it decodes the payload, verifies the
 * initiator, judges by its own policy and ledger, puts the spend on disk, and only then lets its shares go.
 *
 *   SignRound -> burn nonces -> judge -> reserve (memory, same turn) -> on disk | shares computed -> SignShares
 *                                                     (ECDSA: steps with each other member, before the disk)
 *        any refusal before that -> Refusal, nothing released
 */
export class SignMember {
  readonly #wallet: Wallet;
  readonly #nonces: NonceKeeper;
  readonly #spends: Spends;
  readonly #exchanges: Exchanges;
  readonly #running = new Map<string, number>();
  readonly #logged: RateLimit;

  constructor(wallet: Wallet, nonces: NonceKeeper, spends: Spends, exchanges: Exchanges) {
    this.#wallet = wallet;
    this.#nonces = nonces;
    this.#spends = spends;
    this.#exchanges = exchanges;
    this.#logged = new RateLimit(wallet.env.clock, LOGGED_BURST, LOGGED_PER_SECOND);
  }

  async onSignRound(coordinator: string, round: SignRound): Promise<void> {
    const { env } = this.#wallet;
    const running = this.#running.get(coordinator) ?? 0;
    this.#running.set(coordinator, running + 1);
    try {
      if (running >= MOST_ROUNDS) throw new Refused('Busy', `${running} rounds of ${coordinator} are under way`);
      const shares = await this.#answer(coordinator, round);
      env.peers.send(coordinator, { $case: 'signShares', value: { session: round.session, shares: [...shares] } });
    } catch (error) {
      const refused = await this.#refusal(round, error);
      const { reason, message, rule } = refused;
      if (reason === 'Internal') env.log.error('round failed', { peer: coordinator, error: message });
      else if (this.#logged.allow(coordinator)) {
        const digest = round.request && digestOf(round.request.statement);
        const why = clip(message);
        env.log.info('shares refused', { coordinator, digest, reason, why, rule: rule || undefined });
      }
      env.peers.send(coordinator, {
        $case: 'refusal',
        value: {
          ...{ session: round.session, reason, message, rule },
          ...(refused instanceof CounterpartyBanned && { about: refused.peer }),
        },
      });
    } finally {
      this.#running.set(coordinator, (this.#running.get(coordinator) ?? 1) - 1);
    }
  }

  async #answer(coordinator: string, round: SignRound): Promise<readonly Uint8Array[]> {
    const { roster, env } = this.#wallet;
    const start = env.clock.monotonic();
    if (roster.find(coordinator)?.role !== 'Infrastructure')
      throw new Refused('SessionMismatch', `${coordinator} is no Infrastructure holder and coordinates nothing`);
    if (roster.me.role === 'Backup') throw new Refused('SessionMismatch', 'a Backup holder signs in recovery only');
    const key = this.#wallet.key(round.key);
    if (key?.signing === undefined)
      throw new Refused('KeyNotReady', `key ${JSON.stringify(round.key)} is not active at ${roster.me.name}`);

    const nonces = this.#takeNonces(key, coordinator, round);
    let judged: Judged;
    try {
      judged = this.#judge(key, coordinator, round);
    } catch (error) {
      key.signing.discard(nonces.map((n) => n.nonce));
      throw error;
    }
    // From here to the first await nothing else runs: what was judged is what gets reserved.
    const exchange =
      key.scheme === 'ECDSA'
        ? this.#exchanges.open(
            round.session,
            roster.members.filter((m) => m !== roster.me && round.quorum.includes(m.name)),
            nonces.length,
          )
        : undefined;
    const written = this.#reserve(key, coordinator, round, judged, nonces, exchange);
    const { messages } = judged.reading.decoded;
    // The arithmetic runs while the disk works; its result stays here until the spend is on disk.
    const shares = Promise.all(
      nonces.map((n, i) =>
        this.#sign(key, n, signingInput(roster, round, judged.request.statement.path, messages, i), exchange?.of(i)),
      ),
    );
    // Whoever fails ends the exchange, so that the other does not wait.
    shares.catch((error: unknown) => exchange?.close(messageOf(error)));
    const [spent, signed] = await Promise.allSettled([written, shares]);
    exchange?.close('the session is over');
    // Why it failed is known where it was computed: the other only waited.
    if (signed.status === 'rejected') throw signed.reason;
    if (spent.status === 'rejected') throw spent.reason;
    const released = signed.value;
    // What another session found meanwhile holds for this one too.
    this.#checkTrust(key, round.quorum);
    const { id, initiator } = judged.request.statement;
    env.log.info('shares released', {
      coordinator,
      digest: judged.request.digest,
      id,
      initiator,
      key: key.name,
      rule: judged.decision.rule,
      participants: round.quorum,
      ms: Math.round(env.clock.monotonic() - start),
    });
    return released;
  }

  async #sign(key: ActiveKey, nonce: OwnNonce, input: SigningInput, exchange?: Exchange): Promise<Uint8Array> {
    if (key.signing === undefined) throw new Refused('Internal', 'no share to sign with');
    return key.signing.sign(nonce.nonce, input, exchange);
  }

  /** What is answered instead of shares; a ban is on disk before. */
  async #refusal({ key, request }: SignRound, error: unknown): Promise<Refused> {
    const { roster } = this.#wallet;
    const failed = (cause: unknown): Refused =>
      cause instanceof Refused ? cause : new Refused('Internal', messageOf(cause));
    const digest = request === undefined ? '' : digestOf(request.statement);
    try {
      if (error instanceof Banned) {
        return await this.#wallet.banForGood(key, roster.nameOf(error.identifier), error.message, digest);
      }
      if (error instanceof Culprit || error instanceof Suspects) {
        const names = error.identifiers.map((i) => roster.nameOf(i)).filter((name) => name !== roster.me.name);
        if (error instanceof Suspects) await this.#wallet.strike(names, error.message);
        else {
          await this.#wallet.leaveOut(names, key, error.message, digest);
          return new Refused('CulpritFound', names.map((name) => this.#wallet.whyLeftOut(name)).join('; '));
        }
      }
    } catch (cause) {
      return failed(cause);
    }
    return failed(error);
  }

  /** Burns the nonces a round refers to, before anything else is believed of it. */
  #takeNonces(key: ActiveKey, coordinator: string, round: SignRound): readonly OwnNonce[] {
    const me = this.#wallet.roster.me.name;
    if (round.inputs.length === 0 || round.inputs.length > POOL_SIZE)
      throw new Refused('Malformed', `a round has 1 to ${POOL_SIZE} inputs, this has ${round.inputs.length}`);
    const mine = round.inputs.flatMap((input) => input.contributions.filter((c) => c.holder === me));
    const nonces = this.#nonces.take(key, coordinator, mine);
    if (nonces === undefined || nonces.length !== round.inputs.length)
      throw new Refused('NonceUnknown', `${me} does not know a commitment that it is asked to use`);
    return nonces;
  }

  #judge(key: ActiveKey, coordinator: string, round: SignRound): Judged {
    const { recent, time, requests, ledger, env, roster } = this.#wallet;
    if (round.request === undefined) throw new Refused('Malformed', 'round without a request');
    const request = this.#wallet.verify(round.request);
    const now = time.seconds();
    this.#checkSession(key, coordinator, round, request, now);
    requests.find(request);
    checkExpiry(request, now);
    const reading = recent.read(request, key.publicKey);
    if (reading.decoded.messages.length !== round.inputs.length || reading.effectsDigest !== round.effectsDigest)
      throw new Refused(
        'DecisionMismatch',
        `${roster.me.name} decodes the payload to other effects than ${coordinator}`,
      );
    const decision = ledger.decide(request, reading, now);
    env.meter.decision(decision.rule, decision.verdict, decision.reason);
    if (decision.verdict === 'Deny')
      throw new Refused(decision.reason || 'PolicyDenied', decision.message, decision.rule);
    return { request, reading, decision, now };
  }

  /** Quorum, epoch, policy, clock and session id as this holder computes them. */
  #checkSession(key: ActiveKey, coordinator: string, round: SignRound, request: VerifiedRequest, now: number): void {
    const { roster, policyDigest, genesisDigest } = this.#wallet;
    const { quorum, inputs } = round;
    if (request.statement.key !== key.name)
      throw new Refused('SessionMismatch', 'the round is for another key than its request');
    if (!roster.isQuorum(quorum) || !quorum.includes(coordinator) || !quorum.includes(roster.me.name))
      throw new Refused(
        'SessionMismatch',
        `${quorum.join(', ')} is no quorum with ${coordinator} and ${roster.me.name}`,
      );
    for (const { contributions } of inputs) {
      const fits = contributions.every(
        (c, i) => c.holder === quorum[i] && isCommitment(key.scheme, c) && c.boot.length === 16,
      );
      if (contributions.length !== quorum.length || !fits)
        throw new Refused('SessionMismatch', 'each input needs one contribution of each member, in roster order');
    }
    this.#checkTrust(key, quorum);
    if (round.epoch !== key.epoch)
      throw new Refused('EpochMismatch', `epoch ${round.epoch} is asked, this holder is at ${key.epoch}`);
    if (round.policyDigest !== policyDigest)
      throw new Refused(
        'PolicyMismatch',
        `policy ${round.policyDigest} is asked, this holder enforces ${policyDigest}`,
      );
    if (!(Math.abs(secondsOf(round.time) - now) <= MOST_SKEW))
      throw new Refused(
        'ClockSkew',
        `the clocks of ${coordinator} and ${roster.me.name} differ by more than ${MOST_SKEW} s`,
      );
    const binding = {
      genesis: genesisDigest,
      key: key.name,
      epoch: key.epoch,
      request: request.digest,
      policy: policyDigest,
    };
    if (!equal(sessionId({ ...binding, quorum, inputs }), round.session))
      throw new Refused('SessionMismatch', 'the session id is not that of this round');
  }

  /** Of ECDSA going on with one that failed a check may give the share away; FROST's shares tell nothing. */
  #checkTrust(key: ActiveKey, quorum: readonly string[]): void {
    if (key.scheme !== 'ECDSA') return;
    for (const name of quorum) {
      const why = this.#wallet.whyLeftOut(name, key.name);
      if (why !== '') throw new CounterpartyBanned(name, why);
    }
  }

  /**
   * The spend goes on the ledger in this turn and to disk once nothing but this holder's own share is missing; a spend
   * on disk stays one, whatever becomes of the round.
   */
  async #reserve(
    key: ActiveKey,
    coordinator: string,
    round: SignRound,
    { request, reading, decision, now }: Judged,
    nonces: readonly OwnNonce[],
    exchange: SessionExchange | undefined,
  ): Promise<void> {
    const { ledger, requests, policyDigest } = this.#wallet;
    const { row: spend, release } = ledger.reserve({ digest: request.digest, at: now, effects: reading.effects });
    const known = requests.get(request.digest);
    const row = requestRow(request, known?.firstSeen ?? now, {
      state: 'Released',
      rule: decision.rule,
      policyDigest,
      participants: round.quorum,
      // A repeat of what is signed already leaves the outcome as it is.
      ...(known?.state === 'Signed' ? known : {}),
    });
    const spent: Parameters<Wallet['write']>[0] = {
      requests: [row],
      ledger: [{ ...spend, state: 'Spent' }],
      nonces: nonces.map((n) => ({ key: key.name, boot: hex(n.boot), index: n.index })),
      releases: [{ digest: request.digest, at: now }],
      audit: [
        {
          type: 'Released',
          digest: request.digest,
          initiator: request.statement.initiator,
          id: request.statement.id,
          key: key.name,
          rule: decision.rule,
          policy: policyDigest,
          effects: reading.effectsDigest,
          coordinator,
          quorum: round.quorum.join(','),
        },
      ],
    };
    const written =
      exchange === undefined ? this.#wallet.write(spent) : exchange.heard.then(() => this.#wallet.write(spent));
    try {
      await requests.keep(row, written);
      ledger.put({ ...spend, state: 'Spent' });
    } finally {
      release();
    }
    // On disk it is a spend, and everyone is told, whether or not the share leaves in the end.
    this.#spends.released();
  }
}

/** What the scheme signs for input `index` of a round whose form was checked. */
export function signingInput(
  roster: Roster,
  round: Pick<SignRound, 'inputs'>,
  path: string,
  messages: readonly Uint8Array[],
  index: number,
): SigningInput {
  const message = messages[index];
  const contributions = round.inputs[index]?.contributions;
  if (message === undefined || contributions === undefined) throw new Refused('Internal', `no input ${index}`);
  const commitments = new Map<number, NonceCommitment>(
    contributions.map((c) => [roster.get(c.holder).identifier, { hiding: c.hiding, binding: c.binding }]),
  );
  return { message, commitments, ...(path !== '' && { path }) };
}

function secondsOf(time: string): number {
  try {
    return parseTime(time) / 1000;
  } catch {
    return Number.NaN;
  }
}
