import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyLedger } from './decision.ts';
import type { Decision, LedgerView } from './decision.ts';
import type { Policy } from './document.ts';
import { effectKinds } from './effect.ts';
import type { Effect, Fee } from './effect.ts';
import { evaluate } from './evaluate.ts';
import { SpendWindows } from './spend-windows.ts';
import {
  bitcoin,
  btc,
  payroll,
  policyOf,
  sanctioned,
  sol,
  solana,
  stranger,
  transfer,
  usdc,
  vendor,
} from './testing/policies.ts';

const ask = (
  policy: Policy,
  effects: readonly Effect[],
  ledger: LedgerView = emptyLedger,
  nowSeconds = 0,
  fees: readonly Fee[] = [],
): Decision => evaluate({ policy, effects, fees, ledger, nowSeconds, initiator: 'payments-api', key: 'solana' });

const some = <T>(...items: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...items], { minLength: 1 });
const units = fc.integer({ min: 0, max: 40 }).map((n) => String(n / 10));

const match = fc
  .record(
    {
      chains: some(solana, bitcoin),
      paths: some('m', 'm/0/*', 'm/1/1'),
      assets: some('SOL', 'USDC', 'BTC'),
      destinations: some('payroll', 'vendor', 'sanctioned'),
      kinds: some(...effectKinds),
      amount: fc.record({ atMost: units, over: units, per: fc.constantFrom('1h', '24h') }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  )
  .map(({ amount, ...match }) => {
    const bounds = amount ?? {};
    const empty = bounds.over === undefined && bounds.atMost === undefined;
    const never =
      bounds.over !== undefined && bounds.atMost !== undefined && Number(bounds.over) >= Number(bounds.atMost);
    if (empty || never) return match;
    return { ...match, assets: [match.assets?.[0] ?? 'SOL'], amount: bounds };
  });

const denyRule = match.map((match) => ({ verdict: 'Deny', match }));
const allowRule = fc
  .record({
    match,
    limits: fc.array(
      fc.record({
        amount: units,
        count: fc.integer({ min: 1, max: 3 }),
        per: fc.constantFrom('1h', '24h'),
        scope: fc.constantFrom('Wallet', 'Path'),
      }),
      { maxLength: 2 },
    ),
  })
  .map(({ match, limits }) => ({
    verdict: 'Allow',
    match,
    ...(limits.length > 0 && {
      limits: limits.map(({ amount, count, per, scope }, i) =>
        match.assets?.length === 1 && i === 0 ? { amount, per, scope } : { count, per, scope },
      ),
    }),
  }));
type RuleSpec = { readonly verdict: string; readonly match: object };
const rules: fc.Arbitrary<RuleSpec[]> = fc.array(
  fc.oneof({ weight: 3, arbitrary: allowRule }, { weight: 1, arbitrary: denyRule }),
  { minLength: 1, maxLength: 5 },
);
const named = (list: readonly RuleSpec[]): object[] => list.map((rule, i) => ({ name: `r${i}`, ...rule }));
const policies = rules.map((list) => policyOf(named(list)));

const known: fc.Arbitrary<Effect> = fc
  .record({
    kind: fc.oneof(
      { weight: 4, arbitrary: fc.constant('Transfer' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...effectKinds) },
    ),
    chain: fc.constantFrom(solana, solana, bitcoin, ''),
    asset: fc.constantFrom(sol, sol, usdc, btc),
    amount: fc.integer({ min: 0, max: 40 }).map((n) => BigInt(n) * 100_000_000n),
    destination: fc.constantFrom(payroll, payroll, vendor, sanctioned, stranger),
    path: fc.option(fc.constantFrom('m/0/1', 'm/1/1'), { freq: 2 }),
  })
  .map(({ path, ...effect }) => ({ ...effect, ...(path !== null && { path }), text: 'does something' }));
const effect: fc.Arbitrary<Effect> = fc
  .tuple(known, fc.subarray(['asset', 'amount', 'destination', 'change', 'change', 'change'] as const))
  .map(([effect, less]) => {
    const changed: Record<string, unknown> = { ...effect };
    for (const member of less.slice(0, 2))
      if (member === 'change') changed['change'] = true;
      else delete changed[member];
    return changed as Effect;
  });
const effects = fc.array(fc.oneof({ weight: 3, arbitrary: known }, { weight: 1, arbitrary: effect }), {
  minLength: 1,
  maxLength: 5,
});

const ledgers: fc.Arbitrary<LedgerView> = fc
  .record({
    sol: fc.integer({ min: 0, max: 40 }),
    usdc: fc.integer({ min: 0, max: 40 }),
    requests: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ sol: s, usdc: u, requests }) => ({
    spent: () => ({
      amounts: new Map([
        [sol, BigInt(s) * 100_000_000n],
        [usdc, BigInt(u) * 100_000n],
        ['m', BigInt(s)],
        ['m/0/1', BigInt(u)],
      ]),
      requests,
    }),
  }));

describe('whatever the policy', () => {
  it('the order of effects changes neither verdict nor reason', () => {
    fc.assert(
      fc.property(policies, effects, ledgers, fc.infiniteStream(fc.nat()), (policy, list, ledger, random) => {
        const shuffled = list
          .map((item) => ({ item, by: random.next().value }))
          .toSorted((a, b) => a.by - b.by)
          .map(({ item }) => item);
        const { verdict, reason } = ask(policy, list, ledger);
        expect(ask(policy, shuffled, ledger)).toMatchObject({ verdict, reason });
      }),
    );
  });

  it('one more Deny rule, wherever it stands, allows nothing more', () => {
    fc.assert(
      fc.property(rules, denyRule, fc.nat(5), effects, ledgers, (list, deny, at, asked, ledger) => {
        // Numbers of rules shift, so that a ledger that answers by number would be another one.
        const more = policyOf(named(list.toSpliced(at, 0, deny)));
        if (ask(more, asked, ledger).verdict === 'Allow')
          expect(ask(policyOf(named(list)), asked, ledger).verdict).toBe('Allow');
      }),
    );
  });

  it('what is not known never allows: whatever it turns out to be would be allowed as well', () => {
    fc.assert(
      fc.property(
        policies,
        fc.array(known, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('asset', 'amount', 'destination'),
        ledgers,
        fc.nat(2),
        (policy, list, member, ledger, at) => {
          const index = at % list.length;
          const hidden = list.map((item, i) => {
            if (i !== index) return item;
            const { [member]: _, ...rest } = item;
            return rest;
          });
          // A kind that is not understood moves what nobody knows; one that names it accepts that.
          fc.pre(list[index]?.kind === 'Transfer' || list[index]?.kind === 'Approve');
          // Decoders give destination and asset on the effect's own chain: a name without an address there, and an asset
          // of another chain, are not meant.
          const chain = list[index]?.chain ?? '';
          fc.pre(chain === '' || list[index]?.destination?.startsWith(`${chain}:`) === true);
          fc.pre(chain === '' || list[index]?.asset?.startsWith(`${chain}/`) === true);
          if (ask(policy, hidden, ledger).verdict === 'Allow') expect(ask(policy, list, ledger).verdict).toBe('Allow');
        },
      ),
      { numRuns: 200 },
    );
  });

  it('what is not understood passes no Deny without kinds that would deny what it may turn out to move', () => {
    const wide = match.map((members) => ({
      verdict: 'Deny',
      match: Object.fromEntries(Object.entries(members).filter(([name]) => name !== 'kinds')),
    }));
    const moved = fc.constantFrom(
      ...[sol, usdc].flatMap((asset) => [payroll, sanctioned, stranger].map((destination) => ({ asset, destination }))),
    );
    const anything = { verdict: 'Allow', match: { kinds: ['Call', 'Digest'] } };
    fc.assert(
      fc.property(
        wide,
        moved,
        fc.bigInt(0n, 4_000_000_000n),
        fc.constantFrom('Call', 'Digest'),
        (deny, to, amount, kind) => {
          const policy = policyOf(named([deny, anything]));
          const unknown = { kind, chain: kind === 'Call' ? solana : '', text: 'does something' };
          if (ask(policy, [{ ...unknown, destination: vendor }]).verdict === 'Allow')
            expect(ask(policy, [{ ...unknown, chain: solana, ...to, amount }]).verdict).toBe('Allow');
        },
      ),
      { numRuns: 200 },
    );
  });

  it('an effect more allows nothing more', () => {
    // Only under rules without `over`, which by its meaning holds for larger sums.
    const without = rules
      .filter((list) => !JSON.stringify(list).includes('"over"'))
      .map((list) => policyOf(named(list)));
    fc.assert(
      fc.property(without, effects, known, ledgers, (policy, list, more, ledger) => {
        fc.pre(list.some(({ change }) => !change));
        if (ask(policy, [...list, more], ledger).verdict === 'Allow')
          expect(ask(policy, list, ledger).verdict).toBe('Allow');
      }),
    );
  });

  it('a fuller ledger allows nothing more', () => {
    const without = rules
      .filter((list) => !JSON.stringify(list).includes('"over"'))
      .map((list) => policyOf(named(list)));
    fc.assert(
      fc.property(without, effects, ledgers, (policy, list, ledger) => {
        if (ask(policy, list, ledger).verdict === 'Allow') expect(ask(policy, list).verdict).toBe('Allow');
      }),
    );
  });

  it('a decision has one verdict an effect and one line', () => {
    fc.assert(
      fc.property(policies, effects, ledgers, (policy, list, ledger) => {
        const decision = ask(policy, list, ledger);
        expect(decision.effects).toHaveLength(list.length);
        expect(decision.message).toMatch(/^[^\n]+$/);
        expect(decision.reason === '').toBe(decision.verdict === 'Allow');
        if (decision.verdict === 'Allow') for (const { verdict } of decision.effects) expect(verdict).toBe('Allow');
      }),
    );
  });
});

describe('splitting a payment', () => {
  const parts = fc.array(fc.bigInt({ min: 1n, max: 2_000_000_000n }), { minLength: 1, maxLength: 8 });

  it('within a request gains nothing', () => {
    fc.assert(
      fc.property(policies, parts, ledgers, (policy, amounts, ledger) => {
        const whole = amounts.reduce((a, b) => a + b);
        const { verdict, reason } = ask(policy, [transfer(whole)], ledger);
        expect(
          ask(
            policy,
            amounts.map((amount) => transfer(amount)),
            ledger,
          ),
        ).toMatchObject({ verdict, reason });
      }),
    );
  });

  it('over requests gets no more than one request could', () => {
    const policy = policyOf([
      { name: 'pay', verdict: 'Allow', match: { assets: ['SOL'], amount: { atMost: '3', per: '24h' } } },
    ]);
    fc.assert(
      fc.property(parts, (amounts) => {
        const windows = new SpendWindows(policy);
        let paid = 0n;
        amounts.forEach((amount, i) => {
          if (ask(policy, [transfer(amount)], windows.view(i, { pending: true }), i).verdict === 'Deny') return;
          windows.add(String(i), i, [transfer(amount)]);
          paid += amount;
        });
        expect(paid).toBeLessThanOrEqual(3_000_000_000n);
      }),
    );
  });
});

it('no interleaving of requests, outcomes and time takes a limit over its bound in any window', () => {
  const policy = policyOf([
    {
      name: 'big',
      verdict: 'Allow',
      match: { assets: ['SOL'], destinations: ['payroll'], amount: { over: '1' } },
      limits: [{ amount: '4', per: '1h' }],
    },
    {
      name: 'small',
      verdict: 'Allow',
      match: { assets: ['SOL'], destinations: ['payroll'] },
      limits: [
        { amount: '5', per: '1h' },
        { count: 4, per: '10m' },
      ],
    },
  ]);
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ pay: fc.bigInt({ min: 1n, max: 2_500_000_000n }) }) },
    { weight: 2, arbitrary: fc.record({ end: fc.nat(30), settle: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ wait: fc.integer({ min: 1, max: 1500 }) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const windows = new SpendWindows(policy);
      const made = new Map<string, { readonly at: number; readonly amount: bigint; open: boolean }>();
      let now = 1_700_000_000;
      for (const [i, each] of steps.entries()) {
        if ('wait' in each) now += each.wait;
        else if ('end' in each) {
          const entry = made.get(String(each.end));
          if (!entry?.open) continue;
          if (each.settle) {
            windows.settle(String(each.end));
            entry.open = false;
          } else {
            windows.remove(String(each.end));
            made.delete(String(each.end));
          }
        } else {
          const decision = ask(policy, [transfer(each.pay)], windows.view(now, { pending: true }), now);
          if (decision.verdict === 'Deny') continue;
          windows.add(String(i), now, [transfer(each.pay)]);
          made.set(String(i), { at: now, amount: each.pay, open: true });
        }
        const within = (seconds: number) => [...made.values()].filter(({ at }) => now - at < seconds);
        const sum = within(3600).reduce((total, { amount }) => total + amount, 0n);
        expect(sum).toBeLessThanOrEqual(5_000_000_000n);
        // Each rule's limits bind what it allows, and count what the other allowed.
        const small = made.get(String(i));
        if (small !== undefined && small.amount <= 1_000_000_000n) expect(within(600).length).toBeLessThanOrEqual(4);
      }
    }),
    { numRuns: 300 },
  );
});
