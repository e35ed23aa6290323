import {
  findAssociatedTokenPda,
  getCreateAssociatedTokenIdempotentInstruction,
  getCreateAssociatedTokenInstruction,
  getRecoverNestedAssociatedTokenInstruction,
} from '@solana-program/token';
import { address } from '@solana/kit';
import type { Address } from '@solana/kit';
import { describe, expect, test } from 'vitest';
import { token2022Program, tokenProgram } from './solana-token.ts';
import { at, devnet, other, ours, refused, signed, sol, testKey, withData } from './testing/solana.ts';

const { address: payroll } = testKey('payroll');
const { address: mint } = testKey('mint');
const { address: made } = testKey('made');
const token = address(tokenProgram);
const token2022 = address(token2022Program);
const [ourTokens] = await findAssociatedTokenPda({ owner: ours.address, mint, tokenProgram: token });
const [theirTokens] = await findAssociatedTokenPda({ owner: payroll, mint, tokenProgram: token });
const [theirTokens2022] = await findAssociatedTokenPda({ owner: payroll, mint, tokenProgram: token2022 });

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
        owner: at(payroll),
        text: `pays up to 0.00203928 SOL of rent for the token account ${theirTokens} of ${payroll}`,
      },
    ]);
  });

  test('of Token-2022 costs more where the mint has extensions', () => {
    const instruction = getCreateAssociatedTokenInstruction(opened({ ata: theirTokens2022, tokenProgram: token2022 }));
    expect(signed(instruction)).toMatchObject([{ amount: 2_672_640n, owner: at(payroll) }]);
  });

  test('is refused where another pays, at another address, or under another program', () => {
    const instruction = getCreateAssociatedTokenInstruction;
    expect(refused(instruction(opened()), instruction(opened({ payer: other }))).message).toContain(
      `its payer is ${other.address}`,
    );
    expect(refused(instruction(opened({ ata: ourTokens }))).message).toContain(`is not the one of ${payroll}`);
    expect(refused(instruction(opened({ tokenProgram: token2022 }))).message).toContain('is not the one of');
    expect(refused(instruction(opened({ tokenProgram: made }))).message).toContain('want the system program');
  });

  test('recovered from another is a call', () => {
    const instruction = getRecoverNestedAssociatedTokenInstruction({
      nestedAssociatedAccountAddress: made,
      nestedTokenMintAddress: mint,
      destinationAssociatedAccountAddress: testKey('destination').address,
      ownerAssociatedAccountAddress: ourTokens,
      ownerTokenMintAddress: testKey('other mint').address,
      walletAddress: ours.signer,
    });
    expect(signed(instruction)).toMatchObject([{ kind: 'Call' }]);
  });
});
