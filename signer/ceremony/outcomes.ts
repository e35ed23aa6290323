import { digest as digestOf, fromHex, hex } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import type { Ask, Outcome } from '../../proto/gen/signer/v1/peer.ts';
import type { RequestRow } from '../state/store.ts';
import { checkTellable, keptHearsay } from './hearsay.ts';
import { requestRow } from './requests.ts';
import type { Wallet } from './wallet.ts';

/** How long other holders get to say whether they know an outcome. Milliseconds. */
const ASK_TIMEOUT = 1_000;

type Question = { readonly unanswered: Set<string>; readonly done: () => void };

/**
 * Signatures that others made: told to those that took part or may coordinate, verified by each before it is kept, and
 * asked for when in doubt. That a share was released every holder learns otherwise (spends.ts).
 */
export class Outcomes {
  readonly #wallet: Wallet;
  readonly #questions = new Map<string, Question[]>();

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
  }

  /** Tells of a signature that is on disk here whoever is asked for it next: who took part, and all that coordinate. */
  tell(row: RequestRow, to: readonly string[] = this.#concerned(row)): void {
    for (const peer of to) this.#wallet.env.peers.send(peer, { $case: 'outcome', value: outcomeOf(row) });
  }

  #concerned({ participants }: RequestRow): readonly string[] {
    const { others } = this.#wallet.roster;
    return others.filter((m) => m.role === 'Infrastructure' || participants.includes(m.name)).map((m) => m.name);
  }

  async onOutcome(peer: string, outcome: Outcome): Promise<void> {
    const wallet = this.#wallet;
    const digest = digestOf(outcome.statement);
    try {
      if (wallet.requests.get(digest)?.state !== 'Signed') await this.#learn(peer, outcome);
    } catch (error) {
      wallet.env.log.warn('outcome refused', { peer, digest, error: messageOf(error) });
    }
    this.#answered(digest, peer, wallet.requests.get(digest)?.state === 'Signed');
  }

  async #learn(peer: string, outcome: Outcome): Promise<void> {
    const { requests, ledger, recent, time, env } = this.#wallet;
    const signed = { statement: outcome.statement, signature: outcome.signature, approvals: [] };
    const request = recent.verify(signed);
    const now = time.seconds();
    checkTellable(request, now);
    const known = requests.find(request);
    const key = this.#wallet.key(request.statement.key);
    if (key === undefined) throw new Error(`key ${JSON.stringify(request.statement.key)} is not active here`);
    const { decoded, effects, effectsDigest } = recent.read(request, key.publicKey);
    const { messages } = decoded;
    if (messages.length !== outcome.signatures.length)
      throw new Error(`${outcome.signatures.length} signatures for ${messages.length} inputs`);
    for (const [i, message] of messages.entries())
      if (!key.engine.verify(key.publicKey.bytes, message, outcome.signatures[i] ?? new Uint8Array()))
        throw new Error(`signature ${i} does not verify`);
    const heard = keptHearsay(outcome, this.#wallet.roster);
    const row = requestRow(request, known?.firstSeen ?? now, {
      state: 'Signed',
      // By which rule and policy, this holder's own word goes before another's.
      rule: known?.rule ?? '',
      policyDigest: known?.policyDigest || heard.policyDigest,
      participants: heard.participants,
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
    for (const digest of [...this.#questions.keys()]) this.#answered(digest, peer, false);
  }

  #answered(digest: string, peer: string, known: boolean): void {
    for (const question of this.#questions.get(digest) ?? []) {
      question.unanswered.delete(peer);
      if (known || question.unanswered.size === 0) question.done();
    }
  }
}

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
