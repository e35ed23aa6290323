import {
  findAssociatedTokenPda,
  AuthorityType,
  getApproveCheckedInstruction,
  getApproveInstruction,
  getBurnCheckedInstruction,
  getCloseAccountInstruction,
  getRevokeInstruction,
  getSetAuthorityInstruction,
  getTransferCheckedInstruction,
  getTransferInstruction,
} from '@solana-program/token';
import { AccountRole, address } from '@solana/kit';
import type { Address, Instruction } from '@solana/kit';
import { describe, expect, test } from 'vitest';
import { associatedTokenAccount } from './associated-token-account.ts';
import { token2022Program, tokenProgram } from './solana-token.ts';
import { at, devnet, distorted, other, ours, refused, signed, sol, testKey, withData } from './testing/solana.ts';

const { address: payroll } = testKey('payroll');
const { address: mint } = testKey('mint');
const { address: delegate } = testKey('delegate');
const { address: made } = testKey('made');
const token = address(tokenProgram);
const token2022 = address(token2022Program);
const [ourTokens] = await findAssociatedTokenPda({ owner: ours.address, mint, tokenProgram: token });
const [theirTokens] = await findAssociatedTokenPda({ owner: payroll, mint, tokenProgram: token });
const [theirTokens2022] = await findAssociatedTokenPda({ owner: payroll, mint, tokenProgram: token2022 });

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
      decimals: 6,
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
      accounts: [
        ...(instruction.accounts ?? []),
        { address: testKey('reference').address, role: AccountRole.READONLY },
      ],
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
      'ApproveChecked',
      getApproveCheckedInstruction({ source: ourTokens, mint, delegate, owner, amount: 3n, decimals: 2 }),
      { kind: 'Approve', asset: `${devnet}/token:${mint}`, amount: 3n, destination: at(delegate) },
    ],
    ['Revoke', getRevokeInstruction({ source: ourTokens, owner }), { kind: 'Approve', amount: 0n }],
    [
      'SetAuthority',
      getSetAuthorityInstruction({
        owned: ourTokens,
        owner,
        authorityType: AuthorityType.AccountOwner,
        newAuthority: delegate,
      }),
      { kind: 'Authority', destination: at(delegate), text: `hands ownership of ${ourTokens} to ${delegate}` },
    ],
    [
      'SetAuthority to nobody',
      getSetAuthorityInstruction({ owned: mint, owner, authorityType: AuthorityType.MintTokens, newAuthority: null }),
      { kind: 'Authority', text: `gives up the right to mint tokens of ${mint} for ever` },
    ],
    [
      'CloseAccount',
      getCloseAccountInstruction({ account: ourTokens, destination: payroll, owner }),
      {
        kind: 'Authority',
        asset: sol,
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

  test.each([
    ['Transfer', getTransferInstruction({ source: ourTokens, destination: theirTokens, authority: owner, amount: 1n })],
    ['Approve', getApproveInstruction({ source: ourTokens, delegate, owner, amount: 3n })],
  ])('let nothing be moved whose mint is not said: %s', (name, unchecked) => {
    expect(refused(unchecked)).toEqual({
      reason: 'Unsupported',
      message: `token instruction ${name} does not say of which mint: use ${name}Checked, which does`,
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

  test.each<[string, Instruction]>([
    ['tokens', checked({ authority: other })],
    ['allowance', getRevokeInstruction({ source: made, owner: other.signer })],
    ['token account', getCloseAccountInstruction({ account: made, destination: payroll, owner: other.signer })],
  ])('do nothing for another signer: its %s', (_, instruction) => {
    expect(refused(checked(), instruction)).toEqual({
      reason: 'Undecodable',
      message: `instruction 1: its authority is ${other.address}, not this key: only what the key does itself is signed`,
    });
  });

  test.each<[string, Instruction]>([
    ['TransferChecked', checked()],
    [
      'ApproveChecked',
      getApproveCheckedInstruction({ source: ourTokens, mint, delegate, owner, amount: 3n, decimals: 2 }),
    ],
    ['Revoke', getRevokeInstruction({ source: ourTokens, owner })],
    [
      'SetAuthority',
      getSetAuthorityInstruction({
        owned: ourTokens,
        owner,
        authorityType: AuthorityType.CloseAccount,
        newAuthority: null,
      }),
    ],
    ['CloseAccount', getCloseAccountInstruction({ account: ourTokens, destination: payroll, owner })],
  ])('take %s as a whole', (_, instruction) => {
    const messages = distorted(instruction).map((one) => refused(one).message);
    expect(messages[0]).toBe('instruction 0: 1 bytes too many');
    for (const message of messages.slice(1))
      expect(message).toMatch(/: want (?:\d+ bytes, \d+ are left|account \d, its)/);
  });

  test('have instructions with numbers', () => {
    expect(refused(withData(checked(), new Uint8Array())).message).toContain('token instruction: want 1 bytes');
    expect(refused(withData(checked(), Uint8Array.of(6, 2, 2))).message).toContain(
      'new authority: want 0 or 1 before it',
    );
  });
});
