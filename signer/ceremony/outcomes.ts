import { digest as digestOf, fromHex, hex } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import { RateLimit } from '../../common/rate-limit.ts';
import type { Ask, Outcome } from '../../proto/gen/signer/v1/peer.ts';
import type { RequestRow } from '../state/store.ts';
import { checkTellable, keptHearsay } from './hearsay.ts';
import { PeerQueue } from './peer-queue.ts';
import { requestRow } from './requests.ts';
import type { VerifiedRequest } from './judge.ts';
import type { Roster } from './roster.ts';
import type { ActiveKey, Wallet } from './wallet.ts';

/** How long other holders get to say whether they know an outcome. Milliseconds. */
const ASK_TIMEOUT = 1_000;
/** Outcomes that holders are told of who neither took part nor coordinate: at once, and each second. */
const COURTESY_BURST = 64;
const COURTESY_PER_SECOND = 2;

type Question = { readonly unanswered: Set<string>; readonly done: () => void };

/**
 * Signatures that others made: told to every holder, verified by each before it is kept, and asked for when in doubt.
 * That a share was released every holder learns otherwise (spends.ts).
 */
export class Outcomes {
  readonly #wallet: Wallet;
  readonly #questions = new Map<string, Question[]>();
  /** Signatures cost milliseconds to verify. */
  readonly #queue: PeerQueue;
  readonly #courtesy: RateLimit;

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
    this.#queue = new PeerQueue(wallet.env.clock);
    this.#courtesy = new RateLimit(wallet.env.clock, COURTESY_BURST, COURTESY_PER_SECOND);
  }

  /**
   * Tells of a signature that is on disk here. Who took part or coordinates is asked for it next and told of each; the
   * others, for whom verifying is work that nobody waits for, are told while there are few, and can ask.
   */
  tell(row: RequestRow, to: readonly string[] = this.#audience(row)): void {
    for (const peer of to) this.#wallet.env.peers.send(peer, { $case: 'outcome', value: outcomeOf(row) });
  }

  #audience({ participants }: RequestRow): readonly string[] {
    const everyone = this.#courtesy.allow('');
    return this.#wallet.roster.others
      .filter((m) => everyone || m.role === 'Infrastructure' || participants.includes(m.name))
      .map((m) => m.name);
  }

  /** Another holder tells of a signature. What does not fit its queue is dropped: it can be asked for. */
  async onOutcome(peer: string, outcome: Outcome): Promise<void> {
    const digest = digestOf(outcome.statement);
    if (this.#isSigned(digest)) return this.#answered(digest, peer, true);
    const own = ownOutcome(outcome, this.#wallet.roster);
    const queued = this.#queue.add(peer, sizeOf(own), () => this.#take(peer, digest, own));
    if (!queued) this.#answered(digest, peer, false);
  }

  #isSigned(digest: string): boolean {
    return this.#wallet.requests.get(digest)?.state === 'Signed';
  }

  /** Verifies an outcome and has it written; true where it is right, or no news. */
  async #take(peer: string, digest: string, outcome: Outcome): Promise<boolean> {
    const { env } = this.#wallet;
    const refuse = (error: unknown): void => {
      env.log.warn('outcome refused', { peer, digest, error: messageOf(error) });
      this.#answered(digest, peer, this.#isSigned(digest));
    };
    try {
      // Others may have told of it before its turn, or while its signatures are verified.
      const verified = this.#isSigned(digest) ? undefined : await this.#verify(outcome);
      const news = verified !== undefined && !this.#isSigned(digest);
      const kept = news ? this.#keep(peer, outcome, verified) : Promise.resolve();
      kept.then(() => this.#answered(digest, peer, true), refuse);
      return true;
    } catch (error) {
      refuse(error);
      return false;
    }
  }

  /** Checks everything that can be checked: who asked for it, and each signature. */
  async #verify(outcome: Outcome): Promise<{ readonly request: VerifiedRequest; readonly key: ActiveKey }> {
    const { recent, time } = this.#wallet;
    const request = recent.verify({ statement: outcome.statement, signature: outcome.signature, approvals: [] });
    checkTellable(request, time.seconds());
    const key = this.#wallet.key(request.statement.key);
    if (key === undefined) throw new Error(`key ${JSON.stringify(request.statement.key)} is not active here`);
    const { decoded, publicKey } = recent.read(request, key.publicKey);
    const { messages } = decoded;
    if (messages.length !== outcome.signatures.length)
      throw new Error(`${outcome.signatures.length} signatures for ${messages.length} inputs`);
    for (const [i, message] of messages.entries()) {
      if (i > 0) await this.#turn();
      if (!key.engine.verify(publicKey.bytes, message, outcome.signatures[i] ?? new Uint8Array()))
        throw new Error(`signature ${i} does not verify`);
    }
    return { request, key };
  }

  async #keep(
    peer: string,
    outcome: Outcome,
    { request, key }: { readonly request: VerifiedRequest; readonly key: ActiveKey },
  ): Promise<void> {
    const { requests, ledger, recent, time, env } = this.#wallet;
    const now = time.seconds();
    const known = requests.find(request);
    const { effects, effectsDigest } = recent.read(request, key.publicKey);
    const row = requestRow(request, known?.firstSeen ?? now, {
      state: 'Signed',
      // By which rule and policy, this holder's own word goes before another's.
      rule: known?.rule ?? '',
      policyDigest: known?.policyDigest || outcome.policyDigest,
      participants: outcome.participants,
      signatures: outcome.signatures,
    });
    const at = ledger.get(request.digest)?.at ?? Math.min(now, request.expiresAt);
    const spend = ledger.put({ digest: request.digest, at, effects, state: 'Spent' });
    const written = this.#wallet.write({
      requests: [row],
      ledger: [spend],
      audit: [signedEntry(row, effectsDigest, peer)],
    });
    await requests.keep(row, written);
    ledger.settle(request.digest);
    env.log.debug('outcome kept', { digest: request.digest, peer });
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => void this.#wallet.env.clock.after(0, resolve));
  }

  /** Asks every reachable holder whether it knows how `digest` ended; ends when one does, or none. */
  async ask(digest: string): Promise<void> {
    const { roster, env } = this.#wallet;
    const unanswered = new Set(
      roster.others
        .map((m) => m.name)
        .filter((peer) =>
          env.peers.send(peer, { $case: 'ask', value: { digest: fromHex(digest.slice('sha256:'.length)) } }),
        ),
    );
    if (unanswered.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = env.clock.after(ASK_TIMEOUT, resolve);
      const question: Question = {
        unanswered,
        done: () => {
          cancel();
          resolve();
        },
      };
      this.#questions.set(digest, [...(this.#questions.get(digest) ?? []), question]);
    });
    this.#questions.delete(digest);
  }

  onAsk(peer: string, { digest }: Ask): void {
    // What is on its way to disk is nobody's to know.
    const row = this.#wallet.env.store.request(`sha256:${hex(digest)}`);
    if (row?.state === 'Signed') return this.tell(row, [peer]);
    this.#wallet.env.peers.send(peer, {
      $case: 'refusal',
      value: { session: digest, reason: 'Unknown', message: 'no signature is known here', rule: '' },
    });
  }

  /** A holder does not know the outcome, or is gone. */
  onUnknown(peer: string, digest: string): void {
    this.#answered(digest, peer, false);
  }

  onDown(peer: string): void {
    this.#queue.drop(peer);
    for (const digest of [...this.#questions.keys()]) this.#answered(digest, peer, false);
  }

  #answered(digest: string, peer: string, known: boolean): void {
    for (const question of this.#questions.get(digest) ?? []) {
      question.unanswered.delete(peer);
      if (known || question.unanswered.size === 0) question.done();
    }
  }
}

/** What of an outcome is looked at, in bytes of its own: those that came over a link are a view of a whole batch. */
const ownOutcome = (outcome: Outcome, roster: Roster): Outcome => {
  const { policyDigest, participants } = keptHearsay({ ...outcome, rule: '' }, roster);
  const statement = Uint8Array.from(outcome.statement);
  const signatures = outcome.signatures.map((s) => Uint8Array.from(s));
  return { statement, signature: outcome.signature, policyDigest, participants: [...participants], signatures };
};

const sizeOf = ({ statement, signature, signatures }: Outcome): number =>
  statement.length + signature.length + signatures.reduce((sum, { length }) => sum + length, 0);

const outcomeOf = (row: RequestRow): Outcome => ({
  statement: row.statement,
  signature: row.signature,
  policyDigest: row.policyDigest,
  participants: [...row.participants],
  signatures: [...row.signatures],
});

/** What the audit says of a signature, made here (`from` is "") or learnt. */
export const signedEntry = (
  row: RequestRow,
  effects: string,
  from: string,
): { readonly type: 'Signed' } & Record<string, string> => ({
  type: 'Signed',
  digest: row.digest,
  initiator: row.initiator,
  id: row.id,
  key: row.key,
  rule: row.rule,
  policy: row.policyDigest,
  effects,
  from,
  participants: row.participants.join(','),
});
