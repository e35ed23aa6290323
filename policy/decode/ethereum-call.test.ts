import { keccak256 } from 'ethers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Effect } from '../effect.ts';
import {
  decodeFor,
  eth,
  ethereum,
  payroll,
  refused,
  tokenData,
  transaction,
  unsigned,
  usdc,
} from './testing/ethereum.ts';

const token = `${ethereum}/erc20:${usdc}`;
const nobody = `0x${'00'.repeat(20)}`;
const effects = (change: Parameters<typeof transaction>[0]): readonly Effect[] =>
  decodeFor(unsigned(transaction(change))).effects;
const ofToken = (name: 'transfer' | 'approve', account = payroll, amount = 5_000_000n) => ({
  to: usdc,
  value: 0n,
  data: tokenData(name, account, amount),
});

describe('a call', () => {
  test('of transfer moves a token, and no ETH', () => {
    expect(effects(ofToken('transfer'))).toEqual([
      {
        kind: 'Transfer',
        chain: ethereum,
        asset: token,
        amount: 5_000_000n,
        destination: `${ethereum}:${payroll}`,
        text: `sends 5000000 base units of token ${usdc} to ${payroll}`,
      },
    ]);
  });

  test('of approve lets another move a token', () => {
    expect(effects(ofToken('approve'))).toEqual([
      {
        kind: 'Approve',
        chain: ethereum,
        asset: token,
        amount: 5_000_000n,
        destination: `${ethereum}:${payroll}`,
        text: `lets ${payroll} move 5000000 base units of token ${usdc}`,
      },
    ]);
    const [all] = effects(ofToken('approve', payroll, 2n ** 256n - 1n));
    expect(all).toMatchObject({
      amount: 2n ** 256n - 1n,
      text: `lets ${payroll} move any amount of token ${usdc}`,
    });
    expect(effects(ofToken('approve', payroll, 0n))[0]?.amount).toBe(0n);
  });

  test('of transfer moves what it says, whatever that is', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 256n - 1n), fc.constantFrom('transfer', 'approve'), (amount, name) => {
        expect(effects(ofToken(name, payroll, amount))).toMatchObject([{ amount, asset: token }]);
      }),
    );
  });

  test('of anything else is a Call, and what it sends a Transfer beside it', () => {
    const called: Effect = {
      kind: 'Call',
      chain: ethereum,
      destination: `${ethereum}:${usdc}`,
      text: `calls function 0x23b872dd of ${usdc} with data 0x23b872dd`,
    };
    expect(effects({ to: usdc, value: 0n, data: '0x23b872dd' })).toEqual([called]);
    expect(effects({ to: usdc, value: 1n, data: '0x23b872dd' })).toEqual([
      {
        kind: 'Transfer',
        chain: ethereum,
        asset: eth,
        amount: 1n,
        destination: `${ethereum}:${usdc}`,
        text: `sends 0.000000000000000001 ETH to ${usdc}`,
      },
      called,
    ]);
    expect(effects({ to: usdc, value: 0n, data: '0xa9059c' })[0]?.text).toBe(`calls ${usdc} with data 0xa9059c`);
  });

  test('of much data shows its beginning and its hash', () => {
    const data = `0x${'ab'.repeat(300)}`;
    const { text = '' } = effects({ value: 0n, data })[0] ?? {};
    expect(text).toBe(
      `calls function 0xabababab of ${payroll} with data 0x${'ab'.repeat(256)}... (300 bytes, keccak256 ${keccak256(data)})`,
    );
  });

  test('that makes a contract is a Deploy', () => {
    expect(effects({ to: null, value: 0n, data: '0x600080' })).toEqual([
      { kind: 'Deploy', chain: ethereum, text: 'deploys a contract with data 0x600080' },
    ]);
  });

  test('that sends nothing is a transfer of nothing, which replaces a transaction that hangs', () => {
    expect(effects({ value: 0n })).toMatchObject([{ kind: 'Transfer', amount: 0n, text: `sends 0 ETH to ${payroll}` }]);
  });

  test("is in the chain's own coin", () => {
    const made = transaction({ chainId: 137, value: 25n * 10n ** 17n });
    const decoded = decodeFor(unsigned(made), 'eip155:137');
    expect(decoded.effects).toMatchObject([{ asset: 'eip155:137/slip44:966', text: `sends 2.5 POL to ${payroll}` }]);
    expect(decoded.fees).toMatchObject([{ asset: 'eip155:137/slip44:966' }]);
  });
});

const selector = (data: string): string => data.slice(0, 10);
const dirty = tokenData('transfer', payroll, 1n).replace(/^(0x.{8})00/, '$101');

describe('a call is refused', () => {
  test.each([
    ['to nobody', { to: nobody }, 'Malformed', 'the zero address is nobody'],
    ['of a token to nobody', ofToken('transfer', nobody), 'Malformed', 'transfer: the zero address is nobody'],
    ['that lets nobody move it', ofToken('approve', nobody), 'Malformed', 'approve: the zero address is nobody'],
    ['of a token to its own contract', ofToken('transfer', usdc), 'Malformed', `its own contract ${usdc}`],
    [
      'of a token with ETH',
      { ...ofToken('transfer'), value: 10n ** 16n },
      'Malformed',
      'transfer: sends 0.01 ETH along, which a token does not take',
    ],
    ['that approves with ETH', { ...ofToken('approve'), value: 1n }, 'Malformed', 'approve: sends'],
    [
      'with a word more',
      { ...ofToken('transfer'), data: `${tokenData('transfer', payroll, 1n)}${'00'.repeat(32)}` },
      'Malformed',
      '68 bytes of data, got 100',
    ],
    [
      'with a byte less',
      { ...ofToken('approve'), data: tokenData('approve', payroll, 1n).slice(0, -2) },
      'Malformed',
      '68 bytes of data, got 67',
    ],
    [
      'of its selector alone',
      { ...ofToken('transfer'), data: selector(tokenData('transfer', payroll, 1n)) },
      'Malformed',
      '68 bytes of data, got 4',
    ],
    [
      'with dirt before the address',
      { ...ofToken('transfer'), data: dirty },
      'Malformed',
      'want 12 zeros before the address, got 0x01',
    ],
    ['that deploys and pays', { to: null, value: 1n, data: '0x60' }, 'Unsupported', 'to a contract that it deploys'],
    ['that goes nowhere', { to: null, value: 0n }, 'Malformed', 'goes nowhere and deploys nothing'],
  ])('%s', (_, change, reason, message) => {
    expect(refused(change)).toEqual({ reason, message: expect.stringContaining(message) as string });
  });
});
