import { Refused } from '../../common/errors.ts';
import { associatedTokenAccount } from './associated-token-account.ts';
import { programDecoder, sol, solAsset } from './solana-programs.ts';
import type { ProgramDecoder, Scene } from './solana-programs.ts';
import { systemProgram } from './solana-system.ts';
import { token2022Program, tokenProgram } from './solana-token.ts';

/**
 * The most that an account of `bytes` costs: two years of rent, with 128 bytes for the account itself. Clusters have
 * only ever lowered it; what an account already holds is taken off.
 */
const rent = (bytes: bigint): bigint => (128n + bytes) * 3_480n * 2n;

// Token-2022 adds to the 165 bytes what the mint's extensions ask of accounts: 195 with all that there are.
const mostRent: ReadonlyMap<string, bigint> = new Map([
  [tokenProgram, rent(165n)],
  [token2022Program, rent(256n)],
]);

/**
 * Associated token accounts: Create and CreateIdempotent. The rent that the key pays stays in the new account, from
 * which its owner gets it by closing it: a transfer of SOL to that owner, whom the instruction names.
 */
export const decodeTokenAccount: ProgramDecoder = programDecoder(
  (reader) => (reader.left === 0 ? 0 : reader.u8('instruction')),
  {
    0: (scene) => created(scene),
    1: (scene) => created(scene),
  },
);

function created({ chain, account, own, at }: Scene) {
  own(0, 'payer');
  const made = account(1, 'new account');
  const owner = account(2, 'owner');
  const mint = account(3, 'mint');
  const program = account(5, 'token program');
  const amount = mostRent.get(program);
  if (amount === undefined || account(4, 'system program') !== systemProgram)
    throw new Refused(
      'Malformed',
      `token account ${made}: want the system program and a token program, got ${program}`,
    );
  if (made !== associatedTokenAccount(owner, mint, program))
    throw new Refused('Malformed', `token account ${made}: is not the one of ${owner} for mint ${mint}`);
  return {
    kind: 'Transfer',
    asset: solAsset(chain),
    amount,
    destination: at(made),
    owner: at(owner),
    text: `pays up to ${sol(amount)} of rent for the token account ${made} of ${owner}`,
  } as const;
}
