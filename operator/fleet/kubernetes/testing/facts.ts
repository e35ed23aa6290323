import type { Signer, Wallet } from '../../../api/resource.ts';
import { aSigner, aWallet } from '../../../testing/objects.ts';
import type { FleetSettings } from '../fleet-settings.ts';
import type { SignerFacts } from '../signer-objects.ts';

export const digestOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
export const signerImage = `registry.example/holdfast/signer@${digestOf('a')}`;
export const hsmImage = `registry.example/holdfast/hsm@${digestOf('b')}`;

export const settings: FleetSettings = {
  signerImage,
  imagePullSecrets: [],
  imagePullPolicy: 'IfNotPresent',
  volumes: { accessMode: 'ReadWriteOncePod', storageClassName: '' },
  operator: { namespace: 'holdfast', labels: { 'app.kubernetes.io/name': 'holdfast' } },
  dns: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  scrapeFrom: [],
};

export const pkcs11: NonNullable<NonNullable<Signer['spec']['seal']>['pkcs11']> = {
  image: hsmImage,
  module: '/usr/lib/softhsm/libsofthsm2.so',
  tokenLabel: 'backup',
  pinSecretRef: { name: 'backup-pin', key: 'pin' },
  storage: {},
};

/** Of the holder `client` in its wallet's namespace, or as `over` says. */
export function facts(
  over: {
    readonly spec?: Partial<Signer['spec']>;
    readonly wallet?: Wallet;
    readonly signers?: readonly Signer[];
    readonly settings?: Partial<FleetSettings>;
    readonly namespace?: string;
    readonly environment?: SignerFacts['environment'];
  } = {},
): SignerFacts {
  const signer = aSigner('client', {
    spec: over.spec ?? {},
    ...(over.namespace !== undefined && { meta: { namespace: over.namespace } }),
  });
  return {
    signer,
    image: signerImage,
    operator: digestOf('0'),
    environment: over.environment ?? {},
    settings: { ...settings, ...over.settings },
    wallet: over.wallet ?? aWallet(),
    signers: over.signers ?? [signer],
  };
}
