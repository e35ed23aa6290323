import { deepStrictEqual, strictEqual } from 'node:assert';
import type { Wallet } from '../../operator/api/resource.ts';
import type { ClusterWallet } from './cluster-wallet.ts';
import { apply } from './kubectl.ts';

type Keys = NonNullable<Wallet['status']>['keys'];

/** What no fault may do to a wallet. Throws where one did. */
export class Unharmed {
  readonly #wallet: ClusterWallet;
  readonly #keys: Keys;
  #asked = 0;

  private constructor(wallet: ClusterWallet, keys: Keys) {
    this.#wallet = wallet;
    this.#keys = keys;
  }

  /** Of a wallet that has its keys. */
  static async since(wallet: ClusterWallet): Promise<Unharmed> {
    const { status } = await wallet.resource();
    return new Unharmed(wallet, status?.keys);
  }

  /** The wallet has its keys, and who asks again for what was signed, by an object of its own, is given the very signature. */
  async holds(...ids: readonly string[]): Promise<void> {
    deepStrictEqual((await this.#wallet.resource()).status?.keys, this.#keys);
    for (const id of ids) {
      const { apiVersion, kind, spec, status } = await this.#wallet.request(id);
      const name = `${id}-again-${this.#asked++}`;
      await apply({ apiVersion, kind, metadata: { namespace: this.#wallet.namespace, name }, spec: { ...spec, id } });
      await this.#wallet.kubectl('wait', `signingrequest/${name}`, '--for=condition=Succeeded', '--timeout=60s');
      const again = await this.#wallet.request(name);
      strictEqual(again.status?.digest, status?.digest);
      deepStrictEqual(again.status?.signatures, status?.signatures, `${id} asked again`);
    }
  }
}
