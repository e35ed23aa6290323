import { describe, expect, it } from 'vitest';
import { associatedTokenAccount } from './decode/associated-token-account.ts';
import { anyRule, emptyLedger } from './decision.ts';
import type { Decision, LedgerView } from './decision.ts';
import type { Policy } from './document.ts';
import type { Effect, Fee } from './effect.ts';
import { evaluate } from './evaluate.ts';
import { address, bare, bitcoin, btc, mint, payroll, policyOf, sanctioned, sol, solana, stranger, tokenProgram, transfer, usdc, vendor } from './testing/policies.ts';

const SOL = 1_000_000_000n;
const fee = (amount: bigint, chain = solana, asset = `${chain}/slip44:501`): Fee => ({ chain, asset, amount });

type Asked = { readonly fees?: readonly Fee[]; readonly ledger?: LedgerView; readonly nowSeconds?: number };

const ask = (policy: Policy, effects: readonly Effect[], { fees = [], ledger = emptyLedger, nowSeconds = 1_000_000 }: Asked = {}): Decision =>
  evaluate({ policy, effects, fees, ledger, nowSeconds, initiator: 'payments-api', key: 'solana' });

/** A ledger that holds this much of each asset, in so many requests, whatever the window. */
const holding = (amounts: Readonly<Record<string, bigint>>, requests = 1): LedgerView => ({
  spent: () => ({ amounts: new Map(Object.entries(amounts)), requests }),
});

const allow = (match: object, more: object = {}): object => ({ name: 'allow', verdict: 'Allow', match, ...more });
const never = (match: object): object => ({ name: 'never', verdict: 'Deny', match });

/** What is asked, of which policy, and what comes of it: the rule that allows it, or the reason for denying it. */
type Row = readonly [what: string, rules: readonly object[], effects: readonly Effect[], verdict: string, asked?: Asked];

const decide = ([, rules, effects, , asked]: Row): string => {
  const { verdict, reason, rule } = ask(policyOf(rules), effects, asked);
  return verdict === 'Allow' ? `allowed by ${rule}` : `${reason}${rule === '' ? '' : ` by ${rule}`}`;
};

const table = (rows: readonly Row[]): void => {
  for (const row of rows)
    it(row[0], () => {
      expect(decide(row)).toBe(row[3]);
    });
};

describe('default deny', () => {
  table([
    ['an effect that no rule is about', [allow({ destinations: ['vendor'] })], [transfer(1n)], 'PolicyDenied'],
    ['an effect that only a Deny is not about', [never({ destinations: ['vendor'] })], [transfer(1n)], 'PolicyDenied'],
    ['an empty match is about every transfer', [allow({})], [transfer(1n)], 'allowed by allow'],
    ['nothing at all', [allow({})], [], 'PolicyDenied'],
    ['only change, which would burn fees without end', [allow({})], [transfer(1n, { change: true })], 'PolicyDenied'],
    ['one bad effect among good ones', [allow({ destinations: ['payroll'] })], [transfer(1n), transfer(1n, { destination: stranger }), transfer(1n)], 'PolicyDenied'],
    ['more effects than anyone judges', [allow({})], Array.from({ length: 65 }, () => transfer(1n)), 'PolicyDenied'],
    ['as many as anyone judges', [allow({})], Array.from({ length: 64 }, () => transfer(1n)), 'allowed by allow'],
  ]);
});

describe('Deny and Allow', () => {
  table([
    ['a Deny wins, wherever it stands', [allow({}), never({ destinations: ['sanctioned'] })], [transfer(1n, { destination: sanctioned })], 'PolicyDenied by never'],
    ['a Deny that is about something else says nothing', [never({ destinations: ['sanctioned'] }), allow({})], [transfer(1n)], 'allowed by allow'],
    ['a denied effect denies the request', [never({ destinations: ['sanctioned'] }), allow({})], [transfer(1n), transfer(1n, { destination: sanctioned })], 'PolicyDenied by never'],
    [
      'the first Allow that matches decides what is required',
      [{ ...allow({}), name: 'first', limits: [{ count: 1, per: '1h' }] }, allow({})],
      [transfer(1n)],
      'LimitExceeded by first',
      { ledger: holding({}, 1) },
    ],
    [
      'each effect finds its own rule, and the request needs all',
      [{ ...allow({ destinations: ['payroll'] }), name: 'a' }, { ...allow({ destinations: ['vendor'] }), name: 'b' }],
      [transfer(1n, { destination: vendor }), transfer(1n)],
      'allowed by a,b',
    ],
    ['change needs no rule beside an effect that has one', [allow({ destinations: ['payroll'] })], [transfer(1n), transfer(9n, { change: true, destination: stranger })], 'allowed by allow'],
    ['change is not denied either', [never({ destinations: ['sanctioned'] }), allow({ destinations: ['payroll'] })], [transfer(1n), transfer(9n, { change: true, destination: sanctioned })], 'allowed by allow'],
  ]);
});

describe('conditions', () => {
  table([
    ['a chain that is named', [allow({ chains: [solana] })], [transfer(1n)], 'allowed by allow'],
    ['a chain that is not', [allow({ chains: [bitcoin] })], [transfer(1n)], 'PolicyDenied'],
    ['an asset that is named', [allow({ assets: ['SOL', 'BTC'] })], [transfer(1n)], 'allowed by allow'],
    ['an asset that is not', [allow({ assets: ['USDC'] })], [transfer(1n)], 'PolicyDenied'],
    ['an asset that is not even listed', [allow({ assets: ['USDC'] })], [transfer(1n, { asset: `${solana}/token:${address(3)}` })], 'PolicyDenied'],
    ['an unlisted asset under a rule that names none', [allow({ destinations: ['payroll'] })], [transfer(1n, { asset: `${solana}/token:${address(3)}` })], 'allowed by allow'],
    ['a destination that is not in the book', [allow({ destinations: ['payroll', 'vendor'] })], [transfer(1n, { destination: stranger })], 'PolicyDenied'],
    ['all conditions hold but one', [allow({ chains: [solana], assets: ['SOL'], destinations: ['vendor'] })], [transfer(1n)], 'PolicyDenied'],
    ['the same address on another chain is another destination', [allow({ destinations: ['payroll'] })], [transfer(1n, { destination: payroll.replace('solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp') })], 'PolicyDenied'],
  ]);
});

describe('what is not understood or hands control away', () => {
  const kinds = ['Approve', 'Call', 'Deploy', 'Message', 'TypedData', 'Digest', 'Authority', 'DurableNonce'] as const;
  table([
    ...kinds.map((kind): Row => [`${kind} is no matter of an Allow that names no kinds`, [allow({})], [bare(kind)], 'PolicyDenied']),
    ...kinds.map((kind): Row => [`${kind} is allowed by a rule that names it`, [allow({ kinds: [kind] })], [bare(kind)], 'allowed by allow']),
    ...kinds.map((kind): Row => [`${kind} is no matter of a rule that names another kind`, [allow({ kinds: ['Transfer'] })], [bare(kind)], 'PolicyDenied']),
    ...kinds.map((kind): Row => [`${kind} is denied by an empty Deny`, [never({}), allow({ kinds: [kind] })], [bare(kind)], 'PolicyDenied by never']),
    ['a complete token approval still has to be named', [allow({ assets: ['SOL'], destinations: ['payroll'] })], [transfer(1n, { kind: 'Approve' })], 'PolicyDenied'],
    ['a transfer under a rule that names only calls', [allow({ kinds: ['Call'] })], [transfer(1n)], 'PolicyDenied'],
    ['a call beside an allowed transfer', [allow({})], [transfer(1n), bare('Call')], 'PolicyDenied'],
    ['control handed to a denied destination, though the Deny names no kinds', [never({ destinations: ['sanctioned'] }), allow({ kinds: ['Authority'] })], [bare('Authority', { destination: sanctioned })], 'PolicyDenied by never'],
    ['a message, which goes nowhere, beside a Deny by destination', [never({ destinations: ['sanctioned'] }), allow({ kinds: ['Message'] })], [bare('Message')], 'allowed by allow'],
    ['a digest, named, beside a Deny by destination that does not name it', [never({ destinations: ['sanctioned'] }), allow({ kinds: ['Digest'] })], [bare('Digest', { chain: '' })], 'allowed by allow'],
  ]);
});

describe('what cannot be told', () => {
  const unknown = (...members: ('asset' | 'amount' | 'destination')[]): Effect => {
    const effect: Record<string, unknown> = { ...transfer(1n) };
    for (const member of members) delete effect[member];
    return effect as Effect;
  };
  table([
    ['denies under an Allow', [allow({ destinations: ['payroll'] })], [unknown('destination')], 'PolicyDenied by allow'],
    ['denies under an Allow though a later one is about it', [allow({ destinations: ['payroll'] }), { ...allow({}), name: 'all' }], [unknown('destination')], 'PolicyDenied by allow'],
    ['makes a Deny match', [never({ destinations: ['sanctioned'] }), allow({})], [unknown('destination')], 'PolicyDenied by never'],
    ['does not where another condition is false', [never({ destinations: ['sanctioned'], assets: ['BTC'] }), allow({})], [unknown('destination')], 'allowed by allow'],
    ['does not matter where no condition asks', [allow({ assets: ['SOL'] })], [unknown('destination')], 'allowed by allow'],
    ['an asset under a Deny by asset', [never({ assets: ['USDC'] }), allow({})], [unknown('asset')], 'PolicyDenied by never'],
    ['an amount under an Allow with a bound', [allow({ assets: ['SOL'], amount: { atMost: '1' } })], [unknown('amount')], 'PolicyDenied by allow'],
    ['an amount under a Deny of more than', [never({ assets: ['SOL'], amount: { over: '1' } }), allow({})], [unknown('amount')], 'PolicyDenied by never'],
    ['an amount beside another that is too much already', [{ ...allow({ assets: ['SOL'], amount: { atMost: '1' } }), name: 'small' }, allow({})], [unknown('amount'), transfer(2n * SOL)], 'allowed by allow'],
    ['an asset counts as any asset in sums', [allow({ assets: ['SOL'], amount: { atMost: '1' } }), { ...allow({ destinations: ['vendor'] }), name: 'b' }], [transfer(1n), { ...unknown('asset'), destination: vendor }], 'PolicyDenied by allow'],
    ['an amount against a limit', [allow({ assets: ['SOL'] }, { limits: [{ amount: '1', per: '1h' }] })], [unknown('amount')], 'LimitExceeded by allow'],
    ['a chain under a Deny that names the kind', [never({ chains: [bitcoin], kinds: ['Digest'] }), allow({ kinds: ['Digest'] })], [bare('Digest', { chain: '' })], 'PolicyDenied by never'],
    ['a chain under an Allow by chain', [allow({ chains: [solana], kinds: ['Digest'] })], [bare('Digest', { chain: '' })], 'PolicyDenied by allow'],
  ]);
});

describe('amount', () => {
  const small = allow({ assets: ['SOL'], amount: { atMost: '1' } });
  table([
    ['up to the bound', [small], [transfer(SOL)], 'allowed by allow'],
    ['one base unit more', [small], [transfer(SOL + 1n)], 'PolicyDenied'],
    ['the sum of the request, so that splitting gains nothing', [small], [transfer(SOL / 2n), transfer(SOL / 2n + 1n)], 'PolicyDenied'],
    ['the sum over destinations too', [small, { ...allow({ destinations: ['vendor'] }), name: 'vendor' }], [transfer(SOL / 2n), transfer(SOL, { destination: vendor })], 'PolicyDenied'],
    ['other assets apart', [small, { ...allow({ assets: ['USDC'] }), name: 'usdc' }], [transfer(SOL), transfer(SOL * SOL, { asset: usdc })], 'allowed by allow,usdc'],
    ['change left out', [small], [transfer(SOL), transfer(SOL, { change: true })], 'allowed by allow'],
    ['token approvals like transfers', [small, { ...allow({ kinds: ['Approve'] }), name: 'approve' }], [transfer(SOL), transfer(1n, { kind: 'Approve' })], 'PolicyDenied'],
    ['more than, exactly at the bound', [never({ assets: ['SOL'], amount: { over: '1' } }), allow({})], [transfer(SOL)], 'allowed by allow'],
    ['more than, one base unit over', [never({ assets: ['SOL'], amount: { over: '1' } }), allow({})], [transfer(SOL), transfer(1n)], 'PolicyDenied by never'],
    ['a range', [allow({ assets: ['SOL'], amount: { over: '1', atMost: '2' } })], [transfer(2n * SOL)], 'allowed by allow'],
    ['below a range', [allow({ assets: ['SOL'], amount: { over: '1', atMost: '2' } })], [transfer(SOL)], 'PolicyDenied'],
    ['a request alone, without per', [small], [transfer(SOL)], 'allowed by allow', { ledger: holding({ [sol]: 100n * SOL }) }],
    ['with what the window holds, with per', [allow({ assets: ['SOL'], amount: { atMost: '1', per: '24h' } })], [transfer(SOL / 2n)], 'PolicyDenied', { ledger: holding({ [sol]: SOL / 2n + 1n }) }],
    ['with room left in the window', [allow({ assets: ['SOL'], amount: { atMost: '1', per: '24h' } })], [transfer(SOL / 2n)], 'allowed by allow', { ledger: holding({ [sol]: SOL / 2n, [usdc]: SOL }) }],
  ]);

  it('asks the ledger for everything that moved, whatever rules said of it', () => {
    const asked: unknown[] = [];
    const ledger: LedgerView = {
      spent(rule, seconds) {
        asked.push([rule, seconds]);
        return emptyLedger.spent(rule, seconds);
      },
    };
    ask(policyOf([allow({ assets: ['SOL'], amount: { atMost: '1', per: '90s' } }, { limits: [{ count: 1, per: '1h' }] })]), [transfer(1n)], { ledger });
    expect(asked).toEqual([[anyRule, 90], [0, 3600]]);
  });
});

describe('limits', () => {
  const limited = (limits: readonly object[], match: object = { assets: ['SOL'], destinations: ['payroll'] }): object => allow(match, { limits });
  const byAmount = limited([{ amount: '2', per: '24h' }]);
  table([
    ['fit exactly', [byAmount], [transfer(SOL)], 'allowed by allow', { ledger: holding({ [sol]: SOL }) }],
    ['one base unit over', [byAmount], [transfer(SOL + 1n)], 'LimitExceeded by allow', { ledger: holding({ [sol]: SOL }) }],
    ['the whole request counts', [byAmount], [transfer(SOL), transfer(SOL + 1n)], 'LimitExceeded by allow'],
    ['effects that the rule is not about do not count', [byAmount, { ...allow({ destinations: ['vendor'] }), name: 'vendor' }], [transfer(2n * SOL), transfer(SOL, { destination: vendor })], 'allowed by allow,vendor'],
    ['effects that another rule allowed do count', [{ ...allow({ assets: ['SOL'], amount: { over: '1' } }), name: 'big' }, byAmount], [transfer(2n * SOL + 1n)], 'allowed by big'],
    ['change does not count', [byAmount], [transfer(2n * SOL), transfer(SOL, { change: true })], 'allowed by allow'],
    ['token approvals count like transfers', [byAmount, { ...allow({ kinds: ['Approve'] }), name: 'approve' }], [transfer(SOL), transfer(SOL + 1n, { kind: 'Approve' })], 'LimitExceeded by allow'],
    ['by count, this request included', [limited([{ count: 2, per: '1h' }])], [transfer(1n), transfer(1n)], 'allowed by allow', { ledger: holding({}, 1) }],
    ['by count, one too many', [limited([{ count: 2, per: '1h' }])], [transfer(1n)], 'LimitExceeded by allow', { ledger: holding({}, 2) }],
    ['every one of several', [limited([{ amount: '2', per: '24h' }, { count: 1, per: '1h' }])], [transfer(1n)], 'LimitExceeded by allow', { ledger: holding({}, 1) }],
    ['those of a rule that allows nothing here do not bind', [limited([{ count: 1, per: '1h' }]), { ...allow({ destinations: ['vendor'] }), name: 'vendor' }], [transfer(1n, { destination: vendor })], 'allowed by vendor', { ledger: holding({}, 9) }],
  ]);

  it('are told with what is used, what was asked and when there is room', () => {
    const ledger: LedgerView = {
      spent: () => ({ amounts: new Map([[sol, 3n * SOL]]), requests: 3 }),
      leaving: () => [1_000_060, 1_003_600, 1_086_400].map((at) => ({ at, amounts: new Map([[sol, SOL]]), requests: 1 })),
    };
    const policy = policyOf([limited([{ amount: '3.5', per: '24h' }])]);
    expect(ask(policy, [transfer(2n * SOL)], { ledger }).message).toBe(
      'rule allow allows 3.5 SOL in 24h: 3 SOL used, 2 SOL asked; there is room in 1h',
    );
    expect(ask(policy, [transfer(4n * SOL)], { ledger }).message).toBe('rule allow allows 3.5 SOL in 24h, asked are 4 SOL');
    expect(ask(policyOf([limited([{ count: 3, per: '90m' }])]), [transfer(1n)], { ledger }).message).toBe(
      'rule allow allows 3 requests in 1h 30m: 3 requests used, 1 request asked; there is room in 1m',
    );
  });
});

describe('fees', () => {
  const policy = policyOf([allow({})]);
  it.each<readonly [string, readonly Fee[], string]>([
    ['up to the cap', [fee(1_000_000n)], ''],
    ['one base unit more', [fee(1_000_001n)], 'fees of up to 0.001000001 SOL are over the 0.001 SOL that the policy allows on solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'],
    ['in parts that together are more', [fee(600_000n), fee(600_000n)], 'fees of up to 0.0012 SOL are over the 0.001 SOL that the policy allows on solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'],
    ['of nothing on a chain without an entry', [fee(0n, bitcoin, btc)], `fees on ${bitcoin}: the policy has no entry for this chain in fees`],
    ['in another asset', [fee(1n, solana, usdc)], `fees on ${solana}: want them in ${sol}, got ${usdc}`],
  ])('%s', (_what, fees, message) => {
    expect(ask(policy, [transfer(1n)], { fees })).toMatchObject(message === '' ? { verdict: 'Allow' } : { verdict: 'Deny', reason: 'FeeTooHigh', rule: '', message });
  });

  it('are judged by fees alone: no rule and no limit counts them', () => {
    const limited = policyOf([allow({ assets: ['SOL'], amount: { atMost: '0.000000001' } }, { limits: [{ amount: '0.000000001', per: '1h' }] })]);
    expect(ask(limited, [transfer(1n)], { fees: [fee(1_000_000n)] }).verdict).toBe('Allow');
  });
});

describe('destinations', () => {
  const policy = policyOf([allow({ destinations: ['payroll'] })]);
  const token = (owner: number): string => `${solana}:${associatedTokenAccount(address(owner), mint, tokenProgram)}`;
  const spl = (destination: string, derived = { mint, program: tokenProgram }): Effect => transfer(1n, { asset: usdc, destination, derived });

  it('find the owner of a token account in the book', () => {
    expect(ask(policy, [spl(token(1))]).verdict).toBe('Allow');
    expect(ask(policy, [spl(token(2))]).verdict).toBe('Deny');
    expect(ask(policy, [spl(token(1), { mint: address(3), program: tokenProgram })]).verdict).toBe('Deny');
  });

  it('find a token account that is listed itself', () => {
    const literal = policyOf([allow({ destinations: ['till'] })], { addressBook: [{ name: 'till', addresses: [token(5)] }] });
    expect(ask(literal, [spl(token(5))]).verdict).toBe('Allow');
  });

  it('deny a token account of a denied owner', () => {
    expect(ask(policyOf([never({ destinations: ['sanctioned'] }), allow({})]), [spl(token(9))])).toMatchObject({ reason: 'PolicyDenied', rule: 'never' });
  });

  it('do not take a derived account for an owner elsewhere', () => {
    expect(ask(policy, [transfer(1n, { destination: token(1) })]).verdict).toBe('Deny');
  });

  it.each([
    ['EVM addresses in any case', 'eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb', 'eip155:1:0xAB16A96D359EC26A11E2C2B3D8F8B8942D5BFCDB', 'Allow'],
    ['bech32 in any case', `${bitcoin}:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4`, `${bitcoin}:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4`, 'Allow'],
    ['base58 of Bitcoin in its own case only', `${bitcoin}:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2`, `${bitcoin}:1bvbmseystwetqtfn5au4m4gfg7xjanvn2`, 'Deny'],
    ['base58 of Solana in its own case only', payroll, `${solana}:${address(1).toLowerCase()}`, 'Deny'],
  ])('compare %s', (_what, listed, asked, verdict) => {
    const book = policyOf([allow({ destinations: ['it'] })], { addressBook: [{ name: 'it', addresses: [listed] }] });
    expect(ask(book, [transfer(1n, { chain: asked.split(':').slice(0, 2).join(':'), destination: asked })]).verdict).toBe(verdict);
  });
});

describe('what a person reads', () => {
  const policy = policyOf([
    never({ destinations: ['sanctioned'] }),
    allow({ chains: [solana], assets: ['SOL'], destinations: ['payroll'], amount: { atMost: '2' } }),
    { ...allow({ kinds: ['Message'] }), name: 'messages' },
  ]);
  const P = address(1);
  it.each<readonly [string, readonly Effect[], string]>([
    ['an allowed payment', [transfer(1_500_000_000n)], `1.5 SOL to payroll (${P})`],
    ['an unknown destination', [transfer(SOL, { destination: stranger })], `1 SOL to ${address(77)}: no rule allows it; nearest is allow: it is about payroll, and ${address(77)} is not listed there`],
    ['too much', [transfer(3n * SOL)], `3 SOL to payroll (${P}): no rule allows it; nearest is allow: it is about at most 2 SOL a request, and this makes 3 SOL`],
    ['a denied destination', [transfer(SOL, { destination: sanctioned })], `1 SOL to sanctioned (${address(9)}): rule never denies it`],
    ['another asset', [transfer(5n, { asset: usdc })], `0.000005 USDC to payroll (${P}): no rule allows it; nearest is allow: it is about SOL, not this asset`],
    ['an asset without a name', [transfer(5n, { asset: `${solana}/token:${address(3)}` })], `5 base units of ${solana}/token:${address(3)} to payroll (${P}): no rule allows it; nearest is allow: it is about SOL, not this asset`],
    ['raw bytes', [bare('Digest', { chain: '', text: 'signs raw bytes' })], 'signs raw bytes: no rule allows it; nearest is allow: it names no kinds, so it is not about Digest'],
    ['a sum that cannot be told', [{ kind: 'Transfer', chain: solana, asset: sol, destination: payroll, text: 'sends some' }], 'sends some: rule allow cannot be decided: it is about at most 2 SOL a request, and this makes at least 0 SOL'],
  ])('of %s', (_what, effects, message) => {
    expect(ask(policy, effects).message).toBe(message);
  });

  it('says of each effect which rule decided it', () => {
    expect(ask(policy, [transfer(1n), transfer(1n, { destination: stranger }), bare('Message'), transfer(2n, { change: true })]).effects.map(({ rule, verdict }) => [rule, verdict])).toEqual([
      ['allow', 'Allow'],
      ['', 'Deny'],
      ['messages', 'Allow'],
      ['', 'Allow'],
    ]);
  });
});
