import { keyOf, keyString } from './api/resource.ts';
import type { Key, Kind, ResourceOf, Signer } from './api/resource.ts';
import { namedBy } from './api/named.ts';
import type { ResourceStore } from './store/resource-store.ts';

/** The other objects to look at when an object came, changed or went. */
export class Wakes {
  readonly #store: ResourceStore;
  /** Of each Signer that was there: one that is gone does not say whose it was. */
  readonly #walletOf = new Map<string, Key<'Wallet'>>();

  constructor(store: ResourceStore) {
    this.#store = store;
  }

  async of(key: Key): Promise<readonly Key[]> {
    const store = this.#store;
    switch (key.kind) {
      case 'Wallet': {
        const wallet = await store.get(key as Key<'Wallet'>);
        const named = wallet && namedBy(wallet);
        const found = [
          ...(await store.list('Signer', key)),
          ...(await store.list('SigningRequest', key)),
          ...(named === undefined ? [] : await this.#there(named)),
        ];
        return found.map((object) => keyOf<Kind>(object));
      }
      case 'Signer': {
        const wallet = await this.#walletOfSigner(key as Key<'Signer'>);
        // One that was never seen may have been anybody's.
        const wallets = (await (wallet === undefined ? store.list('Wallet') : this.#there(wallet))).map(keyOf);
        const siblings = await Promise.all(wallets.map((each) => store.list('Signer', each)));
        const others = [...wallets, ...siblings.flat().map(keyOf)];
        return others.filter((other) => keyString(other) !== keyString(key));
      }
      case 'SigningPolicy':
        return (await store.list('Wallet', key)).map(keyOf);
      case 'SigningRequest':
      case 'Approval':
        return [];
    }
  }

  /** Nothing where it is gone, or in a namespace that is another operator's. */
  async #there<K extends Kind>(key: Key<K>): Promise<readonly ResourceOf<K>[]> {
    const object = await this.#store.get(key).catch(() => undefined);
    return object === undefined ? [] : [object];
  }

  async #walletOfSigner(key: Key<'Signer'>): Promise<Key<'Wallet'> | undefined> {
    const signer = await this.#store.get(key);
    const name = keyString(key);
    const wallet = signer === undefined ? this.#walletOf.get(name) : walletOf(signer);
    if (signer === undefined || wallet === undefined) this.#walletOf.delete(name);
    else this.#walletOf.set(name, wallet);
    return wallet;
  }
}

const walletOf = ({ spec: { walletRef } }: Signer): Key<'Wallet'> => ({
  kind: 'Wallet',
  namespace: walletRef.namespace,
  name: walletRef.name,
});
