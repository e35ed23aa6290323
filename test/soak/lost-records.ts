import { fromUtf8, hex } from '../../common/bytes.ts';
import type { SimulatedWallet } from '../simulation/simulated-wallet.ts';

type Entry = Readonly<Record<string, string>>;

/**
 * What the logs of holders said whose disks were put back, and whose disk had word of it. A record that no other disk
 * names can be lost without anyone's finding out: PROTOCOL.md 6.
 */
export class LostRecords {
  readonly #wallet: SimulatedWallet;
  /** Records by hash, by the holder that had them. */
  readonly #had = new Map<string, Map<string, Entry>>();
  readonly #named: { readonly holder: string; readonly hash: string; readonly by: string }[] = [];

  constructor(wallet: SimulatedWallet) {
    this.#wallet = wallet;
  }

  /** The disk of `holder` is about to be put back. */
  note(holder: string): void {
    const had = this.#had.get(holder) ?? new Map<string, Entry>();
    this.#had.set(holder, had);
    for (const { hash, record } of this.#wallet.disk(holder).audit)
      had.set(hex(hash), JSON.parse(fromUtf8(record)) as Entry);
    for (const { name: by } of this.#wallet.holders) {
      const row = this.#wallet.disk(by).peers.get(holder);
      for (const head of [row?.head, row?.signed?.head])
        if (head !== undefined) this.#named.push({ holder, hash: hex(head.hash), by });
    }
  }

  /** What the log of `holder` said once and does not say any more. */
  of(holder: string): readonly Entry[] {
    return [...this.#lost(holder).values()];
  }

  /** Whose disk had a head of `holder` that its log does not have any more. */
  witnesses(holder: string): readonly string[] {
    const lost = this.#lost(holder);
    return [...new Set(this.#named.filter((n) => n.holder === holder && lost.has(n.hash)).map(({ by }) => by))];
  }

  #lost(holder: string): ReadonlyMap<string, Entry> {
    const has = new Set(this.#wallet.disk(holder).audit.map(({ hash }) => hex(hash)));
    return new Map([...(this.#had.get(holder) ?? [])].filter(([hash]) => !has.has(hash)));
  }
}
