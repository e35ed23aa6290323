import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Decision } from './decision.ts';
import type { Effect } from './effect.ts';
import { limitUse } from './limits.ts';
import { PathPatterns } from './path-patterns.ts';
import type { Policy } from './policy.ts';
import { SpendWindows } from './spend-windows.ts';
import { SOL, allow, ask, holding, never, table } from './testing/evaluation.ts';
import { address, bare, policyOf, sanctioned, sol, transfer, vendor } from './testing/policies.ts';
import { limitInWords } from './why.ts';

const at = (path: string): { readonly path: string } => ({ path });
const customers = allow({ paths: ['m/0/*'] });

describe('patterns of paths', () => {
  it('are compared number by number, with * for any one', () => {
    const number = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 2 ** 31 - 1 })).map(String);
    const path = fc.array(number, { maxLength: 4 });
    const pattern = fc.array(fc.oneof(fc.constant('*'), number), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), path, fc.boolean(), (patterns, some, from) => {
        // Half of the paths are made of a pattern, or hardly any would match.
        const numbers = from ? (patterns[0] ?? []).map((each, i) => (each === '*' ? (some[i] ?? '7') : each)) : some;
        const expected = patterns.some(
          (each) => each.length === numbers.length && each.every((want, i) => want === '*' || want === numbers[i]),
        );
        const written = new PathPatterns(patterns.map((each) => ['m', ...each].join('/')));
        expect(written.has(['m', ...numbers].join('/'))).toBe(expected);
      }),
    );
  });
});

describe('rules by path', () => {
  table([
    ['are about the paths they name', [customers], [transfer(1n, at('m/0/7'))], 'allowed by allow'],
    ['not about deeper ones', [customers], [transfer(1n, at('m/0/7/1'))], 'PolicyDenied'],
    ['nor about others', [customers], [transfer(1n, at('m/1/7'))], 'PolicyDenied'],
    ['nor about the key itself', [customers], [transfer(1n)], 'PolicyDenied'],
    ['name the key itself with m', [allow({ paths: ['m'] })], [transfer(1n)], 'allowed by allow'],
    ['which is no child', [allow({ paths: ['m'] })], [transfer(1n, at('m/0'))], 'PolicyDenied'],
    ['are about any path where they name none', [allow({})], [transfer(1n, at('m/9/9'))], 'allowed by allow'],
    [
      'deny as they allow',
      [never({ paths: ['m/0/13'] }), customers],
      [transfer(1n, at('m/0/13'))],
      'PolicyDenied by never',
    ],
    [
      'say nothing of another path',
      [never({ paths: ['m/0/13'] }), customers],
      [transfer(1n, at('m/0/1'))],
      'allowed by allow',
    ],
    [
      'know a path where nothing else is known',
      [never({ paths: ['m/0/13'], destinations: ['sanctioned'] }), allow({ kinds: ['Call'] })],
      [bare('Call', at('m/0/1'))],
      'allowed by allow',
    ],
    [
      'deny what is not understood at their paths',
      [never({ paths: ['m/0/1'] }), allow({ kinds: ['Call'] })],
      [bare('Call', at('m/0/1'))],
      'PolicyDenied by never',
    ],
    [
      'count in their limits what is at their paths',
      [
        { ...allow({ assets: ['SOL'], paths: ['m/1'] }), name: 'other' },
        allow({ assets: ['SOL'], paths: ['m/0/*'] }, { limits: [{ amount: '2', per: '24h' }] }),
      ],
      [transfer(SOL, at('m/0/1')), transfer(2n * SOL, at('m/1'))],
      'allowed by other,allow',
      { ledger: holding({ [sol]: SOL }) },
    ],
  ]);

  it('say which path they wanted, and of which child an effect is', () => {
    const policy = policyOf([allow({ paths: ['m/0/*', 'm/7'], destinations: ['vendor'] })]);
    const [asked, allowed] = [transfer(SOL, { destination: vendor, path: 'm/1/2' }), bare('Digest', at('m/3'))];
    expect(ask(policy, [asked]).message).toBe(
      `m/1/2: 1 SOL to vendor (${address(2)}): no rule allows it; nearest is allow: it is about m/0/*, m/7, not m/1/2`,
    );
    expect(ask(policyOf([allow({ kinds: ['Digest'] })]), [allowed]).message).toBe('m/3: is a Digest');
    expect(ask(policy, [transfer(SOL, { destination: sanctioned })]).message).toMatch(/not m$/);
  });
});

describe('limits of a path', () => {
  const rules = (...limits: readonly object[]): object[] => [
    allow({ assets: ['SOL'], paths: ['m', 'm/0/*'] }, { limits }),
  ];
  const each = { amount: '2', per: '24h', scope: 'Path' };
  /** Whether each of these payments is allowed, one a second. */
  const pay = (policy: Policy, payments: readonly Effect[]): readonly boolean[] => {
    const windows = new SpendWindows(policy);
    return payments.map((effect, i) => {
      const decision = ask(policy, [effect], { ledger: windows.view(i, { pending: true }), nowSeconds: i });
      if (decision.verdict === 'Allow') windows.add(String(i), i, [effect]);
      return decision.verdict === 'Allow';
    });
  };

  it('hold for each path by itself, the key itself as one of them', () => {
    const policy = policyOf(rules(each));
    const [one, two, itself] = [transfer(SOL, at('m/0/1')), transfer(2n * SOL, at('m/0/2')), transfer(2n * SOL)];
    expect(pay(policy, [one, one, one, two, two, itself, itself])).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  it('count requests of each path', () => {
    const policy = policyOf(rules({ count: 1, per: '24h', scope: 'Path' }));
    const [one, two] = [transfer(SOL, at('m/0/1')), transfer(SOL, at('m/0/2'))];
    expect(pay(policy, [one, one, two, two])).toEqual([true, false, true, false]);
  });

  it('are of the wallet where they do not say of what, so that another path makes no room', () => {
    for (const limit of [
      { amount: '2', per: '24h' },
      { amount: '2', per: '24h', scope: 'Wallet' },
    ])
      expect(pay(policyOf(rules(limit)), [transfer(2n * SOL, at('m/0/1')), transfer(1n, at('m/0/2'))])).toEqual([
        true,
        false,
      ]);
  });

  it('say whose room is used up, and when there is some', () => {
    const policy = policyOf(rules(each));
    const windows = new SpendWindows(policy);
    windows.add('a', 1_000_000, [transfer(SOL, at('m/0/1'))]);
    windows.add('b', 1_003_600, [transfer(SOL, at('m/0/1'))]);
    windows.add('c', 1_000_000, [transfer(SOL, at('m/0/2'))]);
    const nowSeconds = 1_007_200;
    const ledger = windows.view(nowSeconds, { pending: true });
    expect(ask(policy, [transfer(2n * SOL, at('m/0/1'))], { ledger, nowSeconds })).toMatchObject({
      reason: 'LimitExceeded',
      message:
        'rule allow allows 2 SOL in 24h for each path: 2 SOL used at m/0/1, 2 SOL asked; there is room in about 23h',
    });
    expect(limitUse(policy, windows.use(nowSeconds)).map(({ limit, ratio }) => [limitInWords(limit), ratio])).toEqual([
      ['2 SOL in 24h for each path', 1],
    ]);
  });

  it('deny what an amount is not known of, for this path alone', () => {
    const policy = policyOf([
      allow({ assets: ['SOL'] }, { limits: [each] }),
      { ...allow({ kinds: ['Approve'] }), name: 'approve' },
    ]);
    const { amount: _, ...some } = transfer(1n, { kind: 'Approve', ...at('m/0/1') });
    expect(pay(policy, [some, transfer(1n, at('m/0/1')), transfer(1n, at('m/0/2'))])).toEqual([true, false, true]);
  });

  it('deny once more requests than fit in memory are told apart', () => {
    const policy = policyOf(rules(each, { count: 9, per: '1h', scope: 'Path' }));
    const after = (requests: number): Decision =>
      ask(policy, [transfer(1n, at('m/0/1'))], { ledger: { spent: () => ({ amounts: new Map(), requests }) } });
    expect(after(124_999).verdict).toBe('Allow');
    expect(after(125_000)).toMatchObject({
      reason: 'LimitExceeded',
      message:
        'rule allow allows 2 SOL in 24h for each path, and its window holds as many requests as can be told apart by path',
    });
  });

  const payments = fc.array(
    fc
      .record({
        amount: fc.bigInt({ min: 1n, max: 2_500_000_000n }),
        path: fc.constantFrom('m', 'm/0/1', 'm/0/2', 'm/0/3'),
      })
      .map(({ amount, path }) => transfer(amount, path === 'm' ? {} : { path })),
    { maxLength: 30 },
  );

  it('are never exceeded, and never stand in the way of another path', () => {
    const policy = policyOf(rules(each));
    fc.assert(
      fc.property(payments, (list) => {
        const used = new Map<string, bigint>();
        const expected = list.map(({ path = 'm', amount = 0n }) => {
          const sum = (used.get(path) ?? 0n) + amount;
          if (sum > 2n * SOL) return false;
          used.set(path, sum);
          return true;
        });
        expect(pay(policy, list)).toEqual(expected);
      }),
    );
  });

  it('beside one of the wallet: splitting a payment over paths gains nothing', () => {
    const policy = policyOf(rules(each, { amount: '3', per: '24h' }));
    const wallet = policyOf(rules({ amount: '3', per: '24h' }));
    fc.assert(
      fc.property(payments, (list) => {
        const paid = pay(policy, list);
        expect(list.reduce((sum, { amount = 0n }, i) => (paid[i] ? sum + amount : sum), 0n)).toBeLessThanOrEqual(
          3n * SOL,
        );
        // Which paths they are of makes no difference to the wallet's limit.
        expect(pay(wallet, list)).toEqual(
          pay(
            wallet,
            list.map(({ amount = 0n }) => transfer(amount)),
          ),
        );
      }),
    );
  });
});
