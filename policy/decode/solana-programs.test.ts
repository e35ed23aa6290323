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
import {
  findAssociatedTokenPda,
  getApproveCheckedInstruction,
  getApproveInstruction,
  getBurnCheckedInstruction,
  getCloseAccountInstruction,
  getCreateAssociatedTokenIdempotentInstruction,
  getCreateAssociatedTokenInstruction,
  getRecoverNestedAssociatedTokenInstruction,
  getRevokeInstruction,
  getSetAuthorityInstruction,
  getTransferCheckedInstruction,
  getTransferInstruction,
} from '@solana-program/token';
import { address } from '@solana/kit';
import type { Address, Instruction } from '@solana/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, utf8 } from '../../common/bytes.ts';
import { associatedTokenAccount } from './associated-token-account.ts';
import { refusal } from './testing/refusal.ts';
import { decodeFor, devnet, testKey, wire } from './testing/solana.ts';

const ours = testKey('ours');
const other = testKey('other');
const [mint, nonce, delegate, made, seeded] = ['mint', 'nonce', 'delegate', 'made', 'seeded'].map(
  (name) => testKey(name).address,
) as [Address, Address, Address, Address, Address];
const payroll = testKey('payroll').address;
const token = address('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA');
const token2022 = address('TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb');
const system = address('11111111111111111111111111111111');
const sol = `${devnet}/slip44:501`;
const at = (account: string) => `${devnet}:${account}`;

const [ourTokens] = await findAssociatedTokenPda({ owner: ours.address, mint, tokenProgram: token });
const [theirTokens] = await findAssociatedTokenPda({ owner: payroll, mint, tokenProgram: token });
const [theirTokens2022] = await findAssociatedTokenPda({ owner: payroll, mint, tokenProgram: token2022 });

const signed = (...instructions: Instruction[]) => decodeFor(ours, wire(ours, instructions)).effects;
const refused = (...instructions: Instruction[]) =>
  refusal(() => decodeFor(ours, wire(ours, instructions, { signers: [other] })));
/** The same instruction with other data. */
const withData = (instruction: Instruction, data: Uint8Array): Instruction => ({ ...instruction, data });
const longer = (instruction: Instruction): Instruction =>
  withData(instruction, concat(Uint8Array.from(instruction.data ?? []), Uint8Array.of(0)));

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

  test.each<[string, Instruction, object]>([
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
        destination: at(system),
        text: `gives 0.000000003 SOL to new account ${seeded} under program ${system}`,
      },
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
  ])('%s', (_, instruction, effect) => {
    expect(signed(instruction)).toEqual([{ chain: devnet, ...effect }]);
  });

  test('makes an account whose key has signed', () => {
    const { effects } = decodeFor(ours, wire(ours, [create], { signers: [other] }));
    expect(effects).toEqual([
      {
        kind: 'Authority',
        chain: devnet,
        asset: sol,
        amount: 2_000_000n,
        destination: at(token),
        text: `gives 0.002 SOL to new account ${other.address} under program ${token}`,
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
});

const checked = (
  over: { authority?: typeof ours; tokenProgram?: Address; destination?: Address; amount?: bigint } = {},
) =>
  getTransferCheckedInstruction(
    {
      source: ourTokens,
      mint,
      destination: over.destination ?? theirTokens,
      authority: (over.authority ?? ours).signer,
      amount: over.amount ?? 25_500_000n,
      decimals: 6,
    },
    { programAddress: over.tokenProgram ?? token },
  );

describe('the token programs', () => {
  test('send tokens to an account that rules derive again from its owner', () => {
    const [effect] = signed(checked());
    expect(effect).toEqual({
      kind: 'Transfer',
      chain: devnet,
      asset: `${devnet}/token:${mint}`,
      amount: 25_500_000n,
      destination: at(theirTokens),
      derived: { mint, program: token },
      text: `sends 25.5 of token ${mint} from ${ourTokens} to token account ${theirTokens}`,
    });
    expect(associatedTokenAccount(payroll, mint, token)).toBe(theirTokens);
  });

  test('say where less may arrive than leaves', () => {
    const [effect] = signed(checked({ tokenProgram: token2022, destination: theirTokens2022 }));
    expect(effect).toMatchObject({ amount: 25_500_000n, derived: { mint, program: token2022 } });
    expect(effect?.text).toMatch(/, less what the mint keeps as its fee$/);
  });

  test('take tokens to the own account for a transfer, since nothing here proves whose it is now', () => {
    expect(signed(checked({ destination: ourTokens }))[0]).not.toHaveProperty('change');
  });

  test('ignore accounts that a payment is found by later, but no hook is run unseen', () => {
    const referenced = (instruction: Instruction): Instruction => ({
      ...instruction,
      accounts: [...(instruction.accounts ?? []), { address: testKey('reference').address, role: 0 }],
    });
    expect(signed(referenced(checked()))).toHaveLength(1);
    expect(refused(referenced(checked({ tokenProgram: token2022 })))).toEqual({
      reason: 'Unsupported',
      message: 'instruction 0: a transfer with a hook calls a program that is not understood',
    });
  });

  const owner = ours.signer;
  test.each<[string, Instruction, object]>([
    [
      'Approve',
      getApproveInstruction({ source: ourTokens, delegate, owner, amount: 3n }),
      { kind: 'Approve', amount: 3n, destination: at(delegate) },
    ],
    [
      'ApproveChecked',
      getApproveCheckedInstruction({ source: ourTokens, mint, delegate, owner, amount: 3n, decimals: 2 }),
      { kind: 'Approve', asset: `${devnet}/token:${mint}`, amount: 3n, destination: at(delegate) },
    ],
    ['Revoke', getRevokeInstruction({ source: ourTokens, owner }), { kind: 'Approve', amount: 0n }],
    [
      'SetAuthority',
      getSetAuthorityInstruction({ owned: ourTokens, owner, authorityType: 2, newAuthority: delegate }),
      { kind: 'Authority', destination: at(delegate), text: `hands ownership of ${ourTokens} to ${delegate}` },
    ],
    [
      'SetAuthority to nobody',
      getSetAuthorityInstruction({ owned: mint, owner, authorityType: 0, newAuthority: null }),
      { kind: 'Authority', text: `gives up the right to mint tokens of ${mint} for ever` },
    ],
    [
      'CloseAccount',
      getCloseAccountInstruction({ account: ourTokens, destination: payroll, owner }),
      {
        kind: 'Authority',
        destination: at(payroll),
        text: `closes token account ${ourTokens} and sends all its SOL to ${payroll}`,
      },
    ],
    [
      'BurnChecked',
      getBurnCheckedInstruction({ account: ourTokens, mint, authority: owner, amount: 1n, decimals: 6 }),
      { kind: 'Call', destination: at(token) },
    ],
  ])('keep %s to rules that name it', (_, instruction, effect) => {
    expect(signed(instruction)).toMatchObject([{ chain: devnet, ...effect }]);
  });

  test('move nothing whose mint is not said', () => {
    const unchecked = getTransferInstruction({
      source: ourTokens,
      destination: theirTokens,
      authority: owner,
      amount: 1n,
    });
    expect(refused(unchecked)).toEqual({
      reason: 'Unsupported',
      message: 'token instruction Transfer does not say of which mint: use TransferChecked, which does',
    });
  });

  test('take no part of a signature for an account of several signers', () => {
    const several = getTransferCheckedInstruction({
      source: ourTokens,
      mint,
      destination: theirTokens,
      authority: made,
      amount: 1n,
      decimals: 6,
      multiSigners: [ours.signer],
    });
    expect(refused(several)).toEqual({
      reason: 'Undecodable',
      message: `instruction 0: its authority is ${made}, not this key: only what the key does itself is signed`,
    });
  });
});

describe('a new token account', () => {
  const opened = (over: { payer?: typeof ours; ata?: Address; tokenProgram?: Address } = {}) => ({
    payer: (over.payer ?? ours).signer,
    ata: over.ata ?? theirTokens,
    owner: payroll,
    mint,
    tokenProgram: over.tokenProgram ?? token,
  });

  test.each([
    ['Create', getCreateAssociatedTokenInstruction(opened())],
    ['CreateIdempotent', getCreateAssociatedTokenIdempotentInstruction(opened())],
    ['Create without a number', withData(getCreateAssociatedTokenInstruction(opened()), new Uint8Array())],
  ])('by %s costs its rent, which goes to its owner', (_, instruction) => {
    expect(signed(instruction)).toEqual([
      {
        kind: 'Transfer',
        chain: devnet,
        asset: sol,
        amount: 2_039_280n,
        destination: at(theirTokens),
        derived: { mint, program: token },
        text: `pays up to 0.00203928 SOL of rent for the token account ${theirTokens} of ${payroll}`,
      },
    ]);
  });

  test('of Token-2022 costs more where the mint has extensions', () => {
    const instruction = getCreateAssociatedTokenInstruction(opened({ ata: theirTokens2022, tokenProgram: token2022 }));
    expect(signed(instruction)).toMatchObject([{ amount: 2_672_640n, derived: { program: token2022 } }]);
  });

  test('is refused where another pays, at another address, or under another program', () => {
    const instruction = getCreateAssociatedTokenInstruction;
    expect(refused(transfer, instruction(opened({ payer: other }))).message).toContain(`its payer is ${other.address}`);
    expect(refused(instruction(opened({ ata: ourTokens }))).message).toContain(`is not the one of ${payroll}`);
    expect(refused(instruction(opened({ tokenProgram: token2022 }))).message).toContain('is not the one of');
    expect(refused(instruction(opened({ tokenProgram: made }))).message).toContain('want the system program');
  });

  test('recovered from another is a call', () => {
    const instruction = getRecoverNestedAssociatedTokenInstruction({
      nestedAssociatedAccountAddress: made,
      nestedTokenMintAddress: mint,
      destinationAssociatedAccountAddress: delegate,
      ownerAssociatedAccountAddress: ourTokens,
      ownerTokenMintAddress: seeded,
      walletAddress: ours.signer,
    });
    expect(signed(instruction)).toMatchObject([{ kind: 'Call' }]);
  });
});

describe('a memo', () => {
  const memo = (data: Uint8Array, program = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXwDLGmfcHr'): Instruction => ({
    programAddress: address(program),
    data,
  });

  test.each(['MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXwDLGmfcHr', 'Memo1UhkJRfHyvLMcVucJwXXeuD728EqVDDwQDxFMNo'])(
    'to %s is a message that a rule must allow, since a receiver may credit by it',
    (program) => {
      expect(signed(memo(utf8('invoice 7\u202e'), program))).toEqual([
        {
          kind: 'Message',
          chain: devnet,
          destination: at(program),
          text: String.raw`writes the memo "invoice 7\u{202e}"`,
        },
      ]);
    },
  );

  test('that is no text is refused', () => {
    expect(refused(memo(Uint8Array.of(0xff))).message).toBe('instruction 0: the memo is not UTF-8');
  });
});

describe("what is not under the key's own authority", () => {
  test.each<[string, Instruction, string]>([
    ["another's SOL", getTransferSolInstruction({ source: other.signer, destination: payroll, amount: 1n }), 'source'],
    ["another's account", assign(other), 'account'],
    ["another's nonce account", withdraw(other), 'authority'],
    ["another's tokens", checked({ authority: other }), 'authority'],
    [
      "another's allowance",
      getApproveInstruction({ source: made, delegate, owner: other.signer, amount: 1n }),
      'authority',
    ],
    [
      "another's token account",
      getCloseAccountInstruction({ account: made, destination: payroll, owner: other.signer }),
      'authority',
    ],
  ])('is refused: %s', (_, instruction, role) => {
    expect(refused(transfer, instruction)).toEqual({
      reason: 'Undecodable',
      message: `instruction 1: its ${role} is ${other.address}, not this key: only what the key does itself is signed`,
    });
  });
});

describe('an instruction that is understood', () => {
  const all: readonly Instruction[] = [
    transfer,
    assign(),
    createWithSeed,
    advance,
    withdraw(),
    authorize,
    checked(),
    getApproveInstruction({ source: ourTokens, delegate, owner: ours.signer, amount: 3n }),
    getRevokeInstruction({ source: ourTokens, owner: ours.signer }),
    getSetAuthorityInstruction({ owned: ourTokens, owner: ours.signer, authorityType: 2, newAuthority: null }),
    getCloseAccountInstruction({ account: ourTokens, destination: payroll, owner: ours.signer }),
  ];

  test.each(all.map((instruction, i) => [i, instruction] as const))('is read to its end (%i)', (_, instruction) => {
    expect(refused(longer(instruction)).message).toContain('instruction 0: 1 bytes too many');
    const data = Uint8Array.from(instruction.data ?? []);
    if (data.length > 4)
      expect(refused(withData(instruction, data.subarray(0, -1))).message).toMatch(/want \d+ bytes, \d+ are left/);
    expect(refused({ ...instruction, accounts: [] }).message).toMatch(/want account \d, its/);
  });

  test('has a number', () => {
    expect(refused(withData(transfer, Uint8Array.of(2, 0))).message).toContain('system instruction: want 4 bytes');
    expect(refused(withData(checked(), new Uint8Array())).message).toContain('token instruction: want 1 bytes');
    expect(
      refused(
        withData(
          createWithSeed,
          concat(Uint8Array.of(3, 0, 0, 0), new Uint8Array(32).fill(1), new Uint8Array(8).fill(255)),
        ),
      ).message,
    ).toContain('seed: want at most 32 bytes');
  });
});
