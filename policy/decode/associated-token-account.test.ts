import { ASSOCIATED_TOKEN_PROGRAM_ADDRESS, findAssociatedTokenPda } from '@solana-program/token';
import { getAddressDecoder } from '@solana/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { associatedTokenAccount, associatedTokenProgram } from './associated-token-account.ts';
import { tokenProgram } from './solana-token.ts';

const mint = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';

describe('an associated token account', () => {
  test('is the one that the library finds for any owner, mint and program', async () => {
    expect(associatedTokenProgram).toBe(ASSOCIATED_TOKEN_PROGRAM_ADDRESS);
    const account = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => getAddressDecoder().decode(bytes));
    await fc.assert(
      fc.asyncProperty(account, account, account, async (owner, of, program) => {
        const [found] = await findAssociatedTokenPda({ owner, mint: of, tokenProgram: program });
        expect(associatedTokenAccount(owner, of, program)).toBe(found);
      }),
      { numRuns: 50 },
    );
  });

  test.each(['', 'not base58!', '1'.repeat(31), '1'.repeat(33), '1'.repeat(100_000), `${mint}1`])(
    'is of an owner, not of %o',
    (owner) => {
      expect(() => associatedTokenAccount(owner, mint, tokenProgram)).toThrow(
        'want a Solana address, 32 bytes in base58',
      );
    },
  );
});
