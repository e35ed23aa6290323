import { stringify } from 'yaml';
import { apiVersion } from '../api/resource.ts';
import type { DraftOf, Signer, Wallet } from '../api/resource.ts';

export type Holder = Wallet['spec']['holders'][number];

/** Where a holder's Signer has to be. */
export const namespaceOf = (wallet: Wallet, holder: Holder): string => holder.namespace ?? wallet.metadata.namespace;

/** The Signer that serves a holder: of several the oldest. Writing one is its namespace's consent, so no other namespace counts. */
export function servingSigner(wallet: Wallet, holder: Holder, signers: readonly Signer[]): Signer | undefined {
  const { namespace, name } = wallet.metadata;
  return signers
    .filter(
      ({ spec: { walletRef } }) =>
        walletRef.namespace === namespace && walletRef.name === name && walletRef.holder === holder.name,
    )
    .filter(
      ({ metadata }) => metadata.namespace === namespaceOf(wallet, holder) && metadata.deletionTimestamp === undefined,
    )
    .toSorted(
      (a, b) =>
        order(a.metadata.creationTimestamp, b.metadata.creationTimestamp) || order(a.metadata.name, b.metadata.name),
    )[0];
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What a wallet lacks of Signers. */
export type MissingSigners = {
  /** In the wallet's own namespace: the operator writes them. */
  readonly write: readonly DraftOf<'Signer'>[];
  /** Holders in the wallet's own namespace of whom nothing says what seals their shares. */
  readonly sealless: readonly string[];
  /** In other namespaces: their owners write them. `manifest` is the YAML to apply. Of one not `seen` nothing is known. */
  readonly waiting: readonly {
    readonly holder: string;
    readonly namespace: string;
    readonly manifest: string;
    readonly seen: boolean;
  }[];
};

export function missingSigners(
  wallet: Wallet,
  signers: readonly Signer[],
  sees: (namespace: string) => boolean = () => true,
): MissingSigners {
  const missing = wallet.spec.holders.filter((holder) => servingSigner(wallet, holder, signers) === undefined);
  const own = missing.filter((holder) => namespaceOf(wallet, holder) === wallet.metadata.namespace);
  const foreign = missing.filter((holder) => !own.includes(holder));
  const seal = wallet.spec.signers?.seal;
  return {
    write: seal === undefined ? [] : own.map((holder) => ownSigner(wallet, holder, seal)),
    sealless: seal === undefined ? own.map(({ name }) => name) : [],
    waiting: foreign.map((holder) => ({
      holder: holder.name,
      namespace: namespaceOf(wallet, holder),
      manifest: manifestFor(wallet, holder),
      seen: sees(namespaceOf(wallet, holder)),
    })),
  };
}

const walletRefTo = ({ metadata }: Wallet, { name }: Holder): Signer['spec']['walletRef'] => ({
  namespace: metadata.namespace,
  name: metadata.name,
  holder: name,
});

function ownSigner(
  wallet: Wallet,
  holder: Holder,
  seal: NonNullable<Wallet['spec']['signers']>['seal'],
): DraftOf<'Signer'> {
  const { namespace, name, uid } = wallet.metadata;
  const { storage, placement } = wallet.spec.signers ?? {};
  return {
    apiVersion,
    kind: 'Signer',
    metadata: {
      namespace,
      name: `${name}-${holder.name}`,
      labels: {
        'app.kubernetes.io/managed-by': 'holdfast',
        'holdfast.dev/wallet': name,
        'holdfast.dev/holder': holder.name,
      },
      ownerReferences: [{ apiVersion, kind: 'Wallet', name, uid, controller: true }],
    },
    spec: {
      walletRef: walletRefTo(wallet, holder),
      seal,
      ...(storage !== undefined && { storage }),
      ...(placement !== undefined && { placement }),
    },
  };
}

/** What a holder in another namespace applies to take part. */
const manifestFor = (wallet: Wallet, holder: Holder): string =>
  stringify({
    apiVersion,
    kind: 'Signer',
    metadata: { name: `${wallet.metadata.name}-${holder.name}`, namespace: namespaceOf(wallet, holder) },
    spec: {
      walletRef: walletRefTo(wallet, holder),
      seal: { keySecretRef: { name: `${wallet.metadata.name}-seal`, key: 'kek' } },
    },
  });
