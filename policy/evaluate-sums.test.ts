import { describe, expect, it } from 'vitest';
import { anyRule, emptyLedger } from './decision.ts';
import type { Decision, LedgerView } from './decision.ts';
import type { Effect, Fee } from './effect.ts';
import { limitUse } from './limits.ts';
import { SOL, fee, ask, holding, allow, never, table } from './testing/evaluation.ts';
import { bare, bitcoin, btc, payroll, policyOf, sol, solana, transfer, usdc, vendor } from './testing/policies.ts';
import { SpendWindows } from './spend-windows.ts';
import { limitInWords } from './why.ts';

describe('amount', () => {
  const small = allow({ assets: ['SOL'], amount: { atMost: '1' } });
  table([
    ['up to the bound', [small], [transfer(SOL)], 'allowed by allow'],
    ['one base unit more', [small], [transfer(SOL + 1n)], 'PolicyDenied'],
    [
      'the sum of the request, so that splitting gains nothing',
      [small],
      [transfer(SOL / 2n), transfer(SOL / 2n + 1n)],
      'PolicyDenied',
    ],
    [
      'the sum over destinations too',
      [small, { ...allow({ destinations: ['vendor'] }), name: 'vendor' }],
      [transfer(SOL / 2n), transfer(SOL, { destination: vendor })],
      'PolicyDenied',
    ],
    [
      'other assets apart',
      [small, { ...allow({ assets: ['USDC'] }), name: 'usdc' }],
      [transfer(SOL), transfer(SOL * SOL, { asset: usdc })],
      'allowed by allow,usdc',
    ],
    ['change left out', [small], [transfer(SOL), transfer(SOL, { change: true })], 'allowed by allow'],
    [
      'token approvals like transfers',
      [small, { ...allow({ kinds: ['Approve'] }), name: 'approve' }],
      [transfer(SOL), transfer(1n, { kind: 'Approve' })],
      'PolicyDenied',
    ],
    [
      'more than, exactly at the bound',
      [never({ assets: ['SOL'], amount: { over: '1' } }), allow({})],
      [transfer(SOL)],
      'allowed by allow',
    ],
    [
      'more than, one base unit over',
      [never({ assets: ['SOL'], amount: { over: '1' } }), allow({})],
      [transfer(SOL), transfer(1n)],
      'PolicyDenied by never',
    ],
    [
      'a range',
      [allow({ assets: ['SOL'], amount: { over: '1', atMost: '2' } })],
      [transfer(2n * SOL)],
      'allowed by allow',
    ],
    [
      'below a range',
      [allow({ assets: ['SOL'], amount: { over: '1', atMost: '2' } })],
      [transfer(SOL)],
      'PolicyDenied',
    ],
    [
      'a request alone, without per',
      [small],
      [transfer(SOL)],
      'allowed by allow',
      { ledger: holding({ [sol]: 100n * SOL }) },
    ],
    [
      'with what the window holds, with per',
      [allow({ assets: ['SOL'], amount: { atMost: '1', per: '24h' } })],
      [transfer(SOL / 2n)],
      'PolicyDenied',
      { ledger: holding({ [sol]: SOL / 2n + 1n }) },
    ],
    [
      'with room left in the window',
      [allow({ assets: ['SOL'], amount: { atMost: '1', per: '24h' } })],
      [transfer(SOL / 2n)],
      'allowed by allow',
      { ledger: holding({ [sol]: SOL / 2n, [usdc]: SOL }) },
    ],
  ]);

  it('asks the ledger for everything that moved, whatever rules said of it', () => {
    const asked: unknown[] = [];
    const ledger: LedgerView = {
      spent(rule, seconds) {
        asked.push([rule, seconds]);
        return emptyLedger.spent(rule, seconds);
      },
    };
    ask(
      policyOf([
        allow({ assets: ['SOL'], amount: { atMost: '1', per: '90s' } }, { limits: [{ count: 1, per: '1h' }] }),
      ]),
      [transfer(1n)],
      { ledger },
    );
    expect(asked).toEqual([
      [anyRule, 90],
      [0, 3600],
    ]);
  });
});

describe('limits', () => {
  const limited = (limits: readonly object[], match: object = { assets: ['SOL'], destinations: ['payroll'] }): object =>
    allow(match, { limits });
  const byAmount = limited([{ amount: '2', per: '24h' }]);
  table([
    ['fit exactly', [byAmount], [transfer(SOL)], 'allowed by allow', { ledger: holding({ [sol]: SOL }) }],
    [
      'one base unit over',
      [byAmount],
      [transfer(SOL + 1n)],
      'LimitExceeded by allow',
      { ledger: holding({ [sol]: SOL }) },
    ],
    ['the whole request counts', [byAmount], [transfer(SOL), transfer(SOL + 1n)], 'LimitExceeded by allow'],
    [
      'effects that the rule is not about do not count',
      [byAmount, { ...allow({ destinations: ['vendor'] }), name: 'vendor' }],
      [transfer(2n * SOL), transfer(SOL, { destination: vendor })],
      'allowed by allow,vendor',
    ],
    [
      'effects that another rule allowed do count',
      [{ ...allow({ assets: ['SOL'], amount: { over: '1' } }), name: 'big' }, byAmount],
      [transfer(2n * SOL + 1n)],
      'allowed by big',
    ],
    ['change does not count', [byAmount], [transfer(2n * SOL), transfer(SOL, { change: true })], 'allowed by allow'],
    [
      'token approvals count like transfers',
      [byAmount, { ...allow({ kinds: ['Approve'] }), name: 'approve' }],
      [transfer(SOL), transfer(SOL + 1n, { kind: 'Approve' })],
      'LimitExceeded by allow',
    ],
    [
      'by count, this request included',
      [limited([{ count: 2, per: '1h' }])],
      [transfer(1n), transfer(1n)],
      'allowed by allow',
      { ledger: holding({}, 1) },
    ],
    [
      'by count, one too many',
      [limited([{ count: 2, per: '1h' }])],
      [transfer(1n)],
      'LimitExceeded by allow',
      { ledger: holding({}, 2) },
    ],
    [
      'every one of several',
      [
        limited([
          { amount: '2', per: '24h' },
          { count: 1, per: '1h' },
        ]),
      ],
      [transfer(1n)],
      'LimitExceeded by allow',
      { ledger: holding({}, 1) },
    ],
    [
      'those of a rule that allows nothing here do not bind',
      [limited([{ count: 1, per: '1h' }]), { ...allow({ destinations: ['vendor'] }), name: 'vendor' }],
      [transfer(1n, { destination: vendor })],
      'allowed by vendor',
      { ledger: holding({}, 9) },
    ],
  ]);

  it('are told with what is used, what was asked and when there is room', () => {
    const ledger: LedgerView = {
      spent: () => ({ amounts: new Map([[sol, 3n * SOL]]), requests: 3 }),
      leaving: () =>
        [1_000_060, 1_003_600, 1_086_400].map((at) => ({ at, amounts: new Map([[sol, SOL]]), requests: 1 })),
    };
    const policy = policyOf([limited([{ amount: '3.5', per: '24h' }])]);
    expect(ask(policy, [transfer(2n * SOL)], { ledger }).message).toBe(
      'rule allow allows 3.5 SOL in 24h: 3 SOL used, 2 SOL asked; there is room in about 1h',
    );
    expect(ask(policy, [transfer(4n * SOL)], { ledger }).message).toBe(
      'rule allow allows 3.5 SOL in 24h, asked are 4 SOL',
    );
    expect(ask(policyOf([limited([{ count: 3, per: '90m' }])]), [transfer(1n)], { ledger }).message).toBe(
      'rule allow allows 3 requests in 1h 30m: 3 requests used, 1 request asked; there is room in about 1m',
    );
  });
});

describe('what was moved in an amount that is not known', () => {
  const limited = allow({ assets: ['SOL'] }, { limits: [{ amount: '5', per: '1h' }] });
  const summed = allow({ assets: ['SOL'], amount: { atMost: '5', per: '1h' } });
  const closing = { ...allow({ kinds: ['Authority', 'Approve', 'Call'] }), name: 'closing' };
  const after = (rules: readonly object[], effect: Effect, seconds: number): Decision => {
    const policy = policyOf(rules);
    const windows = new SpendWindows(policy);
    windows.add('before', 1_000_000, [effect]);
    windows.settle('before');
    const nowSeconds = 1_000_000 + seconds;
    return ask(policy, [transfer(SOL)], { ledger: windows.view(nowSeconds, { pending: true }), nowSeconds });
  };
  const { amount: _, ...some } = transfer(1n);
  const { asset: __, ...someAsset } = transfer(1n);
  const closed = bare('Authority', { asset: sol, destination: payroll });

  it.each([
    ['an amount', some, true],
    ['an asset', someAsset, true],
    ['of another asset', { ...some, asset: usdc }, false],
    ['nothing of an asset that is not named, as a revoked approval', bare('Approve', { amount: 0n }), false],
  ])('leaves no room in a limit until it is over: %s', (_what, effect, unknown) => {
    expect(after([limited, closing], effect, 1).reason).toBe(unknown ? 'LimitExceeded' : '');
    expect(after([limited, closing], effect, 3600).reason).toBe('');
  });

  it.each([
    ['an amount', some, true],
    ['an asset', someAsset, true],
    ['what a closed account held', closed, true],
    ['whatever a call did', bare('Call'), false],
  ])('leaves a sum over a window open until it is over: %s', (_what, effect, unknown) => {
    expect(after([summed, closing], effect, 1).reason).toBe(unknown ? 'PolicyDenied' : '');
    expect(after([summed, closing], effect, 3600).reason).toBe('');
  });

  it('is told, and counts as all of a limit', () => {
    expect(after([limited], some, 1).message).toBe(
      'rule allow allows 5 SOL in 1h, and what an earlier request moved is not known',
    );
    const policy = policyOf([limited]);
    const windows = new SpendWindows(policy);
    windows.add('before', 1_000_000, [some]);
    expect(limitUse(policy, windows.use(1_000_000))).toMatchObject([{ ratio: 1 }]);
    windows.remove('before');
    expect(limitUse(policy, windows.use(1_000_000))).toMatchObject([{ ratio: 0 }]);
  });
});

describe('the use of limits', () => {
  it('is told limit by limit in tenths', () => {
    const limits = [
      { amount: '3', per: '24h' },
      { count: 4, per: '90m' },
      { amount: '0', per: '1h' },
    ];
    const policy = policyOf([never({}), allow({ assets: ['SOL'] }, { limits })]);
    const use = limitUse(policy, holding({ [sol]: 2n * SOL }, 5));
    expect(use.map(({ rule, limit, ratio }) => [rule, limitInWords(limit), ratio])).toEqual([
      ['allow', '3 SOL in 24h', 0.6],
      ['allow', '4 requests in 1h 30m', 1.2],
      ['allow', '0 SOL in 1h', 1],
    ]);
  });
});

describe('fees', () => {
  const policy = policyOf([allow({})]);
  it.each<readonly [string, readonly Fee[], string]>([
    ['up to the cap', [fee(1_000_000n)], ''],
    [
      'one base unit more',
      [fee(1_000_001n)],
      'fees of up to 0.001000001 SOL are over the 0.001 SOL that the policy allows on solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
    ],
    [
      'in parts that together are more',
      [fee(600_000n), fee(600_000n)],
      'fees of up to 0.0012 SOL are over the 0.001 SOL that the policy allows on solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
    ],
    [
      'of nothing on a chain without an entry',
      [fee(0n, bitcoin, btc)],
      `fees on ${bitcoin}: the policy has no entry for this chain in fees`,
    ],
    ['in another asset', [fee(1n, solana, usdc)], `fees on ${solana}: want them in ${sol}, got ${usdc}`],
  ])('%s', (_what, fees, message) => {
    expect(ask(policy, [transfer(1n)], { fees })).toMatchObject(
      message === '' ? { verdict: 'Allow' } : { verdict: 'Deny', reason: 'FeeTooHigh', rule: '', message },
    );
  });

  it('are judged by fees alone: no rule and no limit counts them', () => {
    const limited = policyOf([
      allow({ assets: ['SOL'], amount: { atMost: '0.000000001' } }, { limits: [{ amount: '0.000000001', per: '1h' }] }),
    ]);
    expect(ask(limited, [transfer(1n)], { fees: [fee(1_000_000n)] }).verdict).toBe('Allow');
  });
});
