import { clip } from '../../common/bytes.ts';
import { formatTime } from '../../common/clock.ts';
import { messageOf, Refused } from '../../common/errors.ts';
import type { Decision } from '../../policy/decision.ts';
import type { Commitments, Contribution, Refusal, SignRound, SignShares } from '../../proto/gen/signer/v1/peer.ts';
import { SHARE_BYTES, type SchemeName } from '../scheme/scheme.ts';
import { CommitmentPools } from './commitment-pools.ts';
import type { Exchanges, SessionExchange } from './exchanges.ts';
import type { Reading, VerifiedRequest } from './judge.ts';
import type { Reservation } from './ledger.ts';
import type { OwnNonce } from './nonce-pools.ts';
import type { NonceKeeper } from './own-nonces.ts';
import type { Member } from './roster.ts';
import { Rounds, type Answer } from './rounds.ts';
import { sessionId } from './session.ts';
import { signingInput } from './sign-member.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { ActiveKey, Wallet } from './wallet.ts';

/** A member has this long to answer a round. Milliseconds. */
const ANSWER_TIMEOUT = 10_000;

/** A request on its way: everything that was established about it. */
export type Run = {
  readonly request: VerifiedRequest;
  /** Its shares may be out, whatever is on disk. */
  readonly doubted: boolean;
  readonly key: ActiveKey;
  readonly reading: Reading;
  readonly decision: Decision;
  readonly now: number;
  readonly watch: Stopwatch;
  readonly reservation: Reservation;
};

/** One try with one quorum: what is asked of its other members, and the coordinator's own nonces. */
export type SignSession = {
  readonly round: SignRound;
  readonly own: readonly OwnNonce[];
  readonly asked: readonly Member[];
  /** What the round refers to of each of them. */
  readonly taken: ReadonlyMap<string, readonly Contribution[]>;
};

/** A session whose round has been sent. */
export type AskedSession = SignSession & {
  readonly answers: readonly Promise<Answer>[];
  /** Where the scheme is interactive. */
  readonly exchange: SessionExchange | undefined;
};

/**
 * A coordinator's sessions: commitments that peers delivered ahead, rounds under way, shares put together. What a
 * request may do was decided before, what becomes of it is decided after (sign-coordinator.ts).
 */
export class SignSessions {
  readonly #wallet: Wallet;
  readonly #nonces: NonceKeeper;
  readonly #exchanges: Exchanges;
  readonly #rounds: Rounds;
  readonly #commitments: CommitmentPools;
  /** Members that gave no answer when they were last asked, or were in a quorum that failed without a name. */
  readonly #doubted = new Set<string>();
  /** Pairs of members that do not sign together, as one of them said, by {@link pairOf}. It harms its own part alone. */
  readonly #apart = new Set<string>();

  constructor(wallet: Wallet, nonces: NonceKeeper, exchanges: Exchanges) {
    this.#wallet = wallet;
    this.#nonces = nonces;
    this.#exchanges = exchanges;
    this.#rounds = new Rounds(wallet.env.clock);
    this.#commitments = new CommitmentPools(wallet);
  }

  /** A peer's link is up: its commitments of before are void. */
  onUp(peer: string): void {
    this.#doubted.delete(peer);
    this.#commitments.forget(peer);
  }

  onDown(peer: string): void {
    this.#rounds.onDown(peer);
    this.#commitments.forget(peer);
  }

  /** A member's delivery, or with none in it another coordinator's question for ours. */
  onCommitments(peer: string, commitments: Commitments): void {
    if (commitments.commitments.length === 0) this.#nonces.renew(peer, commitments.key);
    else this.#commitments.add(peer, commitments);
  }

  onShares(peer: string, shares: SignShares): void {
    this.#rounds.onShares(peer, shares);
  }

  /** False where the refusal is of no round of ours. */
  onRefusal(peer: string, refusal: Refusal): boolean {
    return this.#rounds.onRefusal(peer, refusal);
  }

  /**
   * `t` usable members, this one among them, in roster order; undefined where too few are left. First come those that
   * can begin at once and answered last time, so that nobody holds up what others would sign. Of `failed`, which are
   * {@link quorumName}s, none is tried again.
   */
  quorum(
    { key, reading }: Run,
    left: ReadonlyMap<string, unknown>,
    failed: ReadonlySet<string>,
  ): readonly Member[] | undefined {
    const { roster } = this.#wallet;
    const count = reading.decoded.messages.length;
    const rank = ({ name }: Member): number =>
      this.#doubted.has(name) ? 2 : this.#commitments.ready(key.name, name, count) ? 0 : 1;
    const others = roster.signing.filter(
      (m) => m !== roster.me && !left.has(m.name) && this.#wallet.usable(m.name, key.name),
    );
    if (others.length < roster.threshold - 1) return undefined;
    const ranked = others.toSorted((a, b) => rank(a) - rank(b));
    for (const chosen of combinations(ranked, roster.threshold - 1)) {
      const quorum = [roster.me, ...chosen].toSorted((a, b) => a.identifier - b.identifier);
      if (this.#together(key.name, quorum) && !failed.has(quorumName(quorum))) return quorum;
    }
    return undefined;
  }

  /** Whether any quorum with this member is left, were everyone reachable. */
  canLead(key: string): boolean {
    const { roster } = this.#wallet;
    const others = roster.signing.filter((m) => m !== roster.me && this.#wallet.whyLeftOut(m.name, key) === '');
    for (const chosen of combinations(others, roster.threshold - 1))
      if (this.#together(key, [roster.me, ...chosen])) return true;
    return false;
  }

  /** Which other members do not sign together under `key`, in words. */
  apart(key: string): readonly string[] {
    const { roster } = this.#wallet;
    const names = roster.signing.map((m) => m.name).filter((name) => name !== roster.me.name);
    return names.flatMap((a, i) =>
      names
        .slice(i + 1)
        .filter((b) => this.#apart.has(pairOf(key, a, b)))
        .map((b) => `${a} and ${b} never sign together under key ${key} again`),
    );
  }

  #together(key: string, members: readonly Member[]): boolean {
    return members.every((a) => members.every((b) => !this.#apart.has(pairOf(key, a.name, b.name))));
  }

  /** `peer` says that it never signs with `about` under `key` again. */
  onBan(key: string, peer: string, about: string): void {
    const { roster } = this.#wallet;
    if (roster.find(about) !== undefined) this.#apart.add(pairOf(key, peer, about));
  }

  /** One of `names` made a signature fail, nobody can say which: whoever is not among them is asked first. */
  doubt(names: readonly string[]): void {
    for (const name of names) this.#doubted.add(name);
  }

  /** Takes one unused contribution a member and input; a member without any is left out. */
  async prepare(
    run: Run,
    quorum: readonly Member[],
    left: Map<string, Refused | string>,
  ): Promise<SignSession | undefined> {
    const { roster, genesisDigest, policyDigest, env, time } = this.#wallet;
    const { key, request, reading } = run;
    const asked = quorum.filter((m) => m !== roster.me);
    const count = reading.decoded.messages.length;
    const taken = await this.#commitments.take(key, asked, count, (name, why) => left.set(name, why));
    if (taken === undefined) return undefined;
    const own = await this.#nonces.takeOwn(key, count).catch((error: unknown) => {
      this.#commitments.giveBack(key, taken);
      throw error;
    });
    const inputs = own.map((mine, i) => ({
      contributions: quorum.map((m): Contribution => {
        const { boot, index, hiding, binding } = taken.get(m.name)?.[i] ?? mine;
        return { holder: m.name, boot, index, hiding, binding };
      }),
    }));
    const names = quorum.map((m) => m.name);
    const binding = {
      genesis: genesisDigest,
      key: key.name,
      epoch: key.epoch,
      request: request.digest,
      policy: policyDigest,
    };
    env.log.debug('session', { digest: request.digest, quorum: names });
    const round: SignRound = {
      session: sessionId({ ...binding, quorum: names, inputs }),
      request: request.request,
      policyDigest,
      effectsDigest: reading.effectsDigest,
      time: formatTime(time.seconds() * 1000),
      epoch: key.epoch,
      quorum: names,
      inputs,
      key: key.name,
    };
    return { round, own, asked, taken };
  }

  /** Sends a session's round to its other members; their answers come, or it says why not. */
  ask(key: ActiveKey, session: SignSession): AskedSession {
    const { round, asked, own } = session;
    const exchange = key.scheme === 'ECDSA' ? this.#exchanges.open(round.session, asked, own.length) : undefined;
    const answers = asked.map((m) => this.#rounds.wait(round.session, m.name, ANSWER_TIMEOUT));
    for (const m of asked)
      if (!this.#wallet.env.peers.send(m.name, { $case: 'signRound', value: round })) this.#rounds.onDown(m.name);
    return { ...session, answers, exchange };
  }

  /** Own shares and the members' answers; `shares` by input only where every member gave its own. */
  async collect(
    run: Run,
    { round, own, asked, taken, answers, exchange }: AskedSession,
  ): Promise<{
    readonly answers: ReadonlyMap<string, Answer>;
    readonly shares: readonly Map<number, Uint8Array>[] | undefined;
  }> {
    const { roster } = this.#wallet;
    const { key, reading } = run;
    const mine = Promise.all(
      own.map(async (nonce, i) =>
        key.signing?.sign(
          nonce.nonce,
          signingInput(roster, round, run.request.statement.path, reading.decoded.messages, i),
          exchange?.of(i),
        ),
      ),
    );
    let over = false;
    if (exchange !== undefined) {
      // One that does not go on ends it for all: the others would wait for messages that never come.
      const end = (why: string): void => {
        if (!over) this.#end(round, asked, exchange, why);
        over = true;
      };
      mine.catch((error: unknown) => end(messageOf(error)));
      for (const [i, answer] of answers.entries())
        void answer.then((a) => a.kind === 'shares' || end(`${asked[i]?.name} gives no share`));
    }
    const [given, made] = await Promise.all([
      Promise.all(answers),
      mine.catch((error: unknown) => {
        // The members' answers say why, where it is not this holder's own matter.
        if (exchange === undefined || !(error instanceof Refused)) throw error;
        return [];
      }),
    ]).finally(() => exchange?.close('the session is over'));
    const byName = new Map(asked.map((m, i) => [m.name, checked(key.scheme, given[i] as Answer, own.length)]));
    for (const [name, answer] of byName) {
      if (answer.kind === 'silent') this.#doubted.add(name);
      else this.#doubted.delete(name);
      if (answer.kind === 'refused' && answer.refused.reason === 'NonceUnknown')
        this.#commitments.refused(key, name, taken.get(name) ?? []);
    }
    const complete = [...byName.values()].every((a) => a.kind === 'shares') && made.length === own.length;
    const byInput = own.map((_, i) => {
      const of = new Map<number, Uint8Array>([[roster.me.identifier, made[i] as Uint8Array]]);
      for (const [name, a] of byName)
        if (a.kind === 'shares') of.set(roster.get(name).identifier, a.shares[i] as Uint8Array);
      return of;
    });
    return { answers: byName, shares: complete ? byInput : undefined };
  }

  /** Tells all members that nobody waits for their shares any more. */
  #end({ session }: SignRound, asked: readonly Member[], exchange: SessionExchange, why: string): void {
    exchange.close(why);
    const names = asked.map((m) => m.name);
    const message = clip(why);
    for (const name of names)
      this.#wallet.env.peers.send(name, {
        $case: 'refusal',
        value: { session, reason: 'QuorumUnavailable', message, rule: '' },
      });
    this.#rounds.end(session, names, exchange.lastSent);
  }

  /** One signature an input, each verified by other code than made it. Throws {@link Culprit}. */
  async aggregate(
    run: Run,
    { round }: SignSession,
    shares: readonly Map<number, Uint8Array>[],
  ): Promise<readonly Uint8Array[]> {
    const { key, reading, watch } = run;
    const { messages } = reading.decoded;
    const { roster } = this.#wallet;
    const signatures = await watch.time('aggregate', () =>
      Promise.all(
        shares.map(async (of, i) => {
          if (key.signing === undefined) throw new Refused('KeyNotReady', `key ${key.name} is not open here`);
          return key.signing.aggregate(signingInput(roster, round, run.request.statement.path, messages, i), of);
        }),
      ),
    );
    watch.timeSync('verify', () => {
      for (const [i, signature] of signatures.entries())
        if (!key.engine.verify(reading.publicKey.bytes, messages[i] as Uint8Array, signature))
          throw new Refused('Internal', `the aggregate of input ${i} does not verify`);
    });
    return signatures;
  }
}

export const quorumName = (quorum: readonly Member[]): string => quorum.map((m) => m.name).join(' ');

const pairOf = (key: string, a: string, b: string): string => [key, ...[a, b].toSorted()].join('\n');

/** Every choice of `count` items, the first ones first. */
function* combinations<T>(items: readonly T[], count: number): Generator<readonly T[]> {
  if (count === 0) return yield [];
  for (let i = 0; i <= items.length - count; i++)
    for (const rest of combinations(items.slice(i + 1), count - 1)) yield [items[i] as T, ...rest];
}

/** Shares that are not of the form of shares are none, and may be of any: others may sign without this member. */
function checked(scheme: SchemeName, answer: Answer, inputs: number): Answer {
  if (answer.kind !== 'shares') return answer;
  const { shares } = answer;
  if (shares.length === inputs && shares.every((share) => share.length === SHARE_BYTES[scheme])) return answer;
  return { kind: 'silent', why: `it gave ${shares.length} shares for ${inputs} inputs, or malformed ones` };
}
