import type { Contribution } from '../../proto/gen/signer/v1/peer.ts';
import { messageOf } from '../../common/errors.ts';
import { OwnNonces, type OwnNonce } from './nonce-pools.ts';
import type { ActiveKey, Wallet } from './wallet.ts';

/** A pool that lost fewer nonces than a batch is topped up when this long nothing was taken. Milliseconds. */
const IDLE = 50;

/** This holder's nonces, by key and coordinator: made ahead, delivered when a coordinator connects, refilled as they go. */
export class NonceKeeper {
  readonly #wallet: Wallet;
  readonly #pools = new Map<string, OwnNonces>();
  readonly #idle = new Map<string, () => void>();
  readonly #counter = { next: 1n };

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
  }

  /** A coordinator's link is up, or a key became active: it gets a whole new pool. */
  offer(coordinator: string): void {
    const { roster, keys } = this.#wallet;
    if (roster.me.role === 'Backup' || roster.find(coordinator)?.role !== 'Infrastructure') return;
    for (const key of keys.values()) {
      this.#pools.get(poolKey(key.name, coordinator))?.clear();
      this.#pools.delete(poolKey(key.name, coordinator));
      this.#refill(key, coordinator, { all: true, replace: true });
    }
  }

  /** Burns and gives the nonces that a coordinator refers to; undefined where one is unknown: it gets new ones. */
  take(key: ActiveKey, coordinator: string, contributions: readonly Contribution[]): readonly OwnNonce[] | undefined {
    const taken = this.#pool(key, coordinator)?.take(contributions);
    this.#refill(
      key,
      coordinator,
      taken === undefined ? { all: true, replace: false } : { all: false, replace: false },
    );
    return taken;
  }

  /** Nonces for a ceremony that this holder coordinates. */
  async takeOwn(key: ActiveKey, count: number): Promise<readonly OwnNonce[]> {
    const me = this.#wallet.roster.me.name;
    const pool = this.#pool(key, me);
    if (pool === undefined) throw new Error(`key ${key.name} is not open here`);
    const taken = await pool.takeAny(count);
    void pool.refill(false).catch(() => {});
    return taken;
  }

  #pool(key: ActiveKey, coordinator: string): OwnNonces | undefined {
    const id = poolKey(key.name, coordinator);
    const known = this.#pools.get(id);
    if (known !== undefined || key.signing === undefined) return known;
    const pool = new OwnNonces(this.#wallet.boot, key.signing, this.#counter);
    this.#pools.set(id, pool);
    return pool;
  }

  #refill(key: ActiveKey, coordinator: string, how: { readonly all: boolean; readonly replace: boolean }): void {
    const pool = this.#pool(key, coordinator);
    if (pool === undefined) return;
    const { env } = this.#wallet;
    const id = poolKey(key.name, coordinator);
    this.#idle.get(id)?.();
    if (!how.all)
      this.#idle.set(
        id,
        env.clock.after(IDLE, () => this.#refill(key, coordinator, { all: true, replace: false })),
      );
    void pool.refill(how.all).then(
      (commitments) => {
        // The pool may be another by now: then these went with the old one.
        if (commitments.length === 0 || this.#pools.get(id) !== pool) return;
        env.peers.send(coordinator, {
          $case: 'commitments',
          value: { key: key.name, boot: this.#wallet.boot, replace: how.replace, commitments: [...commitments] },
        });
      },
      (error: unknown) =>
        env.log.error('no commitments made', { key: key.name, peer: coordinator, error: messageOf(error) }),
    );
  }
}

const poolKey = (key: string, coordinator: string): string => `${key}\n${coordinator}`;
