import type { Commitments, Contribution } from '../../proto/gen/signer/v1/peer.ts';
import { MAX_SEQUENCE } from '../peers/link-codec.ts';
import { isCommitment, type SchemeName } from '../scheme/scheme.ts';
import { PeerCommitments } from './nonce-pools.ts';
import type { Member } from './roster.ts';
import type { ActiveKey, Wallet } from './wallet.ts';

/** A member is asked for new commitments after the first, and given up after the second. Milliseconds. */
const ASK_AFTER = 1_000;
const GIVE_UP_AFTER = 3_000;

/** What a coordinator holds of others' commitments, by key and member, and how it gets some for a quorum. */
export class CommitmentPools {
  readonly #wallet: Wallet;
  readonly #pools = new Map<string, PeerCommitments>();

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
  }

  /** A delivery; what is not of the form that a member makes is dropped whole. */
  add(peer: string, { key, boot, replace, commitments }: Commitments): void {
    const { roster, wanted, env } = this.#wallet;
    if (roster.find(peer)?.role === 'Backup' || !wanted.has(key)) return;
    const active = this.#wallet.key(key);
    // The key may be active there and not yet here: then its scheme is not known.
    const schemes: readonly SchemeName[] = active === undefined ? ['EdDSA', 'Schnorr', 'ECDSA'] : [active.scheme];
    const formed = commitments.every((c) => c.index <= MAX_SEQUENCE && schemes.some((name) => isCommitment(name, c)));
    if (boot.length !== 16 || !formed) return env.log.warn('commitments malformed', { peer, key });
    const pool = this.#pool(key, peer);
    pool.add(boot, commitments, replace);
    env.meter.nonces(key, peer, pool.size);
  }

  /** The peer is gone, or its process is another. */
  forget(peer: string): void {
    for (const [id, pool] of this.#pools) if (id.endsWith(`\n${peer}`)) pool.clear();
  }

  /** Whether `count` of a member's are there without waiting. */
  ready(key: string, member: string, count: number): boolean {
    return this.#pool(key, member).size >= count;
  }

  /**
   * `count` unused contributions of each member, to be used or given back. Members that have none in time are told to
   * `missing`; then nobody's are taken.
   */
  async take(
    key: ActiveKey,
    members: readonly Member[],
    count: number,
    missing: (member: string, why: string) => void,
  ): Promise<ReadonlyMap<string, readonly Contribution[]> | undefined> {
    const taken = new Map<string, readonly Contribution[]>();
    let complete = true;
    await Promise.all(
      members.map(async ({ name }) => {
        const contributions = await this.#takeFrom(key.name, name, count);
        const formed = contributions?.every((c) => isCommitment(key.scheme, c));
        if (contributions !== undefined && formed === true) taken.set(name, contributions);
        else {
          complete = false;
          missing(name, contributions === undefined ? 'it delivered no commitments' : 'its commitments are malformed');
        }
      }),
    );
    if (complete) return taken;
    this.giveBack(key, taken);
    return undefined;
  }

  /** Of contributions that no message referred to: they are still good for another session. */
  giveBack(key: ActiveKey, taken: ReadonlyMap<string, readonly Contribution[]>): void {
    for (const [name, contributions] of taken) this.#pool(key.name, name).giveBack(contributions);
  }

  /**
   * A member does not know some that a round referred to. What else is here of its pool is hardly better, and a try
   * more would burn one of it at a time: all is void, and a new pool asked for.
   */
  refused(key: ActiveKey, member: string, contributions: readonly Contribution[]): void {
    if (this.#pool(key.name, member).refused(contributions)) this.#ask(key.name, member);
  }

  async #takeFrom(key: string, peer: string, count: number): Promise<readonly Contribution[] | undefined> {
    const { clock, meter } = this.#wallet.env;
    const pool = this.#pool(key, peer);
    const { taken, giveUp } = pool.take(count);
    // Lost on the way, or never made.
    const cancels = [clock.after(ASK_AFTER, () => this.#ask(key, peer)), clock.after(GIVE_UP_AFTER, giveUp)];
    const contributions = await taken;
    for (const cancel of cancels) cancel();
    meter.nonces(key, peer, pool.size);
    return contributions;
  }

  /** None at all asks for a new pool, which also heals what both think is there. */
  #ask(key: string, peer: string): void {
    const none = { key, boot: this.#wallet.boot, replace: true, commitments: [] };
    this.#wallet.env.peers.send(peer, { $case: 'commitments', value: none });
  }

  #pool(key: string, peer: string): PeerCommitments {
    const id = `${key}\n${peer}`;
    const pool = this.#pools.get(id) ?? new PeerCommitments(peer);
    this.#pools.set(id, pool);
    return pool;
  }
}
