import { programDecoder, readAddress, sol, solAsset } from './solana-programs.ts';
import type { Scene } from './solana-programs.ts';
import { Refused } from '../../common/errors.ts';

export const systemProgram = '11111111111111111111111111111111';

/** SystemProgram: bincode, the instruction's number in 32 bits, then its fields. */
export const decodeSystem = programDecoder((reader) => reader.u32('system instruction'), {
  // CreateAccount
  0: (scene) => created(scene),
  // Assign
  1: ({ reader, own, at }) => {
    const owner = readAddress(reader, 'owner');
    own(0, 'account');
    return { kind: 'Authority', destination: at(owner), text: `hands this key's account to program ${owner}` };
  },
  // Transfer
  2: ({ chain, key, reader, account, own, at }) => {
    const amount = reader.u64('lamports');
    own(0, 'source');
    const to = account(1, 'destination');
    return {
      kind: 'Transfer',
      asset: solAsset(chain),
      amount,
      destination: at(to),
      text: `sends ${sol(amount)} to ${to === key ? 'itself' : to}`,
      // From an account to the same account nothing moves.
      ...(to === key && { change: true }),
    };
  },
  // CreateAccountWithSeed
  3: (scene) => {
    scene.reader.take(32, 'base');
    const length = scene.reader.u64('seed');
    if (length > 32n) throw new Refused('Malformed', `seed: want at most 32 bytes, got ${length}`);
    scene.reader.take(Number(length), 'seed');
    return created(scene);
  },
  // AdvanceNonceAccount, whoever may do it: as first instruction it makes the whole transaction durable.
  4: ({ account, at }) => {
    const nonce = account(0, 'nonce account');
    return {
      kind: 'DurableNonce',
      destination: at(nonce),
      text: `stays valid until nonce account ${nonce} advances, however long that takes`,
    };
  },
  // WithdrawNonceAccount
  5: ({ chain, reader, account, own, at }) => {
    const amount = reader.u64('lamports');
    const to = account(1, 'destination');
    own(4, 'authority');
    return {
      kind: 'DurableNonce',
      asset: solAsset(chain),
      amount,
      destination: at(to),
      text: `withdraws ${sol(amount)} from nonce account ${account(0, 'nonce account')} to ${to}`,
    };
  },
  // InitializeNonceAccount
  6: ({ reader, account, at }) => {
    const authority = readAddress(reader, 'authority');
    return {
      kind: 'DurableNonce',
      destination: at(authority),
      text: `makes ${account(0, 'account')} a nonce account of ${authority}`,
    };
  },
  // AuthorizeNonceAccount
  7: ({ reader, account, own, at }) => {
    const authority = readAddress(reader, 'authority');
    own(1, 'authority');
    return {
      kind: 'Authority',
      destination: at(authority),
      text: `hands nonce account ${account(0, 'nonce account')} to ${authority}`,
    };
  },
});

/**
 * A new account under a program, paid by the key: both kinds end with lamports, space and owner. The SOL goes to the
 * account, whose key may hold it already, and control of it to the program.
 */
function created({ chain, reader, account, own, at }: Scene) {
  const amount = reader.u64('lamports');
  reader.u64('space');
  const owner = readAddress(reader, 'owner');
  own(0, 'source');
  const made = account(1, 'new account');
  return [
    {
      kind: 'Authority',
      asset: solAsset(chain),
      amount,
      destination: at(made),
      text: `gives ${sol(amount)} to new account ${made}`,
    },
    { kind: 'Authority', destination: at(owner), text: `puts new account ${made} under program ${owner}` },
  ] as const;
}
