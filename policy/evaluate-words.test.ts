import { describe, expect, it } from 'vitest';
import { associatedTokenAccount } from './decode/associated-token-account.ts';
import type { Effect } from './effect.ts';
import { SOL, ask, allow, never } from './testing/evaluation.ts';
import {
  address,
  bare,
  bitcoin,
  mint,
  payroll,
  policyOf,
  sanctioned,
  sol,
  solana,
  stranger,
  tokenProgram,
  transfer,
  usdc,
} from './testing/policies.ts';

describe('destinations', () => {
  const policy = policyOf([allow({ destinations: ['payroll'] })]);
  const token = (owner: number): string => `${solana}:${associatedTokenAccount(address(owner), mint, tokenProgram)}`;
  const spl = (destination: string, derived = { mint, program: tokenProgram }): Effect =>
    transfer(1n, { asset: `${solana}/token:${derived.mint}`, destination, derived });

  it('find the owner of a token account in the book', () => {
    expect(ask(policy, [spl(token(1))]).verdict).toBe('Allow');
    expect(ask(policy, [spl(token(2))]).verdict).toBe('Deny');
    expect(ask(policy, [spl(token(1), { mint: address(3), program: tokenProgram })]).verdict).toBe('Deny');
  });

  it('find a token account that is listed itself, also of a mint that the policy does not know', () => {
    const other = associatedTokenAccount(address(5), address(3), tokenProgram);
    const literal = policyOf([allow({ destinations: ['till'] })], {
      addressBook: [{ name: 'till', addresses: [token(5), `${solana}:${other}`] }],
    });
    expect(ask(literal, [spl(token(5))]).verdict).toBe('Allow');
    expect(ask(literal, [spl(`${solana}:${other}`, { mint: address(3), program: tokenProgram })]).verdict).toBe(
      'Allow',
    );
  });

  it('do not know whose a token account of another mint or program is', () => {
    const wide = policyOf([never({ destinations: ['sanctioned'] }), allow({})]);
    expect(ask(wide, [spl(stranger)]).verdict).toBe('Allow');
    for (const derived of [
      { mint: address(3), program: tokenProgram },
      { mint, program: address(4) },
    ])
      expect(ask(wide, [spl(stranger, derived)])).toMatchObject({ verdict: 'Deny', rule: 'never' });
  });

  it('take the owner that a payload names for a new token account, whatever its mint', () => {
    const opened = transfer(1n, { destination: stranger, owner: payroll });
    expect(ask(policy, [opened]).verdict).toBe('Allow');
    expect(ask(policy, [{ ...opened, owner: sanctioned }]).verdict).toBe('Deny');
  });

  it('deny a token account of a denied owner', () => {
    expect(ask(policyOf([never({ destinations: ['sanctioned'] }), allow({})]), [spl(token(9))])).toMatchObject({
      reason: 'PolicyDenied',
      rule: 'never',
    });
  });

  it('do not take a derived account for an owner elsewhere', () => {
    expect(ask(policy, [transfer(1n, { destination: token(1) })]).verdict).toBe('Deny');
  });

  it.each([
    [
      'EVM addresses in any case',
      'eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb',
      'eip155:1:0xAB16A96D359EC26A11E2C2B3D8F8B8942D5BFCDB',
      'Allow',
    ],
    [
      'bech32 in any case',
      `${bitcoin}:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4`,
      `${bitcoin}:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4`,
      'Allow',
    ],
    [
      'base58 of Bitcoin in its own case only',
      `${bitcoin}:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2`,
      `${bitcoin}:1bvbmseystwetqtfn5au4m4gfg7xjanvn2`,
      'Deny',
    ],
    ['base58 of Solana in its own case only', payroll, `${solana}:${address(1).toLowerCase()}`, 'Deny'],
  ])('compare %s', (_what, listed, asked, verdict) => {
    const book = policyOf([allow({ destinations: ['it'] })], { addressBook: [{ name: 'it', addresses: [listed] }] });
    expect(
      ask(book, [transfer(1n, { chain: asked.split(':').slice(0, 2).join(':'), destination: asked })]).verdict,
    ).toBe(verdict);
  });
});

describe('what a person reads', () => {
  const policy = policyOf([
    never({ destinations: ['sanctioned'] }),
    allow({ chains: [solana], assets: ['SOL'], destinations: ['payroll'], amount: { atMost: '2' } }),
    { ...allow({ kinds: ['Message', 'Call', 'Deploy'] }), name: 'messages' },
  ]);
  const P = address(1);
  it.each<readonly [string, readonly Effect[], string]>([
    ['an allowed payment', [transfer(1_500_000_000n)], `1.5 SOL to payroll (${P})`],
    [
      'an unknown destination',
      [transfer(SOL, { destination: stranger })],
      `1 SOL to ${address(77)}: no rule allows it; nearest is allow: it is about payroll, and ${address(77)} is not listed there`,
    ],
    [
      'too much',
      [transfer(3n * SOL)],
      `3 SOL to payroll (${P}): no rule allows it; nearest is allow: it is about at most 2 SOL a request, and this makes 3 SOL`,
    ],
    [
      'a denied destination',
      [transfer(SOL, { destination: sanctioned })],
      `1 SOL to sanctioned (${address(9)}): rule never denies it`,
    ],
    [
      'another asset',
      [transfer(5n, { asset: usdc })],
      `0.000005 USDC to payroll (${P}): no rule allows it; nearest is allow: it is about SOL, not this asset`,
    ],
    [
      'an asset without a name',
      [transfer(5n, { asset: `${solana}/token:${address(3)}` })],
      `5 base units of ${solana}/token:${address(3)} to payroll (${P}): no rule allows it; nearest is allow: it is about SOL, not this asset`,
    ],
    [
      'raw bytes',
      [bare('Digest', { chain: '', text: 'signs raw bytes' })],
      'signs raw bytes: no rule allows it; none is about kind Digest',
    ],
    [
      'a deployment beside a Deny by destination',
      [bare('Deploy', { text: 'deploys' })],
      'deploys: rule never may deny it: it is about sanctioned, and the destination is not known; where it is not meant for Deploy, let it name the kinds that it denies',
    ],
    [
      'a call beside a Deny by destination',
      [bare('Call', { destination: stranger, text: 'calls' })],
      'calls: rule never may deny it: it is about sanctioned, and what else a Call may do is not known; where it is not meant for Call, let it name the kinds that it denies',
    ],
    [
      'a kind that no rule is about',
      [transfer(5n, { kind: 'Approve' })],
      `lets payroll (${P}) move up to 0.000000005 SOL: no rule allows it; none is about kind Approve`,
    ],
    [
      'a sum that cannot be told',
      [{ kind: 'Transfer', chain: solana, asset: sol, destination: payroll, text: 'sends some' }],
      'sends some: rule allow cannot be decided: it is about at most 2 SOL a request, and this makes at least 0 SOL',
    ],
  ])('of %s', (_what, effects, message) => {
    expect(ask(policy, effects).message).toBe(message);
  });

  it('names the mint because of which nobody can tell whose a token account is', () => {
    const asset = `${solana}/token:${address(3)}`;
    const derived = { mint: address(3), program: tokenProgram };
    const wide = policyOf([never({ destinations: ['sanctioned'] }), allow({})]);
    expect(ask(wide, [transfer(5n, { asset, destination: stranger, derived })]).message).toBe(
      `5 base units of ${asset} to ${address(77)}: rule never may deny it: it is about sanctioned, and whose token account ${address(77)} is cannot be told, since its mint is not in assets`,
    );
  });

  it('names a destination by a few of its names', () => {
    const addressBook = Array.from({ length: 200 }, (_, i) => ({ name: `n${i}`, addresses: [payroll] }));
    const many = policyOf([allow({})], { addressBook });
    expect(ask(many, [transfer(SOL)]).message).toBe(`1 SOL to n0, n1, n2, n3 and 196 more (${P})`);
  });

  it('says of each effect which rule decided it', () => {
    expect(
      ask(policy, [
        transfer(1n),
        transfer(1n, { destination: stranger }),
        bare('Message'),
        transfer(2n, { change: true }),
      ]).effects.map(({ rule, verdict }) => [rule, verdict]),
    ).toEqual([
      ['allow', 'Allow'],
      ['', 'Deny'],
      ['messages', 'Allow'],
      ['', 'Allow'],
    ]);
  });
});
