import { encodeStatement, statementDigest } from '../../statement/statements.ts';
import { setCondition } from '../api/conditions.ts';
import type { Finding } from '../api/conditions.ts';
import type { SigningPolicy, Wallet } from '../api/resource.ts';
import { policyWithoutEffect, toldWithoutEffect } from '../api/without-effect.ts';
import type { PolicyReading } from './read-policy.ts';

export type PolicyFacts = {
  readonly policy: SigningPolicy;
  readonly reading: PolicyReading;
  /** The Wallets that refer to it. */
  readonly wallets: readonly Wallet[];
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** The status of a SigningPolicy: what its wallets' holders acknowledged is all that counts. */
export function planPolicy(facts: PolicyFacts): NonNullable<SigningPolicy['status']> {
  const { policy, reading, now } = facts;
  const { generation } = policy.metadata;
  const findings = [valid(facts), enforced(facts)];
  const conditions = findings.reduce<NonNullable<SigningPolicy['status']>['conditions']>(
    (set, finding) => setCondition(set, finding, generation, now),
    policy.status?.conditions,
  );
  // Of a policy that was edited, what is enforced is what it was before.
  const digest = findings[1]?.status === 'True' && reading.kind === 'Valid' ? reading.digest : policy.status?.digest;
  return {
    ...(conditions !== undefined && { conditions }),
    observedGeneration: generation,
    ...(digest !== undefined && { digest }),
  };
}

function valid({ policy, reading, wallets }: PolicyFacts): Finding {
  const type = 'Valid';
  switch (reading.kind) {
    case 'Missing':
      return { type, status: 'Unknown', reason: 'Pending', message: '' };
    case 'Invalid':
      return { type, status: 'False', reason: reading.reason, message: reading.message };
    case 'Valid': {
      const told = toldWithoutEffect(policyWithoutEffect(policy, wallets));
      return { type, status: 'True', reason: 'Valid', message: `its document has digest ${reading.digest}${told}` };
    }
  }
}

function enforced({ reading, wallets }: PolicyFacts): Finding {
  const no = (reason: Finding['reason'], message: string): Finding => ({
    type: 'Enforced',
    status: 'False',
    reason,
    message,
  });
  if (wallets.length === 0) return no('NotReferenced', 'no Wallet of this namespace refers to this policy');
  const states = wallets.map((wallet) => ({ name: wallet.metadata.name, state: enforcement(wallet, reading) }));
  const in_ = (state: ReturnType<typeof enforcement>): string =>
    states
      .filter((each) => each.state === state)
      .map(({ name }) => name)
      .join(', ');
  const edited = in_('Another');
  if (edited !== '')
    return no(
      'ChangeUnsupported',
      `${edited}: holders enforce this policy as it was when the wallet was founded; changing a policy is not in this version: the edit has no effect`,
    );
  const waiting = in_('Unknown');
  if (waiting !== '') return no('WaitingForHolders', `${waiting}: not all holders have acknowledged this policy yet`);
  return {
    type: 'Enforced',
    status: 'True',
    reason: 'Enforced',
    message: `enforced by every holder of ${in_('This')}`,
  };
}

/** Whether a wallet's holders say that they enforce this policy, or another. */
function enforcement({ status }: Wallet, reading: PolicyReading): 'This' | 'Another' | 'Unknown' {
  const { genesis, holders = [] } = status ?? {};
  if (genesis === undefined || holders.some(({ policyDigest }) => policyDigest === undefined)) return 'Unknown';
  const expected = reading.kind === 'Valid' ? firstPolicyDigest(genesis, reading.digest) : '';
  return holders.every(({ policyDigest }) => policyDigest === expected) ? 'This' : 'Another';
}

/** Digest of the first link of a wallet's policy chain. */
export const firstPolicyDigest = (genesis: string, policy: string): string =>
  statementDigest(encodeStatement({ type: 'holdfast/policy/v1', genesis, height: '0', parent: '', policy }));
