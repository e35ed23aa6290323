import {
  getAdvanceNonceAccountInstruction,
  getAllocateInstruction,
  getAssignInstruction,
  getAuthorizeNonceAccountInstruction,
  getCreateAccountInstruction,
  getCreateAccountWithSeedInstruction,
  getInitializeNonceAccountInstruction,
  getTransferSolInstruction,
  getTransferSolWithSeedInstruction,
  getWithdrawNonceAccountInstruction,
} from '@solana-program/system';
import { address } from '@solana/kit';
import type { Instruction } from '@solana/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../common/bytes.ts';
import { tokenProgram } from './solana-token.ts';
import {
  at,
  decodeFor,
  devnet,
  distorted,
  other,
  ours,
  refused,
  signed,
  sol,
  testKey,
  wire,
  withData,
} from './testing/solana.ts';

const { address: payroll } = testKey('payroll');
const { address: nonce } = testKey('nonce');
const { address: delegate } = testKey('delegate');
const { address: seeded } = testKey('seeded');
const token = address(tokenProgram);
const system = address('11111111111111111111111111111111');

const transfer = getTransferSolInstruction({ source: ours.signer, destination: payroll, amount: 7n });
const assign = (key = ours) => getAssignInstruction({ account: key.signer, programAddress: token });
const create = getCreateAccountInstruction({
  payer: ours.signer,
  newAccount: other.signer,
  lamports: 2_000_000n,
  space: 165n,
  programAddress: token,
});
const createWithSeed = getCreateAccountWithSeedInstruction({
  payer: ours.signer,
  newAccount: seeded,
  baseAccount: ours.signer,
  base: ours.address,
  seed: 'savings',
  amount: 3n,
  space: 0n,
  programAddress: system,
});
const advance = getAdvanceNonceAccountInstruction({ nonceAccount: nonce, nonceAuthority: ours.signer });
const withdraw = (key = ours) =>
  getWithdrawNonceAccountInstruction({
    nonceAccount: nonce,
    recipientAccount: payroll,
    nonceAuthority: key.signer,
    withdrawAmount: 9n,
  });
const authorize = getAuthorizeNonceAccountInstruction({
  nonceAccount: nonce,
  nonceAuthority: ours.signer,
  newNonceAuthority: delegate,
});

describe('the system program', () => {
  test('sends SOL, and to itself it is proven to come back', () => {
    const itself = getTransferSolInstruction({ source: ours.signer, destination: ours.address, amount: 7n });
    expect(signed(transfer, itself)).toEqual([
      {
        kind: 'Transfer',
        chain: devnet,
        asset: sol,
        amount: 7n,
        destination: at(payroll),
        text: `sends 0.000000007 SOL to ${payroll}`,
      },
      {
        kind: 'Transfer',
        chain: devnet,
        asset: sol,
        amount: 7n,
        destination: at(ours.address),
        change: true,
        text: 'sends 0.000000007 SOL to itself',
      },
    ]);
  });

  test('sends what any amount of 64 bits says', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (amount) => {
        const effects = signed(getTransferSolInstruction({ source: ours.signer, destination: payroll, amount }));
        expect(effects[0]).toMatchObject({ amount });
      }),
      { numRuns: 50 },
    );
  });

  test.each<[string, Instruction, ...object[]]>([
    [
      'gives an account to a program',
      assign(),
      { kind: 'Authority', destination: at(token), text: `hands this key's account to program ${token}` },
    ],
    [
      'makes an account from a seed',
      createWithSeed,
      {
        kind: 'Authority',
        asset: sol,
        amount: 3n,
        destination: at(seeded),
        text: `gives 0.000000003 SOL to new account ${seeded}`,
      },
      { kind: 'Authority', destination: at(system), text: `puts new account ${seeded} under program ${system}` },
    ],
    [
      'makes a transaction durable',
      advance,
      {
        kind: 'DurableNonce',
        destination: at(nonce),
        text: `stays valid until nonce account ${nonce} advances, however long that takes`,
      },
    ],
    [
      'withdraws from a nonce account',
      withdraw(),
      {
        kind: 'DurableNonce',
        asset: sol,
        amount: 9n,
        destination: at(payroll),
        text: `withdraws 0.000000009 SOL from nonce account ${nonce} to ${payroll}`,
      },
    ],
    [
      'makes a nonce account',
      getInitializeNonceAccountInstruction({ nonceAccount: nonce, nonceAuthority: delegate }),
      { kind: 'DurableNonce', destination: at(delegate), text: `makes ${nonce} a nonce account of ${delegate}` },
    ],
    [
      'hands over a nonce account',
      authorize,
      { kind: 'Authority', destination: at(delegate), text: `hands nonce account ${nonce} to ${delegate}` },
    ],
  ])('%s', (_, instruction, ...effects) => {
    expect(signed(instruction)).toEqual(effects.map((effect) => ({ chain: devnet, ...effect })));
  });

  test('makes an account whose key has signed', () => {
    const { effects } = decodeFor(ours, wire(ours, [create], { signers: [other] }));
    expect(effects).toEqual([
      {
        kind: 'Authority',
        chain: devnet,
        asset: sol,
        amount: 2_000_000n,
        destination: at(other.address),
        text: `gives 0.002 SOL to new account ${other.address}`,
      },
      {
        kind: 'Authority',
        chain: devnet,
        destination: at(token),
        text: `puts new account ${other.address} under program ${token}`,
      },
    ]);
  });

  test.each<[string, Instruction]>([
    ['Allocate', getAllocateInstruction({ newAccount: ours.signer, space: 10n })],
    [
      'TransferSolWithSeed',
      getTransferSolWithSeedInstruction({
        source: seeded,
        baseAccount: ours.signer,
        destination: payroll,
        amount: 1n,
        fromSeed: 'savings',
        fromOwner: system,
      }),
    ],
  ])('calls %s, which this version does not understand', (_, instruction) => {
    expect(signed(instruction)).toMatchObject([{ kind: 'Call', destination: at(system) }]);
  });

  test.each([
    ["another's SOL", getTransferSolInstruction({ source: other.signer, destination: payroll, amount: 1n }), 'source'],
    ["another's account", assign(other), 'account'],
    ["another's nonce account", withdraw(other), 'authority'],
  ])('does nothing for another signer: %s', (_, instruction, role) => {
    expect(refused(transfer, instruction)).toEqual({
      reason: 'Undecodable',
      message: `instruction 1: its ${role} is ${other.address}, not this key: only what the key does itself is signed`,
    });
  });

  test.each([
    ['Transfer', transfer],
    ['Assign', assign()],
    ['CreateAccountWithSeed', createWithSeed],
    ['AdvanceNonceAccount', advance],
    ['WithdrawNonceAccount', withdraw()],
    ['AuthorizeNonceAccount', authorize],
  ])('takes %s as a whole', (_, instruction) => {
    const messages = distorted(instruction).map((one) => refused(one).message);
    expect(messages[0]).toBe('instruction 0: 1 bytes too many');
    for (const message of messages.slice(1))
      expect(message).toMatch(/: want (?:\d+ bytes, \d+ are left|account \d, its)/);
  });

  test('has instructions with numbers, and seeds of 32 bytes at most', () => {
    expect(refused(withData(transfer, Uint8Array.of(2, 0))).message).toContain('system instruction: want 4 bytes');
    const seed = concat(Uint8Array.of(3, 0, 0, 0), new Uint8Array(32), new Uint8Array(8).fill(255));
    expect(refused(withData(createWithSeed, seed)).message).toContain('seed: want at most 32 bytes');
  });
});
