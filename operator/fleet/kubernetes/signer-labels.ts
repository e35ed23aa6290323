import type { Signer } from '../../api/resource.ts';

export type Labels = Readonly<Record<string, string>>;
type WalletRef = Pick<Signer['spec']['walletRef'], 'namespace' | 'name'>;

/** On every object that the operator makes. It changes none that lacks it, and admission holds it to that. */
export const managed: Labels = { 'app.kubernetes.io/managed-by': 'holdfast' };

/** Of what keeps shares: admission refuses to delete it. */
export const keepsShares: Labels = { 'holdfast.dev/keeps': 'shares' };

/** Of signers alone. */
export const signersOnly: Labels = { 'app.kubernetes.io/component': 'signer' };

/** Labels as a request selects by them. */
export const labelSelector = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');

/** What all signer pods of one wallet have, in whatever namespace. */
export const walletSelector = ({ namespace, name }: WalletRef): Labels => ({
  ...signersOnly,
  'holdfast.dev/wallet-namespace': namespace,
  'holdfast.dev/wallet': name,
});

/** What tells a holder's signer from every other. */
export const signerSelector = ({ spec: { walletRef } }: Signer): Labels => ({
  ...walletSelector(walletRef),
  'holdfast.dev/holder': walletRef.holder,
});

/** On all of a signer's objects. No version: a new operator must not change a template. */
export const signerLabels = (signer: Signer): Labels => ({
  'app.kubernetes.io/name': 'holdfast-signer',
  'app.kubernetes.io/instance': signer.metadata.name,
  'app.kubernetes.io/part-of': 'holdfast',
  ...managed,
  ...signerSelector(signer),
});
