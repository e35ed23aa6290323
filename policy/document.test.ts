import { describe, expect, it } from 'vitest';
import { digest } from '../common/bytes.ts';
import { canonicalize } from '../statement/canonical.ts';
import { formatSshPublicKey } from '../statement/ssh-key.ts';
import { loadCases } from '../test/cases/load.ts';
import { parsePolicy, policyDocument } from './document.ts';
import type { Reading } from './document-forms.ts';
import { documentForm } from './document-shape.ts';
import { PolicyInvalid } from './policy-invalid.ts';
import type { PolicyProblem } from './policy-invalid.ts';
import { bitcoin, mint, payroll, policyOf, sol, solana, specOf, sshKey, vendor } from './testing/policies.ts';

type Spec = Readonly<Record<string, unknown>>;
const allow = { name: 'a', verdict: 'Allow', match: {} };

function invalid(run: () => unknown): PolicyInvalid {
  try {
    run();
  } catch (error) {
    if (error instanceof PolicyInvalid) return error;
    throw error;
  }
  throw new Error('was taken');
}

const problemsOf = (spec: Spec): readonly PolicyProblem[] => invalid(() => policyDocument(spec)).problems;

describe('the document of a policy', () => {
  it('is the spec with numbers as decimals, durations in seconds, and nothing added', () => {
    const spec = {
      initiators: [{ name: 'api', key: `${sshKey()} api@host` }],
      assets: [{ name: 'SOL', id: sol, decimals: 9, price: { fixed: '150.10' } }],
      rules: [
        {
          name: 'small',
          verdict: 'Allow',
          match: { assets: ['SOL'], amount: { atMost: '1.50', per: '90m' } },
          limits: [
            { count: 5, per: '30s' },
            { amount: '10', per: '24h' },
          ],
        },
      ],
    };
    expect(policyDocument(spec)).toEqual({
      ...spec,
      assets: [{ name: 'SOL', id: sol, decimals: '9', price: { fixed: '150.10' } }],
      rules: [
        {
          name: 'small',
          verdict: 'Allow',
          match: { assets: ['SOL'], amount: { atMost: '1.50', per: '5400' } },
          limits: [
            { count: '5', per: '30' },
            { amount: '10', per: '86400' },
          ],
        },
      ],
    });
  });

  it('has one digest however the members of the spec are ordered, and another for another order of rules', () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .toReversed()
          .map(([name, member]) => [name, reversed(member)]),
      );
    };
    const spec = specOf([allow, { ...allow, name: 'b' }]);
    const digestOf = (of: unknown): string => digest(canonicalize(policyDocument(of)));
    expect(digestOf(reversed(spec))).toBe(digestOf(spec));
    expect(digestOf(specOf([{ ...allow, name: 'b' }, allow]))).not.toBe(digestOf(spec));
  });

  it('is not read in the form of a spec, nor a spec in the form of a document', () => {
    const spec = specOf([{ ...allow, limits: [{ count: 1, per: '1h' }] }]);
    expect(() => parsePolicy(spec)).toThrow(PolicyInvalid);
    expect(() => policyDocument(policyDocument(spec))).toThrow(PolicyInvalid);
  });
});

describe('the table of cases that the CRD holds', () => {
  const specIn = (object: unknown): Spec => (object as { readonly spec: Spec }).spec;

  it.each(loadCases('signing-policy').filter(({ refused }) => refused !== undefined))(
    'refuses $name too',
    ({ object, refused }) => {
      const { path = '', rule, message = '' } = refused ?? {};
      expect(problemsOf(specIn(object))).toContainEqual(
        expect.objectContaining({
          path: path.replace(/^spec\./, ''),
          message: rule ?? expect.stringContaining(message),
        }),
      );
    },
  );

  it.each(loadCases('signing-policy').filter(({ refused }) => refused === undefined))(
    'finds the shape of $name right',
    ({ object }) => {
      const reading: Reading = { from: 'spec', problems: [] };
      expect(documentForm(specIn(object), '', reading)).toBeDefined();
      expect(reading.problems).toEqual([]);
    },
  );
});

describe('a policy', () => {
  const refused: readonly (readonly [string, Spec, string, string | RegExp])[] = [
    [
      'names a destination that is not in the book',
      specOf([{ ...allow, match: { destinations: ['payrol'] } }]),
      'rules[0].match.destinations[0]',
      'no entry "payrol" in addressBook; did you mean "payroll"?',
    ],
    [
      'names an asset that is not listed',
      specOf([{ ...allow, match: { assets: ['sol'] } }]),
      'rules[0].match.assets[0]',
      'no entry "sol" in assets; did you mean "SOL"?',
    ],
    [
      'is finer than its asset',
      specOf([{ ...allow, match: { assets: ['USDC'], amount: { atMost: '0.0000001' } } }]),
      'rules[0].match.amount.atMost',
      /at most 6 decimals/,
    ],
    [
      'limits more finely than its asset',
      specOf([{ ...allow, match: { assets: ['USDC'] }, limits: [{ amount: '0.0000001', per: '1h' }] }]),
      'rules[0].limits[0].amount',
      /at most 6 decimals/,
    ],
    [
      'caps fees more finely than the chain',
      specOf([allow], { fees: [{ chain: bitcoin, atMost: '0.000000001' }] }),
      'fees[0].atMost',
      /at most 8 decimals/,
    ],
    [
      'caps fees on two networks that signatures do not tell apart',
      specOf([allow], {
        fees: [
          { chain: solana, atMost: '1' },
          { chain: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', atMost: '1' },
        ],
      }),
      'fees[1].chain',
      /a signature for one is good on both: keep one of them/,
    ],
    [
      'asks for a sum that cannot be',
      specOf([{ ...allow, match: { assets: ['SOL'], amount: { over: '2', atMost: '1' } } }]),
      'rules[0].match.amount',
      'nothing is over 2 and at most 1',
    ],
    [
      'gives SOL other decimals than it has',
      specOf([allow], { assets: [{ name: 'SOL', id: sol, decimals: 6 }] }),
      'assets[0].decimals',
      'SOL has 9, got 6',
    ],
    [
      'names one asset twice',
      specOf([allow], {
        assets: [
          { name: 'SOL', id: sol, decimals: 9 },
          { name: 'WSOL', id: sol, decimals: 9 },
        ],
      }),
      'assets[1].id',
      /same asset as assets\[0\]/,
    ],
    [
      'names one ERC-20 twice in different case',
      specOf([allow], {
        assets: [
          { name: 'A', id: 'eip155:1/erc20:0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48', decimals: 6 },
          { name: 'B', id: 'eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48', decimals: 6 },
        ],
      }),
      'assets[1].id',
      /same asset/,
    ],
    [
      'has a mint that is none',
      specOf([allow], { assets: [{ name: 'X', id: `${solana}/token:abc`, decimals: 6 }] }),
      'assets[0].id',
      /mint of 32 bytes/,
    ],
    [
      'has an asset that Solana does not',
      specOf([allow], { assets: [{ name: 'X', id: `${solana}/slip44:60`, decimals: 9 }] }),
      'assets[0].id',
      /want .*slip44:501/,
    ],
    [
      'mistypes a cluster',
      specOf([{ ...allow, match: { chains: ['solana:mainnet'] } }]),
      'rules[0].match.chains[0]',
      /first 32 characters/,
    ],
    [
      'mistypes a Bitcoin network',
      specOf([{ ...allow, match: { chains: ['bip122:mainnet'] } }]),
      'rules[0].match.chains[0]',
      /first 32 hex digits/,
    ],
    [
      'mistypes an EVM chain',
      specOf([{ ...allow, match: { chains: ['eip155:0x1'] } }]),
      'rules[0].match.chains[0]',
      /chain id/,
    ],
    [
      'names a hardened child by number',
      specOf([{ ...allow, match: { paths: ['m/*', 'm/2147483648/*'] } }]),
      'rules[0].match.paths[1]',
      /below 2147483648/,
    ],
    [
      'mistypes a Solana address',
      specOf([allow], { addressBook: [{ name: 'p', addresses: [payroll.slice(0, -2)] }] }),
      'addressBook[0].addresses[0]',
      /32 bytes/,
    ],
    [
      'has a letter in a Solana address that base58 has not',
      specOf([allow], { addressBook: [{ name: 'p', addresses: [`${payroll.slice(0, -1)}0`] }] }),
      'addressBook[0].addresses[0]',
      /base58/,
    ],
    [
      'mistypes a Bitcoin address',
      specOf([allow], {
        addressBook: [{ name: 'p', addresses: [`${bitcoin}:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5`] }],
      }),
      'addressBook[0].addresses[0]',
      /not an address of this Bitcoin network/,
    ],
    [
      'has a Bitcoin address of another network',
      specOf([allow], {
        addressBook: [{ name: 'p', addresses: [`${bitcoin}:tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx`] }],
      }),
      'addressBook[0].addresses[0]',
      /not an address of this Bitcoin network/,
    ],
    [
      'has a Bitcoin address of a kind that no payment decodes to',
      specOf([allow], { addressBook: [{ name: 'p', addresses: [`${bitcoin}:bc1pfeessrawgf`] }] }),
      'addressBook[0].addresses[0]',
      'no payment that is decoded has this address, got "bc1pfeessrawgf"',
    ],
    [
      'mistypes an EVM address',
      specOf([allow], { addressBook: [{ name: 'p', addresses: ['eip155:1:0xabc'] }] }),
      'addressBook[0].addresses[0]',
      /40 hex digits/,
    ],
    [
      'lists one account twice in different case',
      specOf([allow], {
        addressBook: [
          {
            name: 'p',
            addresses: [
              'eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb',
              'eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb',
            ],
          },
        ],
      }),
      'addressBook[0].addresses[1]',
      /same account/,
    ],
    [
      'names one entry of the book twice',
      specOf([allow], {
        addressBook: [
          { name: 'p', addresses: [payroll] },
          { name: 'p', addresses: [vendor] },
        ],
      }),
      'addressBook[1]',
      /same name/,
    ],
    [
      'has a key that is none',
      specOf([allow], { initiators: [{ name: 'api', key: 'ssh-ed25519 AAAA' }] }),
      'initiators[0].key',
      /ssh/,
    ],
    [
      'takes an RSA key',
      specOf([allow], { initiators: [{ name: 'api', key: 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB' }] }),
      'initiators[0].key',
      /Ed25519 or ECDSA/,
    ],
    [
      'takes a certificate',
      specOf([allow], { initiators: [{ name: 'api', key: 'ssh-ed25519-cert-v01@openssh.com AAAA' }] }),
      'initiators[0].key',
      /Ed25519 or ECDSA/,
    ],
    [
      'has a group of nobody it knows',
      specOf([allow], { groups: [{ name: 'finance', members: ['alice'] }] }),
      'groups[0].members[0]',
      'no entry "alice" in approvers',
    ],
    [
      'may be changed by a group that is not there',
      specOf([allow], { change: { approvals: [{ group: 'finance', atLeast: 1 }] } }),
      'change.approvals[0].group',
      'no entry "finance" in groups',
    ],
    [
      'recovers to a destination that is not there',
      specOf([allow], { recovery: { approvals: [{ group: 'g', atLeast: 1 }], destinations: ['saef'] } }),
      'recovery.destinations[0]',
      /no entry "saef"/,
    ],
  ];
  it.each(refused)('is invalid where it %s', (_what, spec, path, message) => {
    const error = invalid(() => policyDocument(spec));
    expect(error.reason).toBe('InvalidPolicy');
    expect(error.problems).toContainEqual(
      expect.objectContaining({
        path,
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      }),
    );
  });

  it('is told everything that is wrong with it at once', () => {
    const spec = specOf([{ ...allow, match: { destinations: ['nobody'], assets: ['EURC'] } }], {
      fees: [{ chain: solana, atMost: '0.0000000001' }],
    });
    expect(
      problemsOf(spec)
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(['fees[0].atMost', 'rules[0].match.assets[0]', 'rules[0].match.destinations[0]']);
    expect(
      problemsOf({ rules: 'none', initiators: [], colour: 'red' })
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(['colour', 'initiators', 'rules']);
  });

  it('takes Ed25519, P-256 and security keys of initiators', () => {
    const text =
      'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIMyKDCEUExhnPCDTFFuLtyQRFy5tMn0XbQuNY6HLQWJUAAAABHNzaDo=';
    const initiators = [
      { name: 'a', key: sshKey() },
      { name: 'b', key: `${sshKey('ec')} with a comment` },
      { name: 'c', key: text },
    ];
    const policy = policyOf([allow], { initiators });
    expect(policy.initiators.map(({ name, key }) => [name, key.algorithm])).toEqual([
      ['a', 'ssh-ed25519'],
      ['b', 'ecdsa-sha2-nistp256'],
      ['c', 'sk-ssh-ed25519@openssh.com'],
    ]);
    expect(formatSshPublicKey(policy.initiators[0]?.key as never)).toBe(initiators[0]?.key);
  });
});

describe('a key', () => {
  const key = sshKey();
  const other = sshKey();
  it.each([
    [
      'two initiators',
      {
        initiators: [
          { name: 'a', key },
          { name: 'b', key: `${key} other comment` },
        ],
      },
      'initiators[1].key',
    ],
    [
      'an initiator and an approver',
      { initiators: [{ name: 'a', key }], approvers: [{ name: 'alice', key }] },
      'approvers[0].key',
    ],
    [
      'two approvers',
      {
        initiators: [{ name: 'a', key }],
        approvers: [
          { name: 'alice', key: other },
          { name: 'bob', keys: [sshKey(), other] },
        ],
      },
      'approvers[1].keys[1]',
    ],
    [
      'one approver twice',
      { initiators: [{ name: 'a', key }], approvers: [{ name: 'alice', keys: [other, `${other} again`] }] },
      'approvers[0].keys[1]',
    ],
  ])('may not stand for %s', (_what, change, path) => {
    expect(problemsOf(specOf([allow], change))).toEqual([
      { path, message: expect.stringContaining('a key may stand for one name only') },
    ]);
  });

  it('that cannot show user verification cannot be required to', () => {
    expect(problemsOf(specOf([allow], { approvers: [{ name: 'alice', key, userVerification: 'Required' }] }))).toEqual([
      { path: 'approvers[0].key', message: expect.stringContaining('want an sk- key') },
    ]);
  });
});

describe('what this version does not have', () => {
  const finance = {
    approvers: [
      { name: 'alice', key: sshKey() },
      { name: 'bob', key: sshKey() },
    ],
    groups: [{ name: 'finance', members: ['alice', 'bob'] }],
  };
  const approvals = [{ group: 'finance', atLeast: 2 }];

  it.each([
    [
      'approvals',
      specOf([{ ...allow, approvals }], finance),
      'rules[0].approvals',
      /rule "a": approvals are not in this version/,
    ],
    [
      'a time lock',
      specOf([{ ...allow, timeLock: '24h' }]),
      'rules[0].timeLock',
      /rule "a": time locks are not in this version/,
    ],
    [
      'a sum in USD',
      specOf([{ ...allow, match: { usd: { over: '5' } } }]),
      'rules[0].match.usd',
      /rule "a": valuation in USD/,
    ],
    [
      'a sum in USD of a Deny',
      specOf([{ ...allow, verdict: 'Deny', match: { usd: { over: '5' } } }]),
      'rules[0].match.usd',
      /rule "a": valuation in USD/,
    ],
    [
      'fees on a chain whose asset it does not know',
      specOf([allow], { fees: [{ chain: 'cosmos:hub-4', atMost: '1' }] }),
      'fees[0].chain',
      /does not know/,
    ],
    [
      'lookup tables',
      specOf([allow], { lookupTables: [{ address: payroll, accounts: [mint] }] }),
      'lookupTables',
      /address lookup tables are not in this version/,
    ],
  ])('is refused by name: %s', (_what, spec, path, message) => {
    const error = invalid(() => policyDocument(spec));
    expect(error.problems).toEqual([{ path, message: expect.stringMatching(message), unsupported: true }]);
    expect(error.reason).toBe('FeatureUnsupported');
  });

  it('is not the reason where something else is wrong too', () => {
    expect(
      invalid(() => policyDocument(specOf([{ ...allow, timeLock: '24h', match: { assets: ['EURC'] } }]))).reason,
    ).toBe('InvalidPolicy');
  });

  it('may be declared where it only narrows or describes, and is checked and pinned', () => {
    const change = {
      ...finance,
      assets: [{ name: 'SOL', id: sol, decimals: 9, price: { fixed: '150' } }],
      change: { approvals, timeLock: '24h' },
      recovery: { approvals, timeLock: '72h', destinations: ['payroll'] },
    };
    expect(policyDocument(specOf([allow], change))).toMatchObject({
      change: { approvals: [{ group: 'finance', atLeast: '2' }], timeLock: '86400' },
    });
    expect(
      problemsOf(specOf([allow], { ...change, change: { approvals: [{ group: 'finance', atLeast: 3 }] } })),
    ).toEqual([{ path: 'change.approvals[0].atLeast', message: 'group finance has 2 members, got 3' }]);
  });
});

it('prints the first problems and how many more there are', () => {
  const rules = Array.from({ length: 9 }, (_, i) => ({ ...allow, name: `r${i}`, match: { assets: ['EURC'] } }));
  expect(invalid(() => policyDocument(specOf(rules))).message).toMatch(
    /^policy: rules\[0\]\.match\.assets\[0\]: no entry "EURC" in assets; .*; and 4 more$/,
  );
});
