import { describe, expect, test } from 'vitest';
import { crdSchema } from './definition.ts';
import { kinds } from './resource.ts';
import type { Kind, Signer, SigningPolicy, Wallet } from './resource.ts';
import type { Schema } from './schema.ts';
import { policyWithoutEffect, signerWithoutEffect, walletWithoutEffect } from './without-effect.ts';
import { readPolicy } from '../policy/read-policy.ts';
import { planSigner } from '../signer/signer-plan.ts';
import { aPolicy, aSigner, aWallet, now } from '../testing/objects.ts';
import { unsupportedInWallet } from '../wallet/unsupported.ts';

/*
 * Nothing of a spec is ever ignored: each field has its effect, or is refused, or a condition tells that it has none.
 */

/** The fields without fields below them, as `spec.keys[].name`. */
const leaves = (schema: Schema, path: string): readonly string[] => {
  if (schema.items !== undefined) return leaves(schema.items, `${path}[]`);
  const below = Object.entries(schema.properties ?? {});
  return below.length === 0 ? [path] : below.flatMap(([name, child]) => leaves(child, `${path}.${name}`));
};

const withEffect: Readonly<Record<Kind, string>> = {
  Wallet: `threshold holders[].name holders[].role holders[].namespace keys[].name keys[].scheme policyRef.name
    signers.seal.keySecretRef.name signers.seal.keySecretRef.key
    signers.seal.pkcs11.module signers.seal.pkcs11.tokenLabel signers.seal.pkcs11.pinSecretRef.name
    signers.seal.pkcs11.pinSecretRef.key genesis.confirm deletionPolicy`,
  Signer: `walletRef.namespace walletRef.name walletRef.holder seal.keySecretRef.name seal.keySecretRef.key
    seal.pkcs11.module seal.pkcs11.tokenLabel seal.pkcs11.pinSecretRef.name seal.pkcs11.pinSecretRef.key
    external.endpoint external.signEndpoint external.fingerprint`,
  SigningPolicy: `assets[].name assets[].id assets[].decimals addressBook[].name addressBook[].addresses[]
    initiators[].name initiators[].key fees[].chain fees[].atMost rules[].name rules[].verdict rules[].match.chains[] rules[].match.paths[]
    rules[].match.assets[] rules[].match.destinations[] rules[].match.kinds[] rules[].match.amount.over
    rules[].match.amount.atMost rules[].match.amount.per rules[].limits[].amount rules[].limits[].count rules[].limits[].per
    rules[].limits[].scope`,
  // Signers refuse what they do not decode; how long the object stays is told once it is finished.
  SigningRequest: `id walletRef.name key path payload.chain payload.format payload.data initiator.name
    initiator.signature expiresAt ttlSecondsAfterFinished`,
  // Every Approval is told that none is counted.
  Approval: `targetRef.kind targetRef.name digest policyDigest approver verdict expiresAt signature`,
};

const pkcs11 = { image: 'i', module: 'm', tokenLabel: 't', pinSecretRef: { name: 'p', key: 'k' } };
const pods = { ...pkcs11, storage: { size: '1Gi', storageClassName: 'c' }, egress: [{ cidr: '10.0.0.0/8', port: 1 }] };
const group = { group: 'finance', atLeast: 1 };
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';
const approver = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';
const people = { approvers: [{ name: 'alice', key: approver }], groups: [{ name: 'finance', members: ['alice'] }] };
const rule = (over: Partial<SigningPolicy['spec']['rules'][number]>): Partial<SigningPolicy['spec']> => ({
  rules: [{ name: 'pay', verdict: 'Allow', match: {}, ...over }],
});

type Case<S> = readonly [field: string, spec: Partial<S>, says: string];
const wallets: readonly Case<Wallet['spec']>[] = [
  ['signers.seal.pkcs11.image', { signers: { seal: { pkcs11 } } }, 'spec.signers.seal.pkcs11.image'],
  [
    'signers.seal.pkcs11.storage.size',
    { signers: { seal: { pkcs11: pods } } },
    'spec.signers.seal.pkcs11.storage.size',
  ],
  [
    'signers.seal.pkcs11.storage.storageClassName',
    { signers: { seal: { pkcs11: pods } } },
    'spec.signers.seal.pkcs11.storage.storageClassName',
  ],
  ['signers.seal.pkcs11.egress', { signers: { seal: { pkcs11: pods } } }, 'spec.signers.seal.pkcs11.egress'],
  [
    'signers.storage',
    { signers: { seal: { keySecretRef: { name: 'n', key: 'k' } }, storage: {} } },
    'spec.signers.storage',
  ],
  [
    'signers.placement',
    { signers: { seal: { keySecretRef: { name: 'n', key: 'k' } }, placement: 'Required' } },
    'Required cannot be kept',
  ],
  [
    'signers.placement',
    { signers: { seal: { keySecretRef: { name: 'n', key: 'k' } }, placement: 'Preferred' } },
    'spec.signers.placement',
  ],
  ['access', { access: [{ podSelector: { matchLabels: { app: 'a' } } }] }, 'spec.access'],
  ['genesis.confirm', { genesis: { confirm: 'Approvers' } }, 'confirmation by Approvers is not in this version'],
];
const signers: readonly Case<Signer['spec']>[] = [
  ['seal.pkcs11.image', { seal: { pkcs11 } }, 'spec.seal.pkcs11.image'],
  ['seal.pkcs11.storage.size', { seal: { pkcs11: pods } }, 'spec.seal.pkcs11.storage.size'],
  ['seal.pkcs11.storage.storageClassName', { seal: { pkcs11: pods } }, 'spec.seal.pkcs11.storage.storageClassName'],
  ['seal.pkcs11.egress', { seal: { pkcs11: pods } }, 'spec.seal.pkcs11.egress'],
  [
    'external.cidrs',
    { external: { endpoint: 'e:1', fingerprint: 'SHA256:x', cidrs: ['192.0.2.0/24'] } },
    'spec.external.cidrs',
  ],
  ['image', { image: 'i@sha256:0' }, 'spec.image'],
  ['storage', { storage: { size: '2Gi' } }, 'spec.storage'],
  ['resources', { resources: { limits: { cpu: 1 } } }, 'spec.resources'],
  ['nodeSelector', { nodeSelector: { zone: 'a' } }, 'spec.nodeSelector'],
  ['tolerations', { tolerations: [{ operator: 'Exists' }] }, 'spec.tolerations'],
  ['affinity', { affinity: {} }, 'spec.affinity'],
  ['priorityClassName', { priorityClassName: 'high' }, 'spec.priorityClassName'],
  ['placement', { placement: 'Preferred' }, 'spec.placement'],
  ['placement', { placement: 'Required' }, 'Required cannot be kept'],
];
const eth = { name: 'ETH', id: 'eip155:1/slip44:60', decimals: 18 };
const policies: readonly Case<SigningPolicy['spec']>[] = [
  ['assets[].price', { assets: [{ ...eth, price: { fixed: '3000' } }] }, 'the price of ETH'],
  ['assets[].id', { assets: [{ name: 'X', id: 'cosmos:hub-4/slip44:118', decimals: 6 }] }, 'what names cosmos:hub-4'],
  ['fees[].chain', { fees: [{ chain: 'eip155:5', atMost: '1' }] }, 'does not know what fees of eip155:5 are paid in'],
  ['rules[].match.chains[]', rule({ match: { chains: ['eip155:5'] } }), 'what names eip155:5'],
  [
    'addressBook[].addresses[]',
    { addressBook: [{ name: 'a', addresses: ['eip155:5:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb'] }] },
    'what names eip155:5',
  ],
  ['rules[].match.kinds[]', rule({ match: { kinds: ['TypedData', 'Deploy'] } }), 'match.kinds TypedData (not decoded'],
  ['approvers', people, 'spec.approvers'],
  ['groups', people, 'spec.groups'],
  ['change', { ...people, change: { approvals: [group] } }, 'spec.change'],
  ['recovery', { ...people, recovery: { approvals: [group] } }, 'spec.recovery'],
  [
    'lookupTables',
    {
      lookupTables: [
        {
          address: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:11111111111111111111111111111112',
          accounts: ['11111111111111111111111111111112'],
        },
      ],
    },
    'address lookup tables are not in this version',
  ],
  ['rules[].match.usd', rule({ match: { usd: { over: '1' } } }), 'valuation in USD are not in this version'],
  ['rules[].approvals', { ...people, ...rule({ approvals: [group] }) }, 'approvals are not in this version'],
  ['rules[].timeLock', rule({ timeLock: '24h' }), 'time locks are not in this version'],
];

const covered: Readonly<Record<Kind, readonly string[]>> = {
  Wallet: wallets.map(([field]) => field),
  Signer: signers.map(([field]) => field),
  SigningPolicy: policies.map(([field]) => field),
  SigningRequest: [],
  Approval: [],
};

describe('every field of a spec has its effect, is refused or is told', () => {
  test.each(kinds)('%s', (kind) => {
    const spec = crdSchema(kind).properties?.['spec'];
    const fields = leaves(spec ?? {}, 'spec');
    const used = withEffect[kind].split(/\s+/).map((field) => `spec.${field}`);
    const told = covered[kind].map((field) => `spec.${field}`);
    const isUnder = (field: string, parent: string): boolean =>
      field === parent || field.startsWith(`${parent}.`) || field.startsWith(`${parent}[]`);
    expect(fields.filter((field) => !used.includes(field) && !told.some((parent) => isUnder(field, parent)))).toEqual(
      [],
    );
    expect(used.filter((field) => !fields.includes(field))).toEqual([]);
    expect(told.filter((parent) => !fields.some((field) => isUnder(field, parent)))).toEqual([]);
  });
});

describe('what is refused or has no effect is said', () => {
  test.each(wallets)('Wallet spec.%s %j', (_, spec, says) => {
    const wallet = aWallet(spec);
    expect([unsupportedInWallet(wallet, true)?.message, ...walletWithoutEffect(wallet, true)].join('\n')).toContain(
      says,
    );
  });

  test.each(signers)('Signer spec.%s %j', (_, spec, says) => {
    const signer = aSigner('client', { spec });
    const facts = {
      wallet: aWallet(),
      signers: [signer],
      observation: undefined,
      answer: undefined,
      operator: 'sha256:operator',
      sharedMachine: true,
      now,
    };
    const { ensure, status } = planSigner({ ...facts, signer });
    const refusal = ensure === undefined ? status.conditions?.[0]?.message : '';
    expect([refusal, ...signerWithoutEffect(signer, true)].join('\n')).toContain(says);
  });

  test.each(policies)('SigningPolicy spec.%s %j', (_, spec, says) => {
    const policy = aPolicy({ initiators: [{ name: 'payments-api', key }], ...spec });
    const reading = readPolicy(policy);
    expect(reading.kind === 'Invalid' ? reading.message : policyWithoutEffect(policy).join('\n')).toContain(says);
  });

  test('a rule about children alone, where a wallet has no key that has any', () => {
    const policy = aPolicy(rule({ match: { paths: ['m/0/*'] } }));
    const [solana, ethereum] = (['EdDSA', 'ECDSA'] as const).map((scheme) =>
      aWallet({ keys: [{ name: 'k', scheme }] }),
    );
    const says = (...wallets: readonly (Wallet | undefined)[]): readonly string[] =>
      policyWithoutEffect(
        policy,
        wallets.filter((wallet) => wallet !== undefined),
      );
    expect(says(solana)).toEqual([
      'match.paths of pay (treasury has no key of scheme ECDSA, and no other has children)',
    ]);
    expect(says(ethereum)).toEqual([]);
    expect(policyWithoutEffect(aPolicy(rule({ match: { paths: ['m', 'm/0/*'] } })), [aWallet()])).toEqual([]);
    expect(policyWithoutEffect(aPolicy(rule({})), [aWallet()])).toEqual([]);
  });

  test('what all has its effect says nothing', () => {
    expect([
      ...walletWithoutEffect(aWallet(), true, [aSigner('client')]),
      ...signerWithoutEffect(aSigner('client'), true),
      ...policyWithoutEffect(aPolicy()),
    ]).toEqual([]);
  });
});

test('a seal that was changed after the signer was made with another is told', () => {
  const wallet = aWallet({ signers: { seal: { keySecretRef: { name: 'another', key: 'kek' } } } });
  expect(walletWithoutEffect(wallet, true, [aSigner('client')])).toEqual([
    'spec.signers.seal as it is now (client: keeps the one it was made with)',
  ]);
});

describe('where signers are pods', () => {
  const seal = { keySecretRef: { name: 'treasury-seal', key: 'kek' } };

  test('what shapes and bounds them has its effect, Required placement too', () => {
    const access = [{ podSelector: { matchLabels: { app: 'a' } } }];
    const wallet = aWallet({ access, signers: { seal: { pkcs11: pods }, storage: {}, placement: 'Required' } });
    expect([unsupportedInWallet(wallet, false), walletWithoutEffect(wallet, false)]).toEqual([undefined, []]);
    const signer = aSigner('client', { spec: { placement: 'Required', nodeSelector: { zone: 'a' } } });
    expect(signerWithoutEffect(signer, false)).toEqual([]);
    const facts = {
      wallet: aWallet(),
      signers: [signer],
      observation: undefined,
      answer: undefined,
      operator: 'sha256:1',
    };
    expect(planSigner({ ...facts, signer, sharedMachine: false, now }).ensure).toBeDefined();
  });

  test('what the operator wrote into a Signer stays, and that is told of all that the Wallet says of it', () => {
    const wallet = aWallet({ signers: { seal, storage: { size: '4Gi' }, placement: 'Required' } });
    expect(walletWithoutEffect(wallet, false, [aSigner('client')])).toEqual([
      'spec.signers.storage as it is now (client: keeps the one it was made with)',
      'spec.signers.placement as it is now (client: keeps the one it was made with)',
    ]);
  });
});
