import { describe, expect, test } from 'vitest';
import { digest, utf8 } from '../../common/bytes.ts';
import { conditionOf } from '../api/conditions.ts';
import type { Wallet } from '../api/resource.ts';
import { aPolicy, aWallet, now } from '../testing/objects.ts';
import { firstPolicyDigest, planPolicy } from './policy-plan.ts';
import { readPolicy } from './read-policy.ts';
import type { PolicyReading } from './read-policy.ts';

const policy = aPolicy();
const reading = readPolicy(policy) as Extract<PolicyReading, { kind: 'Valid' }>;
const genesis = digest(utf8('genesis'));
const holders = (...digests: readonly (string | undefined)[]): Wallet['status'] => ({
  genesis,
  holders: digests.map((policyDigest, i) => ({
    name: `h${i}`,
    available: true,
    ...(policyDigest !== undefined && { policyDigest }),
  })),
});
const own = firstPolicyDigest(genesis, reading.digest);
const another = firstPolicyDigest(genesis, digest(utf8('another')));

describe('whether a policy is enforced follows from what every holder acknowledged', () => {
  const cases: readonly (readonly [string, readonly Wallet[], 'True' | 'False', string])[] = [
    ['nobody refers to it', [], 'False', 'NotReferenced'],
    ['the wallet is not founded', [aWallet()], 'False', 'WaitingForHolders'],
    ['a holder has said nothing', [aWallet({}, holders(own, own, undefined))], 'False', 'WaitingForHolders'],
    ['all holders have it', [aWallet({}, holders(own, own, own))], 'True', 'Enforced'],
    ['all holders have another', [aWallet({}, holders(another, another, another))], 'False', 'ChangeUnsupported'],
    ['one holder has another', [aWallet({}, holders(own, own, another))], 'False', 'ChangeUnsupported'],
    [
      'one wallet has it and one another',
      [aWallet({}, holders(own)), aWallet({}, holders(another))],
      'False',
      'ChangeUnsupported',
    ],
    ['one wallet has it and one is not founded', [aWallet({}, holders(own)), aWallet()], 'False', 'WaitingForHolders'],
  ];
  test.each(cases)('%s', (_, wallets, status, reason) => {
    const planned = planPolicy({ policy, reading, wallets, now });
    expect(conditionOf(planned.conditions, 'Enforced')).toMatchObject({ status, reason });
    expect(planned.digest).toBe(status === 'True' ? reading.digest : undefined);
  });
});

test('of an edited policy the digest stays that which is enforced', () => {
  const edited = aPolicy(
    { rules: [{ name: 'none', verdict: 'Deny', match: { kinds: ['Digest'] } }] },
    { digest: reading.digest },
  );
  const status = planPolicy({ policy: edited, reading: readPolicy(edited), wallets: [aWallet({}, holders(own))], now });
  expect(status.digest).toBe(reading.digest);
});

test('a policy that can be enforced says what of it has no effect', () => {
  const priced = aPolicy({
    assets: [{ name: 'ETH', id: 'eip155:1/slip44:60', decimals: 18, price: { fixed: '3000' } }],
  });
  const status = planPolicy({ policy: priced, reading: readPolicy(priced), wallets: [], now });
  expect(conditionOf(status.conditions, 'Valid')).toMatchObject({
    status: 'True',
    message: expect.stringContaining('; without effect in this version: the price of ETH'),
  });
});

describe('a policy that cannot be enforced says why', () => {
  test.each([
    [
      'a name that leads nowhere',
      aPolicy({ rules: [{ name: 'pay', verdict: 'Allow', match: { destinations: ['nobody'] } }] }),
      'InvalidPolicy',
      'rules[0] (pay).match.destinations[0]: ',
    ],
    [
      'what is not in this version',
      aPolicy({ rules: [{ name: 'pay', verdict: 'Allow', match: { kinds: ['Message'] }, timeLock: '24h' }] }),
      'FeatureUnsupported',
      'timeLock',
    ],
  ])('%s', (_, invalid, reason, word) => {
    const status = planPolicy({
      policy: invalid,
      reading: readPolicy(invalid),
      wallets: [aWallet({}, holders(own))],
      now,
    });
    const valid = conditionOf(status.conditions, 'Valid');
    expect(valid).toMatchObject({ status: 'False', reason });
    expect(valid?.message).toContain(word);
    expect(conditionOf(status.conditions, 'Enforced')).toMatchObject({ status: 'False', reason: 'ChangeUnsupported' });
  });
});
