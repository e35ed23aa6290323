import type { DraftOf } from '../../api/resource.ts';

type Changes<T> = { readonly [Member in keyof T]?: T[Member] };

/** Objects that break no rule, for tests to change. */
export const wallet = (name = 'treasury', spec: Changes<DraftOf<'Wallet'>['spec']> = {}): DraftOf<'Wallet'> => ({
  apiVersion: 'holdfast.dev/v1alpha1',
  kind: 'Wallet',
  metadata: { name, namespace: 'payments' },
  spec: {
    threshold: 2,
    holders: [
      { name: 'infrastructure', role: 'Infrastructure' },
      { name: 'client', role: 'Client' },
    ],
    keys: [{ name: 'solana', scheme: 'EdDSA' }],
    policyRef: { name: 'treasury' },
    ...spec,
  },
});

export const signer = (name = 'treasury-client', spec: Changes<DraftOf<'Signer'>['spec']> = {}): DraftOf<'Signer'> => ({
  apiVersion: 'holdfast.dev/v1alpha1',
  kind: 'Signer',
  metadata: { name, namespace: 'payments' },
  spec: {
    walletRef: { namespace: 'payments', name: 'treasury', holder: 'client' },
    seal: { keySecretRef: { name: 'seal', key: 'kek' } },
    ...spec,
  },
});

export const policy = (
  name = 'treasury',
  spec: Changes<DraftOf<'SigningPolicy'>['spec']> = {},
): DraftOf<'SigningPolicy'> => ({
  apiVersion: 'holdfast.dev/v1alpha1',
  kind: 'SigningPolicy',
  metadata: { name, namespace: 'payments' },
  spec: {
    initiators: [
      { name: 'payments-api', key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAKIIF8tFzN7M2ARDSzh7q8JFr5IfmeDuyPYhwaSn0jH' },
    ],
    rules: [{ name: 'never', verdict: 'Deny', match: { kinds: ['Digest'] } }],
    ...spec,
  },
});

export const approval = (name = 'pay-42-alice', approver = 'alice'): DraftOf<'Approval'> => ({
  apiVersion: 'holdfast.dev/v1alpha1',
  kind: 'Approval',
  metadata: { name, namespace: 'payments' },
  spec: {
    targetRef: { kind: 'SigningRequest', name: 'pay-42' },
    digest: `sha256:${'33'.repeat(32)}`,
    policyDigest: `sha256:${'44'.repeat(32)}`,
    approver,
    verdict: 'Approve',
    expiresAt: '2026-12-01T00:00:00Z',
    signature: '-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n',
  },
});
