import { messageOf } from '../../common/errors.ts';
import type { KeyRow } from '../state/store.ts';
import type { Wallet } from './wallet.ts';

/**
 * On record, once a key: whose message failed a check, since it may do so at every attempt. It is not left out: without
 * it there is no key, and the next attempt succeeds where it was repaired.
 */
export class KeygenAccusations {
  readonly #wallet: Wallet;
  readonly #key: Pick<KeyRow, 'name' | 'scheme'>;
  readonly #accused = new Set<string>();

  constructor(wallet: Wallet, key: Pick<KeyRow, 'name' | 'scheme'>) {
    this.#wallet = wallet;
    this.#key = key;
  }

  /** On disk when it resolves. Never rejects: what could not be written is written the next time. */
  async record(attempt: number, culprits: readonly string[]): Promise<void> {
    const { env } = this.#wallet;
    const { name: key, scheme } = this.#key;
    const fresh = culprits.filter((culprit) => !this.#accused.has(culprit));
    if (fresh.length === 0) return;
    for (const culprit of fresh) {
      this.#accused.add(culprit);
      env.log.error('culprit found', { culprit, key, attempt });
    }
    const audit = fresh.map((culprit) => ({
      type: 'CulpritFound' as const,
      culprit,
      key,
      scheme,
      attempt: String(attempt),
    }));
    await this.#wallet.write({ audit }).catch((error: unknown) => {
      for (const culprit of fresh) this.#accused.delete(culprit);
      env.log.error('culprit not on record', { culprits: fresh, error: messageOf(error) });
    });
  }
}
