import { keyOf } from './api/resource.ts';
import type { Key, Signer, SigningPolicy, Wallet } from './api/resource.ts';
import type { ResourceStore } from './store/resource-store.ts';

/** The other objects to look at when the object `key` came, changed or went. */
export async function wakes(store: ResourceStore, key: Key): Promise<readonly Key[]> {
  switch (key.kind) {
    case 'Wallet': {
      const [signers, policies, requests] = await Promise.all([
        store.list('Signer'),
        store.list('SigningPolicy'),
        store.list('SigningRequest'),
      ]);
      const policyName = (await store.get(key as Key<'Wallet'>))?.spec.policyRef.name;
      return [
        ...signers.filter((signer) => isOf(signer, key)),
        ...policies.filter((policy) => policyName !== undefined && isAt(policy, key.namespace, policyName)),
        ...requests.filter(
          ({ metadata, spec }) => metadata.namespace === key.namespace && spec.walletRef.name === key.name,
        ),
      ].map((object) => keyOf(object));
    }
    case 'Signer': {
      const [signer, wallets, signers] = await Promise.all([
        store.get(key as Key<'Signer'>),
        store.list('Wallet'),
        store.list('Signer'),
      ]);
      // One that is gone does not say whose it was.
      const whose = (wallet: Wallet): boolean => signer === undefined || isOf(signer, keyOf(wallet));
      const concerned = wallets.filter(whose);
      const siblings = signers.filter((other) => concerned.some((wallet) => isOf(other, keyOf(wallet))));
      return [...concerned.map((wallet) => keyOf(wallet)), ...siblings.map((sibling) => keyOf(sibling))].filter(
        (other) => !isKey(other, key),
      );
    }
    case 'SigningPolicy': {
      const wallets = await store.list('Wallet');
      return wallets
        .filter((wallet) => wallet.metadata.namespace === key.namespace && wallet.spec.policyRef.name === key.name)
        .map(keyOf);
    }
    case 'SigningRequest':
    case 'Approval':
      return [];
  }
}

const isOf = ({ spec }: Signer, { namespace, name }: { readonly namespace: string; readonly name: string }): boolean =>
  spec.walletRef.namespace === namespace && spec.walletRef.name === name;

const isAt = (object: SigningPolicy, namespace: string, name: string): boolean =>
  object.metadata.namespace === namespace && object.metadata.name === name;

const isKey = (a: Key, b: Key): boolean => a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
