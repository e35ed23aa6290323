import { digest as digestOf } from '../../common/bytes.ts';
import { formatTime, parseTime } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Spend } from '../../proto/gen/signer/v1/peer.ts';
import { parseStatement } from '../../statement/statements.ts';
import { MAX_SEQUENCE } from '../peers/link-codec.ts';
import type { Change, RequestRow, SpendRow } from '../state/store.ts';
import { DeliveryWindow } from './delivery-window.ts';
import { checkTellable, keptHearsay, toldTime } from './hearsay.ts';
import { requestRow } from './requests.ts';
import type { Wallet } from './wallet.ts';

/** Times of one spend at honest holders differ by no more than their clocks may. Seconds. */
const MOST_SKEW = 60;
/** A spend that could not be written is written again after this. Milliseconds. */
const RETRY_PAUSE = 1_000;
/** Spends that are remembered, by peer, to have got a later time from it. */
const MOST_REDATED = 1_024;

/** One peer's releases on their way to it: the last one sent, and what it has not yet on disk. */
type Outgoing = { sent: bigint; readonly window: DeliveryWindow };

/** A peer's spend from its arrival until it is on disk here, or known to be none. */
type Arrival = { readonly spend: Spend; state: 'waits' | 'taken' | 'done' };
/** What arrived on one link; `broken` where the peer sent more than its window. */
type Inbox = { broken: boolean; readonly arrivals: Arrival[]; readonly window: DeliveryWindow };

/** What makes a spend count here; `redated` where it counts already and gets a later time. */
type Learned = {
  readonly change: Omit<Change, 'now'>;
  readonly request: RequestRow | undefined;
  readonly redated: boolean;
};

/**
 * Every share that leaves is told to every holder, Backup included, until each has it on disk: each numbers
 * its own releases, remembers which of the others' it has, and is sent the rest whenever a link comes up.
 * PROTOCOL.md 3, Outcomes.
 */
export class Spends {
  readonly #wallet: Wallet;
  readonly #outgoing = new Map<string, Outgoing>();
  readonly #inboxes = new Map<string, Inbox>();
  /** Writes under way, by digest: all holders of a quorum tell of one spend within moments. */
  readonly #writing = new Map<string, Promise<void>>();
  /** Digests by the peer whose telling moved their time. */
  readonly #redated = new Map<string, Set<string>>();
  #last: Spend | undefined;

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
  }

  /** A link is up: the peer says what it has. */
  onUp(peer: string, seen: bigint): void {
    this.#outgoing.set(peer, { sent: seen, window: new DeliveryWindow() });
    this.#pump(peer);
  }

  onDown(peer: string): void {
    this.#outgoing.delete(peer);
    this.#inboxes.delete(peer);
  }

  /** A key became active here: spends that waited for it can be read. */
  onKeyActive(): void {
    for (const [peer, inbox] of this.#inboxes)
      for (const arrival of [...inbox.arrivals]) void this.#take(peer, inbox, arrival);
  }

  onAck(peer: string, sequence: bigint): void {
    const outgoing = this.#outgoing.get(peer);
    if (outgoing === undefined || sequence > outgoing.sent) return;
    outgoing.window.removeTo(sequence);
    this.#pump(peer);
  }

  /** A release is on disk. */
  released(): void {
    for (const peer of this.#outgoing.keys()) this.#pump(peer);
  }

  #pump(peer: string): void {
    const outgoing = this.#outgoing.get(peer);
    const { store, peers } = this.#wallet.env;
    if (outgoing === undefined) return;
    const { window } = outgoing;
    for (;;) {
      const rows = window.room > 0 ? store.releasesAfter(outgoing.sent, Math.min(window.room, 32)) : [];
      if (rows.length === 0) return;
      for (const row of rows) {
        const spend = this.#spendOf(row);
        if (!window.fits(sizeOf(spend)) || !peers.send(peer, { $case: 'spend', value: spend })) return;
        window.add(row.sequence, sizeOf(spend));
        outgoing.sent = row.sequence;
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
    if (spend.sequence > MAX_SEQUENCE) throw new Error(`spend numbered ${spend.sequence}`);
    const inbox = this.#inboxes.get(peer) ?? { broken: false, arrivals: [], window: new DeliveryWindow() };
    this.#inboxes.set(peer, inbox);
    if (inbox.broken || inbox.window.has(spend.sequence)) return;
    const bytes = sizeOf(spend);
    if (!inbox.window.fits(bytes)) {
      // A gap would look like spends that are on disk: nothing more counts until it begins anew where it was.
      inbox.broken = true;
      this.#wallet.env.log.warn('more spends than may be under way', { peer });
      return;
    }
    inbox.window.add(spend.sequence, bytes);
    // Bytes of its own: those that came over a link are a view of a whole batch.
    const arrival: Arrival = { spend: { ...spend, statement: Uint8Array.from(spend.statement) }, state: 'waits' };
    inbox.arrivals.push(arrival);
    await this.#take(peer, inbox, arrival);
  }

  /** Learns of a spend and moves the peer's cursor over all that are on disk; it never passes one that is not. */
  async #take(peer: string, inbox: Inbox, arrival: Arrival): Promise<void> {
    if (arrival.state !== 'waits' || !this.#readable(arrival.spend)) return;
    arrival.state = 'taken';
    while (!(await this.#learn(peer, arrival.spend))) {
      await new Promise<void>((resolve) => void this.#wallet.env.clock.after(RETRY_PAUSE, resolve));
      // The next link begins with what is not on disk.
      if (this.#inboxes.get(peer) !== inbox) return;
    }
    arrival.state = 'done';
    if (this.#inboxes.get(peer) !== inbox || inbox.arrivals[0]?.state !== 'done') return;
    const open = inbox.arrivals.findIndex(({ state }) => state !== 'done');
    const done = inbox.arrivals.splice(0, open === -1 ? inbox.arrivals.length : open);
    // What is told out of order, or again, counts no less; it only moves nothing.
    let { spends } = this.#wallet.peer(peer);
    for (const { sequence } of done.map(({ spend }) => spend)) {
      inbox.window.remove(sequence);
      if (sequence > spends) spends = sequence;
    }
    this.#wallet.remember(peer, { spends });
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

  /** True when the spend is on disk or is none; false where it could not be written. */
  async #learn(peer: string, spend: Spend): Promise<boolean> {
    const { env } = this.#wallet;
    const digest = digestOf(spend.statement);
    for (let other = this.#writing.get(digest); other !== undefined; other = this.#writing.get(digest))
      await other.catch(() => {}); // it is its own learner's to write again
    let learned: Learned | undefined;
    try {
      learned = spend.statement.length === 0 ? undefined : this.#judge(peer, spend, digest);
    } catch (error) {
      env.log.warn('spend not counted', { peer, digest, error: messageOf(error) });
    }
    if (learned === undefined) return true;
    const written = this.#write(learned).finally(() => this.#writing.delete(digest));
    this.#writing.set(digest, written);
    try {
      await written;
      this.#wallet.ledger.settle(digest);
      if (learned.redated) this.#rememberRedated(peer, digest);
      return true;
    } catch (error) {
      env.log.error('spend not written', { peer, digest, error: messageOf(error) });
      return false;
    }
  }

  async #write({ change, request }: Learned): Promise<void> {
    const written = this.#wallet.write(change);
    await (request === undefined ? written : this.#wallet.requests.keep(request, written));
  }

  /**
   * Counts the spend in memory and says what to write; undefined where it counts on disk already. Throws on what is
   * none. Only what is on disk counts as known: what is on its way there may not arrive.
   */
  #judge(peer: string, spend: Spend, digest: string): Learned | undefined {
    const wallet = this.#wallet;
    const { ledger, requests, recent, env } = wallet;
    const row = env.store.ledger(digest);
    const known = row?.state === 'Spent' ? row : undefined;
    const told = parseTime(spend.time) / 1000;
    if (known !== undefined && told <= known.at + MOST_SKEW) return undefined;
    // Both are written together, and kept for different times: it counted, and no window reaches it any more.
    if (row === undefined && isSpent(env.store.request(digest))) return undefined;
    const now = wallet.time.seconds();
    const verified = recent.verify({ statement: spend.statement, signature: spend.signature, approvals: [] });
    checkTellable(verified, now);
    const { initiator, id, key: name } = verified.statement;
    const key = wallet.key(name);
    if (key === undefined) throw new Error(`key ${JSON.stringify(name)} is not active here`);
    const { effects } = recent.read(verified, key.publicKey);
    const at = toldTime(told, verified, now);
    const mine = requests.get(digest);
    const owner = requests.owner(initiator, id);
    if (known !== undefined) {
      if (at <= known.at + MOST_SKEW || !this.#mayRedate(peer, digest, mine)) return undefined;
      const change = { ledger: [ledger.put({ digest, at, effects, state: 'Spent' })] };
      return { change, request: undefined, redated: true };
    }
    const { rule, policyDigest } = keptHearsay(spend, wallet.roster);
    // A spend under an id that is bound to other bytes here counts all the same; the id stays with its first.
    const request =
      owner === undefined || owner === digest
        ? requestRow(verified, mine?.firstSeen ?? now, {
            state: 'Released',
            rule,
            policyDigest,
            participants: mine?.participants ?? [],
            ...(mine?.state === 'Signed' ? mine : {}),
          })
        : undefined;
    const change: Learned['change'] = {
      requests: request === undefined ? [] : [request],
      ledger: [ledger.put({ digest, at, effects, state: 'Spent' })],
      audit: [{ type: 'SpendLearned', digest, initiator, id, key: name, from: peer, policy: policyDigest }],
    };
    return { change, request, redated: false };
  }

  /**
   * Whether a spend that counts gets the later time that `peer` tells: once from each, since each tells of its first
   * release only, and so that a liar who told of it too early does not take it out of its window. Not where this holder
   * took part: then it knows the time itself, and nobody can keep the spend in its window by telling it anew.
   */
  #mayRedate(peer: string, digest: string, row: RequestRow | undefined): boolean {
    const tookPart = row?.participants.includes(this.#wallet.roster.me.name) ?? false;
    return !tookPart && this.#redated.get(peer)?.has(digest) !== true;
  }

  #rememberRedated(peer: string, digest: string): void {
    const redated = this.#redated.get(peer) ?? new Set();
    this.#redated.set(peer, redated.add(digest));
    const [oldest = ''] = redated;
    if (redated.size > MOST_REDATED) redated.delete(oldest);
  }
}

const isSpent = (row: RequestRow | undefined): boolean => row?.state === 'Released' || row?.state === 'Signed';

/** What a spend takes of a window; the same for both sides. Bytes. */
const sizeOf = ({ statement, signature, policyDigest, rule, time }: Spend): number =>
  statement.length + signature.length + policyDigest.length + rule.length + time.length;
