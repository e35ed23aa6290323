import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalize, parseCanonical } from '../statement/canonical.ts';
import type { Json } from '../statement/canonical.ts';
import { parsePolicy, policyDocument } from './document.ts';
import { PolicyInvalid } from './policy-invalid.ts';
import { bitcoin, btc, sol, solana, specOf, sshKey, usdc } from './testing/policies.ts';

type Spec = Readonly<Record<string, unknown>>;

/** A spec that uses everything there is, valid. */
const full = specOf(
  [
    { name: 'never', verdict: 'Deny', match: { destinations: ['sanctioned'], kinds: ['Transfer', 'Approve'] } },
    { name: 'big', verdict: 'Deny', match: { assets: ['USDC'], amount: { over: '1000', per: '24h' } } },
    {
      name: 'pay',
      verdict: 'Allow',
      match: {
        chains: [solana, bitcoin],
        paths: ['m', 'm/0/*'],
        assets: ['SOL'],
        destinations: ['payroll', 'vendor'],
        amount: { over: '0.1', atMost: '2' },
      },
      limits: [
        { amount: '5', per: '744h', scope: 'Path' },
        { count: 3, per: '1h' },
      ],
    },
  ],
  {
    approvers: [{ name: 'alice', keys: [sshKey(), sshKey('ec')], userVerification: 'NotRequired' }],
    groups: [{ name: 'g', members: ['alice'] }],
    fees: [
      { chain: solana, atMost: '0.01' },
      { chain: bitcoin, atMost: '0.0005' },
      { chain: 'eip155:1', atMost: '0.02' },
    ],
    change: { approvals: [{ group: 'g', atLeast: 1 }] },
    recovery: { approvals: [{ group: 'g', atLeast: 1 }], timeLock: '1s', destinations: ['vendor'] },
  },
);

describe('any change of a document', () => {
  const document = policyDocument(full);

  /** Every place in a value. */
  const places = (value: Json, at: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] => [
    at,
    ...(Array.isArray(value)
      ? value.flatMap((item: Json, i) => places(item, [...at, i]))
      : typeof value === 'object'
        ? Object.entries(value).flatMap(([name, member]) => places(member, [...at, name]))
        : []),
  ];
  const replace = (value: unknown, [step, ...rest]: readonly (string | number)[], by: unknown): unknown => {
    if (step === undefined) return by;
    if (Array.isArray(value)) return value.map((item: unknown, i) => (i === step ? replace(item, rest, by) : item));
    return { ...(value as Spec), [step]: replace((value as Spec)[step], rest, by) };
  };
  const hostile = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      true,
      0,
      -1,
      1.5,
      Number.NaN,
      '',
      '0',
      '-1',
      '1e9',
      'a'.repeat(3000),
      [],
      {},
      [[]],
      { __proto__: null, name: 'x' },
      '9'.repeat(60),
      'constructor',
      '__proto__',
      '\u{202E}',
      '\uD800',
    ),
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(
      ...places(document).map((place) => place.reduce<unknown>((v, step) => (v as Spec)[step], document)),
    ),
  );

  it('is a policy or refused with its problems, and never anything else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...places(document)), hostile, (place, by) => {
        const changed = replace(document, place, by);
        try {
          parsePolicy(changed);
          // What is taken is in normal form: another reader has the same bytes.
          expect(parseCanonical(canonicalize(changed as Json))).toEqual(changed);
        } catch (error) {
          if (!(error instanceof PolicyInvalid)) throw error;
          expect(error.problems.length).toBeGreaterThan(0);
          for (const { path, message } of error.problems) expect(`${path}: ${message}`).toMatch(/^[^\n]{3,500}$/u);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('that adds a member anywhere is refused', () => {
    for (const place of places(document)) {
      const value = place.reduce<unknown>((v, step) => (v as Spec)[step], document);
      if (typeof value !== 'object' || Array.isArray(value)) continue;
      expect(() => parsePolicy(replace(document, place, { ...value, colour: 'red' })), place.join('.')).toThrow(
        /colour/,
      );
    }
  });

  it('is not needed: what policyDocument gives, parsePolicy takes', () => {
    const policy = parsePolicy(parseCanonical(canonicalize(document)));
    expect(policy.rules.map(({ name, verdict, limits }) => [name, verdict, limits.length])).toEqual([
      ['never', 'Deny', 0],
      ['big', 'Deny', 0],
      ['pay', 'Allow', 2],
    ]);
    expect(policy.rules[2]?.match.amount).toMatchObject({ over: 100_000_000n, atMost: 2_000_000_000n });
    expect(policy.fees.get(bitcoin)).toMatchObject({ atMost: 50_000n, asset: { id: btc } });
    expect([...policy.assets.keys()]).toEqual([sol, usdc, btc]);
  });
});
