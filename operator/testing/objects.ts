import { setCondition } from '../api/conditions.ts';
import type { ConditionType, Finding } from '../api/conditions.ts';
import { apiVersion } from '../api/resource.ts';
import type { Condition } from '../api/generated.ts';
import type { Metadata, Signer, SigningPolicy, SigningRequest, Wallet } from '../api/resource.ts';

/*
 * Objects as a store has them: three holders of the wallet payments/treasury, in its own namespace.
 */

export const now = Date.parse('2026-11-01T00:00:00Z');

export const metadata = (name: string, over: Partial<Metadata> = {}): Metadata => ({
  name,
  namespace: 'payments',
  uid: `uid-of-${name}`,
  generation: 1,
  creationTimestamp: '2026-10-01T00:00:00Z',
  ...over,
});

export const aWallet = (
  spec: Partial<Wallet['spec']> = {},
  status?: Wallet['status'],
  meta: Partial<Metadata> = {},
): Wallet => ({
  apiVersion,
  kind: 'Wallet',
  metadata: metadata('treasury', meta),
  spec: {
    threshold: 2,
    holders: [
      { name: 'infrastructure', role: 'Infrastructure' },
      { name: 'client', role: 'Client' },
      { name: 'backup', role: 'Backup' },
    ],
    keys: [
      { name: 'solana', scheme: 'EdDSA' },
      { name: 'bitcoin', scheme: 'Schnorr' },
    ],
    policyRef: { name: 'treasury' },
    signers: { seal: { keySecretRef: { name: 'treasury-seal', key: 'kek' } } },
    ...spec,
  },
  ...(status !== undefined && { status }),
});

export const aSigner = (
  holder: string,
  over: {
    readonly spec?: Partial<Signer['spec']>;
    readonly status?: Signer['status'];
    readonly meta?: Partial<Metadata>;
  } = {},
): Signer => ({
  apiVersion,
  kind: 'Signer',
  metadata: metadata(`treasury-${holder}`, over.meta),
  spec: {
    walletRef: { namespace: 'payments', name: 'treasury', holder },
    seal: { keySecretRef: { name: 'treasury-seal', key: 'kek' } },
    ...over.spec,
  },
  ...(over.status !== undefined && { status: over.status }),
});

/** A Signer whose signer its owner runs elsewhere. */
export function anExternalSigner(holder: string, external: NonNullable<Signer['spec']['external']>): Signer {
  const signer = aSigner(holder);
  return { ...signer, spec: { walletRef: signer.spec.walletRef, external } };
}

export const aPolicy = (
  spec: Partial<SigningPolicy['spec']> = {},
  status?: SigningPolicy['status'],
): SigningPolicy => ({
  apiVersion,
  kind: 'SigningPolicy',
  metadata: metadata('treasury'),
  spec: {
    initiators: [
      { name: 'payments-api', key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl' },
    ],
    rules: [{ name: 'messages', verdict: 'Allow', match: { kinds: ['Message'] } }],
    ...spec,
  },
  ...(status !== undefined && { status }),
});

export const aRequest = (
  spec: Partial<SigningRequest['spec']> = {},
  status?: SigningRequest['status'],
): SigningRequest => ({
  apiVersion,
  kind: 'SigningRequest',
  metadata: metadata('pay-42'),
  spec: {
    walletRef: { name: 'treasury' },
    key: 'solana',
    payload: { chain: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', format: 'Transaction', data: '0x00' },
    initiator: { name: 'payments-api', signature: 'SIGNATURE' },
    expiresAt: '2026-11-02T00:00:00Z',
    ...spec,
  },
  ...(status !== undefined && { status }),
});

/** Conditions as some reconcile before wrote them. */
export const conditionsOf = (
  ...findings: readonly (readonly [ConditionType, Finding['status'], Finding['reason'], string?])[]
): readonly Readonly<Condition>[] =>
  findings.reduce<readonly Readonly<Condition>[]>(
    (set, [type, status, reason, message = 'as before']) =>
      setCondition(set, { type, status, reason, message }, 1, now - 1_000),
    [],
  );
