import { Refused } from '../../common/errors.ts';
import { formatAmount } from '../amount.ts';
import { programDecoder, readAddress, solAsset } from './solana-programs.ts';
import type { ProgramDecoder, Scene } from './solana-programs.ts';

export const tokenProgram = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';
export const token2022Program = 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb';

/**
 * SPL Token and Token-2022, which number these instructions alike. The mint and decimals that TransferChecked and
 * ApproveChecked name are believed because the program fails where they are not the account's.
 */
export const decodeToken: ProgramDecoder = (instruction, context) => {
  const { program, accounts, data } = instruction;
  // Accounts after the authority are what a mint's transfer hook is called with.
  if (program === token2022Program && data[0] === transferChecked && accounts.length > 4)
    throw new Refused(
      'Unsupported',
      `instruction ${instruction.index}: a transfer with a hook calls a program that is not understood`,
    );
  return decoders[program === token2022Program ? 'token2022' : 'token'](instruction, context);
};

const transferChecked = 12;

const decoderOf = (program: string): ProgramDecoder =>
  programDecoder((reader) => reader.u8('token instruction'), {
    3: () => refuseUnchecked('Transfer'),
    4: () => refuseUnchecked('Approve'),
    // Revoke
    5: ({ account, own }) => {
      own(1, 'authority');
      return { kind: 'Approve', amount: 0n, text: `lets nobody else move tokens of ${account(0, 'source')} any more` };
    },
    // SetAuthority
    6: ({ reader, account, own, at }) => {
      const role = authorities[reader.u8('authority type')] ?? 'an authority';
      const given = reader.u8('new authority');
      if (given > 1) throw new Refused('Malformed', `new authority: want 0 or 1 before it, got ${given}`);
      const authority = given === 1 ? readAddress(reader, 'new authority') : undefined;
      own(1, 'authority');
      const subject = `${role} of ${account(0, 'account')}`;
      return authority === undefined
        ? { kind: 'Authority', text: `gives up ${subject} for ever` }
        : { kind: 'Authority', destination: at(authority), text: `hands ${subject} to ${authority}` };
    },
    // CloseAccount: what the account holds in SOL, wrapped SOL with it, only the chain knows.
    9: ({ chain, account, own, at }) => {
      const to = account(1, 'destination');
      own(2, 'authority');
      return {
        kind: 'Authority',
        asset: solAsset(chain),
        destination: at(to),
        text: `closes token account ${account(0, 'account')} and sends all its SOL to ${to}`,
      };
    },
    [transferChecked]: (scene) => {
      const { account, own, at } = scene;
      const source = account(0, 'source');
      const { mint, units, ...moved } = checked(scene);
      const to = account(2, 'destination');
      own(3, 'authority');
      // Token-2022 mints may keep a fee of what arrives; what leaves is the amount.
      const less = program === token2022Program ? ', less what the mint keeps as its fee' : '';
      return {
        kind: 'Transfer',
        ...moved,
        destination: at(to),
        derived: { mint, program },
        text: `sends ${units} of token ${mint} from ${source} to token account ${to}${less}`,
      };
    },
    // ApproveChecked
    13: (scene) => {
      const { account, own, at } = scene;
      const { mint, units, ...moved } = checked(scene);
      const delegate = account(2, 'delegate');
      own(3, 'authority');
      return {
        kind: 'Approve',
        ...moved,
        destination: at(delegate),
        text: `lets ${delegate} move ${units} of token ${mint} out of token account ${account(0, 'source')}`,
      };
    },
  });

const decoders = { token: decoderOf(tokenProgram), token2022: decoderOf(token2022Program) };

/** No limit could count what has no mint. */
function refuseUnchecked(name: string): never {
  throw new Refused(
    'Unsupported',
    `token instruction ${name} does not say of which mint: use ${name}Checked, which does`,
  );
}

/** Mint, amount and decimals of a checked instruction. */
function checked({ chain, reader, account }: Scene) {
  const mint = account(1, 'mint');
  const amount = reader.u64('amount');
  const decimals = reader.u8('decimals');
  return { mint, asset: `${chain}/token:${mint}`, amount, decimals, units: formatAmount(amount, decimals) };
}

const authorities: Readonly<Record<number, string>> = {
  0: 'the right to mint tokens',
  1: 'the right to freeze accounts',
  2: 'ownership',
  3: 'the right to close',
};
