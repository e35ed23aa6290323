import { digest as digestOf } from '../../common/bytes.ts';
import { formatTime, parseTime } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Spend } from '../../proto/gen/signer/v1/peer.ts';
import { parseStatement } from '../../statement/statements.ts';
import { MAX_SEQUENCE } from '../peers/link-codec.ts';
import type { LedgerRow, SpendRow } from '../state/store.ts';
import { keptHearsay } from './hearsay.ts';
import { LONGEST_EXPIRY, type VerifiedRequest } from './judge.ts';
import { requestRow } from './requests.ts';
import type { Wallet } from './wallet.ts';

/** Spends under way to one peer without its word that they are on disk there. */
const WINDOW = 256;
/** Times of one spend at honest holders differ by no more than their clocks may. Seconds. */
const MOST_SKEW = 60;

/**
 * Every share that leaves is told to every holder, Backup included, until each has it on disk: each numbers
 * its own releases, remembers which of the others' it has, and is sent the rest whenever a link comes up.
 * PROTOCOL.md 3, Outcomes.
 */
export class Spends {
  readonly #wallet: Wallet;
  /** By peer: the last release sent, and the last the peer has on disk. */
  readonly #sent = new Map<string, { sent: bigint; acknowledged: bigint }>();

  /** By peer: spends of a key that is active there and not yet here, and whatever came after them. */
  readonly #waiting = new Map<string, Spend[]>();
  #last: Spend | undefined;

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
  }

  /** A link is up: the peer says what it has. */
  onUp(peer: string, seen: bigint): void {
    this.#sent.set(peer, { sent: seen, acknowledged: seen });
    this.#pump(peer);
  }

  onDown(peer: string): void {
    this.#sent.delete(peer);
    this.#waiting.delete(peer);
  }

  /** A key became active here: spends that waited for it can be read. */
  async onKeyActive(): Promise<void> {
    for (const [peer, spends] of [...this.#waiting]) {
      this.#waiting.delete(peer);
      for (const spend of spends) await this.onSpend(peer, spend);
    }
  }

  onAck(peer: string, sequence: bigint): void {
    const cursor = this.#sent.get(peer);
    if (cursor === undefined || sequence > cursor.sent) return;
    cursor.acknowledged = sequence;
    this.#pump(peer);
  }

  /** A release is on disk. */
  released(): void {
    for (const peer of this.#sent.keys()) this.#pump(peer);
  }

  #pump(peer: string): void {
    const cursor = this.#sent.get(peer);
    const { store, peers } = this.#wallet.env;
    if (cursor === undefined) return;
    for (;;) {
      const room = WINDOW - Number(cursor.sent - cursor.acknowledged);
      const rows = room > 0 ? store.releasesAfter(cursor.sent, Math.min(room, 32)) : [];
      if (rows.length === 0) return;
      for (const row of rows) {
        if (!peers.send(peer, { $case: 'spend', value: this.#spendOf(row) })) return;
        cursor.sent = row.sequence;
      }
    }
  }

  #spendOf({ sequence, digest, at }: SpendRow): Spend {
    // Every peer gets it, most of them in this turn.
    if (this.#last?.sequence === sequence) return this.#last;
    const row = this.#wallet.env.store.request(digest);
    // Pruned after 31 days: no window reaches it any more, but the numbering must not skip it.
    this.#last = {
      sequence,
      statement: row?.statement ?? new Uint8Array(),
      signature: row?.signature ?? '',
      policyDigest: row?.policyDigest ?? '',
      rule: row?.rule ?? '',
      time: formatTime(at * 1000),
    };
    return this.#last;
  }

  /**
   * Another holder released a share: it counts here whatever we would have decided, once its initiator's
   * signature verifies. Anything else moves the cursor only, so that a liar cannot hold up the rest.
   */
  async onSpend(peer: string, spend: Spend): Promise<void> {
    const wallet = this.#wallet;
    if (spend.sequence > MAX_SEQUENCE) throw new Error(`spend numbered ${spend.sequence}`);
    const waiting = this.#waiting.get(peer);
    if (waiting !== undefined || !this.#readable(spend)) {
      if ((waiting?.length ?? 0) < WINDOW) this.#waiting.set(peer, [...(waiting ?? []), spend]);
      return;
    }
    if (spend.sequence <= wallet.peer(peer).spends) return this.#acknowledge(peer);
    const learned = spend.statement.length === 0 ? undefined : this.#learn(peer, spend);
    // What counts here already needs no write of its own: how far this peer is goes to disk with the next one.
    await learned?.(wallet.remember(peer, { spends: spend.sequence }));
    if (learned === undefined) wallet.remember(peer, { spends: spend.sequence });
    this.#acknowledge(peer);
  }

  /** False where the spend is of a key that this holder does not have yet. */
  #readable(spend: Spend): boolean {
    const { wanted, keys } = this.#wallet;
    if (spend.statement.length === 0 || wanted.size === keys.size) return true;
    try {
      const { key } = parseStatement('holdfast/request/v1', spend.statement);
      return this.#wallet.key(key) !== undefined || !this.#wallet.wanted.has(key);
    } catch {
      return true;
    }
  }

  #acknowledge(peer: string): void {
    const sequence = this.#wallet.peer(peer).spends;
    this.#wallet.env.peers.send(peer, { $case: 'spendAck', value: { sequence } });
  }

  #learn(peer: string, spend: Spend): ((known: ReturnType<Wallet['peer']>) => Promise<void>) | undefined {
    const wallet = this.#wallet;
    const { ledger, requests, recent, time } = wallet;
    const { rule, policyDigest } = keptHearsay(spend, wallet.roster);
    const now = time.seconds();
    try {
      const counted = ledger.get(digestOf(spend.statement));
      if (counted?.state === 'Spent' && parseTime(spend.time) / 1000 <= counted.at + MOST_SKEW) return undefined;
      const verified = recent.verify({ statement: spend.statement, signature: spend.signature, approvals: [] });
      const key = wallet.key(verified.statement.key);
      const at = timeOf(spend, verified, now);
      if (key === undefined || (counted?.state === 'Spent' && at <= counted.at + MOST_SKEW)) return undefined;
      const bound = requests.byId(verified.statement.initiator, verified.statement.id);
      const { effects } = recent.read(verified, key.publicKey);
      const row: LedgerRow = ledger.put({
        digest: verified.digest,
        at,
        effects,
        state: 'Spent',
      });
      // A spend under an id that is bound to other bytes here counts all the same; the id stays with its first.
      const request =
        bound !== undefined && bound.digest !== verified.digest
          ? undefined
          : requestRow(verified, bound?.firstSeen ?? now, {
              state: bound?.state === 'Signed' ? 'Signed' : 'Released',
              rule,
              policyDigest,
              participants: bound?.participants ?? [],
              signatures: bound?.signatures ?? [],
            });
      return async (known) => {
        const written = wallet.write({
          ...(request === undefined ? {} : { requests: [request] }),
          ledger: [row],
          peers: [known],
          audit: [
            {
              type: 'SpendLearned',
              digest: verified.digest,
              initiator: verified.statement.initiator,
              id: verified.statement.id,
              key: verified.statement.key,
              from: peer,
              policy: policyDigest,
            },
          ],
        });
        await (request === undefined ? written : requests.keep(request, written));
        ledger.settle(verified.digest);
      };
    } catch (error) {
      wallet.env.log.warn('spend not counted', { peer, digest: digestOf(spend.statement), error: messageOf(error) });
      return undefined;
    }
  }
}

/**
 * When `spend` counts, within what is possible: a request is no older than its longest life and released only before
 * it expires. So neither an early nor a late time that a liar gives takes it out of its window or keeps it there.
 */
const timeOf = (spend: Spend, { expiresAt }: VerifiedRequest, now: number): number =>
  Math.max(expiresAt - LONGEST_EXPIRY, Math.min(parseTime(spend.time) / 1000, now, expiresAt));
