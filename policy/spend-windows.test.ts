import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyRule } from './decision.ts';
import type { Spent, Window } from './decision.ts';
import type { Effect } from './effect.ts';
import { SpendWindows } from './spend-windows.ts';
import { sumOf } from './request-sums.ts';
import { policyOf, sol, transfer, usdc, vendor } from './testing/policies.ts';

const hour = 3600;
const day = 24 * hour;
const month = 31 * day;

/** Rule 0 is about SOL to payroll, rule 1 about anything to vendor, any rule about SOL within a day, rule 3 about SOL of each child. */
const policy = policyOf([
  {
    name: 'payroll',
    verdict: 'Allow',
    match: { assets: ['SOL'], destinations: ['payroll'] },
    limits: [
      { amount: '5', per: '1h' },
      { count: 9, per: '744h' },
    ],
  },
  { name: 'vendor', verdict: 'Allow', match: { destinations: ['vendor'] }, limits: [{ count: 3, per: '1h' }] },
  { name: 'big', verdict: 'Deny', match: { assets: ['SOL'], amount: { over: '9', per: '24h' } } },
  {
    name: 'children',
    verdict: 'Allow',
    match: { assets: ['SOL'], paths: ['m/0/*'] },
    limits: [
      { amount: '5', per: '1h', scope: 'Path' },
      { count: 9, per: '744h', scope: 'Path' },
      { count: 9, per: '1h' },
    ],
  },
]);
const [byAmount, byCount] = policy.rules[3]?.limits ?? [];
if (byAmount === undefined || byCount === undefined) throw new Error('rule 3 has limits');

const looked: readonly (readonly [rule: number, window: Window])[] = [
  [0, hour],
  [0, month],
  [1, hour],
  [anyRule, day],
  [3, hour],
  [3, byAmount],
  [3, byCount],
];

const toVendor = (amount: bigint): Effect => transfer(amount, { destination: vendor });
const paths = ['m/0/1', 'm/0/2', 'm/1/1'];
function about(rule: number, { path, destination, asset, change }: Effect): boolean {
  if (change) return false;
  if (rule === 0) return destination !== vendor && asset === sol;
  if (rule === 1) return destination === vendor;
  return rule === anyRule || (asset === sol && path !== undefined && path.startsWith('m/0/'));
}

const plain = ({ amounts, requests }: Spent): { amounts: Record<string, bigint>; requests: number } => ({
  amounts: Object.fromEntries(
    [sol, usdc, 'm', ...paths].map((key) => [key, amounts.get(key) ?? 0n] as const).filter(([, n]) => n !== 0n),
  ),
  requests,
});

describe('windows', () => {
  it('count what a rule is about, once a request, until it leaves', () => {
    const windows = new SpendWindows(policy);
    windows.add('a', 1000, [transfer(5n), transfer(6n), toVendor(7n), transfer(9n, { change: true })]);
    windows.settle('a');
    const spent = (rule: number, seconds: number, now: number): unknown =>
      plain(windows.view(now, { pending: true }).spent(rule, seconds));
    expect(spent(0, hour, 1000)).toEqual({ amounts: { [sol]: 11n }, requests: 1 });
    expect(spent(1, hour, 1000)).toEqual({ amounts: { [sol]: 7n }, requests: 1 });
    expect(spent(anyRule, day, 1000)).toEqual({ amounts: { [sol]: 18n }, requests: 1 });
    expect(spent(0, hour, 1000 + hour - 1)).toEqual({ amounts: { [sol]: 11n }, requests: 1 });
    expect(spent(0, hour, 1000 + hour)).toEqual({ amounts: {}, requests: 0 });
    expect(spent(0, month, 1000 + hour)).toEqual({ amounts: { [sol]: 11n }, requests: 1 });
  });

  it('count what is pending apart until it is settled, and not what was removed', () => {
    const windows = new SpendWindows(policy);
    windows.add('a', 1000, [transfer(5n)]);
    windows.add('b', 1000, [transfer(7n)]);
    const amount = (pending: boolean): bigint => windows.view(1000, { pending }).spent(0, hour).amounts.get(sol) ?? 0n;
    expect([amount(true), amount(false)]).toEqual([12n, 0n]);
    windows.settle('a');
    expect([amount(true), amount(false)]).toEqual([12n, 5n]);
    windows.remove('b');
    expect([amount(true), amount(false)]).toEqual([5n, 5n]);
    windows.remove('a');
    windows.settle('unknown');
    expect([amount(true), amount(false)]).toEqual([5n, 5n]);
  });

  it('count a request once however often it is added', () => {
    const windows = new SpendWindows(policy);
    windows.add('a', 1000, [transfer(5n)]);
    windows.add('a', 1001, [transfer(5n)]);
    expect(plain(windows.view(1001, { pending: true }).spent(0, hour))).toEqual({
      amounts: { [sol]: 5n },
      requests: 1,
    });
  });

  it('do not reopen when the clock steps back', () => {
    const windows = new SpendWindows(policy);
    windows.add('a', 1000, [transfer(5n)]);
    windows.view(1000 + hour, { pending: true }).spent(0, hour);
    windows.add('b', 1000, [transfer(7n)]);
    expect(windows.view(1000, { pending: true }).spent(0, hour).requests).toBe(0);
    windows.settle('a');
    windows.settle('b');
    expect(windows.view(1000, { pending: true }).spent(0, hour).requests).toBe(0);
    expect(windows.view(1000, { pending: true }).spent(0, month).requests).toBe(2);
  });

  it('say when their parts leave, the first first', () => {
    const windows = new SpendWindows(policy);
    windows.add('a', 2000, [transfer(5n)]);
    windows.add('b', 1000, [transfer(7n)]);
    const leaving = windows.view(2000, { pending: true }).leaving?.(0, hour) ?? [];
    expect(leaving.map(({ at, requests }) => [at, requests])).toEqual([
      [1000 + hour, 1],
      [2000 + hour, 1],
    ]);
    for (const { at } of leaving) {
      const before = windows.view(at - 1, { pending: true }).spent(0, hour).requests;
      expect(windows.view(at, { pending: true }).spent(0, hour).requests).toBe(before - 1);
    }
  });

  it('refuse to answer for a window that no rule looks at', () => {
    const view = new SpendWindows(policy).view(0, { pending: true });
    expect(() => view.spent(0, 7)).toThrow('no rule 0 looks at a window of 7 s');
    expect(() => view.spent(0, byAmount)).toThrow('no rule 0 looks at this limit by path');
  });
});

/** The same by looking through everything each time. A spend leaves a window at the end of its slot. */
class Model {
  readonly entries = new Map<string, { readonly at: number; readonly effects: readonly Effect[]; settled: boolean }>();

  spent(
    now: number,
    pending: boolean,
    rule: number,
    window: Window,
  ): Spent & { readonly amounts: Map<string, bigint> } {
    const seconds = typeof window === 'number' ? window : window.seconds;
    const slot = Math.ceil(seconds / 4096);
    const amounts = new Map<string, bigint>();
    let requests = 0;
    for (const { at, effects, settled } of this.entries.values()) {
      const lastSecond = Math.floor(at / slot) * slot + slot - 1;
      const counted = effects.filter((effect) => about(rule, effect));
      if (now - lastSecond >= seconds || counted.length === 0 || (!settled && !pending)) continue;
      requests++;
      const add = (key: string, n: bigint): void => void amounts.set(key, (amounts.get(key) ?? 0n) + n);
      if (window === byCount) for (const path of new Set(counted.map((effect) => effect.path ?? 'm'))) add(path, 1n);
      else
        for (const { asset = '', path = 'm', amount = 0n } of counted) add(window === byAmount ? path : asset, amount);
    }
    return { amounts, requests };
  }
}

const effects = fc.array(
  fc
    .record({
      amount: fc.bigInt({ min: 0n, max: 100n }),
      asset: fc.constantFrom(sol, usdc),
      vendor: fc.boolean(),
      change: fc.boolean(),
      path: fc.option(fc.constantFrom(...paths)),
    })
    .map(({ amount, asset, vendor, change, path }) => ({
      ...(vendor ? toVendor(amount) : transfer(amount)),
      asset,
      ...(path !== null && { path }),
      ...(change && { change: true as const }),
    })),
  { maxLength: 4 },
);

type Step =
  | { readonly do: 'add'; readonly digest: string; readonly age: number; readonly effects: readonly Effect[] }
  | { readonly do: 'settle' | 'remove' | 'move'; readonly digest: string; readonly age: number }
  | { readonly do: 'wait'; readonly seconds: number };

const digest = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
const age = fc.oneof(fc.constant(0), fc.integer({ min: -90, max: 2 * month }), fc.integer({ min: 0, max: hour }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), digest, age, effects }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'remove' as const, 'move' as const), digest, age }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      seconds: fc.oneof(fc.integer({ min: 0, max: 2 * hour }), fc.integer({ min: 0, max: 2 * month })),
    }),
  },
);

it('agree with a model that looks through everything, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, lookEachTime) => {
      const windows = new SpendWindows(policy);
      const model = new Model();
      let now = 1_700_000_000;
      const compare = (): void => {
        for (const pending of [true, false])
          for (const [rule, seconds] of looked)
            expect(plain(windows.view(now, { pending }).spent(rule, seconds))).toEqual(
              plain(model.spent(now, pending, rule, seconds)),
            );
        for (const limit of [byAmount, byCount]) {
          const amounts = [...model.spent(now, true, 3, limit).amounts.values()];
          expect(windows.use(now).fullest(3, limit)).toBe(amounts.reduce((a, b) => (a > b ? a : b), 0n));
        }
      };
      for (const s of steps) {
        if (s.do === 'wait') now += s.seconds;
        else {
          const entry = model.entries.get(s.digest);
          const at = now - s.age;
          if (s.do === 'add' && entry === undefined) {
            windows.add(s.digest, at, s.effects);
            model.entries.set(s.digest, { at, effects: s.effects, settled: false });
          } else if (s.do === 'settle' && entry !== undefined) {
            windows.settle(s.digest);
            entry.settled = true;
          } else if (s.do === 'remove' && entry !== undefined && !entry.settled) {
            windows.remove(s.digest);
            model.entries.delete(s.digest);
          } else if (s.do === 'move' && entry?.settled) {
            windows.forget(entry.at, entry.effects);
            windows.add(s.digest, at, entry.effects);
            windows.settle(s.digest);
            model.entries.set(s.digest, { ...entry, at });
          }
        }
        if (lookEachTime) compare();
      }
      compare();
    }),
    { numRuns: 300 },
  );
});

it('remember no more parts than a window has slots, however many requests there were', () => {
  const windows = new SpendWindows(policy);
  let parts = 0;
  for (let i = 0; i < 10_000; i++) {
    const now = 1_700_000_000 + i * 300;
    windows.add(`r${i}`, now, [transfer(1n)]);
    windows.settle(`r${i}`);
    if (i % 1000 === 999) parts = Math.max(parts, windows.view(now, { pending: true }).leaving?.(0, month).length ?? 0);
  }
  expect(parts).toBeGreaterThan(4000);
  expect(parts).toBeLessThanOrEqual(4097);
});

describe('windows of a path', () => {
  const at = (path: string): { readonly path: string } => ({ path });

  it('are apart from one another and from what the rule is not about', () => {
    const windows = new SpendWindows(policy);
    windows.add('a', 1000, [transfer(5n, at('m/0/1')), transfer(6n, at('m/0/1'))]);
    windows.add('b', 1001, [transfer(7n, at('m/0/2')), transfer(8n, at('m/1/1')), transfer(9n)]);
    const view = windows.view(1001, { pending: true });
    expect(plain(view.spent(3, byAmount))).toEqual({ amounts: { 'm/0/1': 11n, 'm/0/2': 7n }, requests: 2 });
    expect(plain(view.spent(3, byCount))).toEqual({ amounts: { 'm/0/1': 1n, 'm/0/2': 1n }, requests: 2 });
    expect(plain(view.spent(3, hour))).toEqual({ amounts: { [sol]: 18n }, requests: 2 });
  });

  it('do not know how much is used where an amount is not known, of this path alone', () => {
    const windows = new SpendWindows(policy);
    const { amount: _, ...some } = transfer(1n, at('m/0/1'));
    windows.add('a', 1000, [some]);
    windows.add('b', 1000, [transfer(7n, at('m/0/2'))]);
    const view = windows.view(1000, { pending: true });
    expect(['m/0/1', 'm/0/2'].map((path) => sumOf(view.spent(3, byAmount).amounts, path))).toEqual([
      { sum: 0n, exact: false },
      { sum: 7n, exact: true },
    ]);
    expect(windows.use(1000).fullest(3, byAmount)).toBeUndefined();
    windows.remove('a');
    expect(windows.use(1000).fullest(3, byAmount)).toBe(7n);
  });

  it('are there while something is in them: a path that was used once is forgotten', () => {
    const windows = new SpendWindows(policy);
    const held = (now: number): number => windows.view(now, { pending: true }).leaving?.(3, byCount).length ?? 0;
    for (let i = 0; i < 2000; i++) {
      windows.add(`r${i}`, 1_700_000_000 + i * 1000, [transfer(1n, at(`m/0/${i}`))]);
      windows.settle(`r${i}`);
    }
    expect(held(1_700_000_000 + 2000 * 1000)).toBe(2000);
    expect(held(1_700_000_000 + 1000 * 1000 + month)).toBe(1000);
    expect(held(1_700_000_000 + 2001 * 1000 + month)).toBe(0);
    expect(windows.use(0).fullest(3, byCount)).toBe(0n);
  });
});
