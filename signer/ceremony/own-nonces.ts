import type { Contribution } from '../../proto/gen/signer/v1/peer.ts';
import { messageOf } from '../../common/errors.ts';
import { RateLimit } from '../../common/rate-limit.ts';
import { OwnNonces, type OwnNonce } from './nonce-pools.ts';
import type { ActiveKey, Wallet } from './wallet.ts';

/** A pool that lost fewer nonces than a batch is topped up when this long nothing was taken. Milliseconds. */
const IDLE = 50;
/** New pools that a coordinator may ask for, by key. */
const RENEWALS_BURST = 2;
const RENEWALS_PER_SECOND = 0.5;

/** This holder's nonces, by key and coordinator: made ahead, delivered when a coordinator connects, refilled as they go. */
export class NonceKeeper {
  readonly #wallet: Wallet;
  readonly #pools = new Map<string, OwnNonces>();
  readonly #idle = new Map<string, () => void>();
  readonly #counter = { next: 1n };
  readonly #renewals: RateLimit;

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
    this.#renewals = new RateLimit(wallet.env.clock, RENEWALS_BURST, RENEWALS_PER_SECOND);
  }

  /** A coordinator's link is up, or one of `keys` became active: it gets whole new pools. This holder keeps its own. */
  offer(coordinator: string, keys: Iterable<ActiveKey> = this.#wallet.keys.values()): void {
    const { roster } = this.#wallet;
    if (roster.me.role === 'Backup' || roster.find(coordinator)?.role !== 'Infrastructure') return;
    for (const key of keys) {
      if (coordinator !== roster.me.name) this.#close(key, coordinator);
      this.#fill(key, coordinator, true);
    }
  }

  /** A coordinator has none left, whatever became of them: it gets a new pool, unless more are on their way. */
  renew(coordinator: string, name: string): void {
    const key = this.#wallet.key(name);
    if (key === undefined || this.#pools.get(poolKey(name, coordinator))?.filling === true) return;
    if (this.#renewals.allow(poolKey(name, coordinator))) this.offer(coordinator, [key]);
  }

  /** Burns and gives the nonces that a coordinator refers to; undefined where one is unknown: it asks for a new pool. */
  take(key: ActiveKey, coordinator: string, contributions: readonly Contribution[]): readonly OwnNonce[] | undefined {
    const taken = this.#pool(key, coordinator)?.take(contributions);
    this.#fill(key, coordinator, taken === undefined);
    return taken;
  }

  /** Nonces for a ceremony that this holder coordinates. */
  async takeOwn(key: ActiveKey, count: number): Promise<readonly OwnNonce[]> {
    const me = this.#wallet.roster.me.name;
    const pool = this.#pool(key, me);
    if (pool === undefined) throw new Error(`key ${key.name} is not open here`);
    const taken = await pool.takeAny(count);
    this.#fill(key, me, false);
    return taken;
  }

  #pool(key: ActiveKey, coordinator: string): OwnNonces | undefined {
    const id = poolKey(key.name, coordinator);
    const known = this.#pools.get(id);
    if (known !== undefined || key.signing === undefined) return known;
    const { env, boot, roster } = this.#wallet;
    const pool = new OwnNonces(boot, key.signing, this.#counter, (commitments, replace) => {
      if (coordinator === roster.me.name) return;
      const value = { key: key.name, boot, replace, commitments: [...commitments] };
      env.peers.send(coordinator, { $case: 'commitments', value });
    });
    this.#pools.set(id, pool);
    return pool;
  }

  #close(key: ActiveKey, coordinator: string): void {
    const id = poolKey(key.name, coordinator);
    this.#pools.get(id)?.close();
    this.#pools.delete(id);
  }

  #fill(key: ActiveKey, coordinator: string, full: boolean): void {
    const { env } = this.#wallet;
    const id = poolKey(key.name, coordinator);
    this.#idle.get(id)?.();
    if (!full)
      this.#idle.set(
        id,
        env.clock.after(IDLE, () => this.#fill(key, coordinator, true)),
      );
    this.#pool(key, coordinator)
      ?.fill(full)
      .catch((error: unknown) =>
        env.log.error('no commitments made', { key: key.name, peer: coordinator, error: messageOf(error) }),
      );
  }
}

const poolKey = (key: string, coordinator: string): string => `${key}\n${coordinator}`;
