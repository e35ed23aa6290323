import { base58 } from '@scure/base';
import { Refused } from '../../common/errors.ts';
import { BytesReader } from './bytes-reader.ts';

export type SolanaInstruction = {
  /** Its place in the message, from 0. */
  readonly index: number;
  /** Base58, as are the accounts. */
  readonly program: string;
  readonly accounts: readonly string[];
  readonly data: Uint8Array;
};

export type SolanaMessage = {
  /** Whose signatures it needs, in the order of the signatures; the first pays. */
  readonly signers: readonly string[];
  readonly instructions: readonly SolanaInstruction[];
};

/**
 * Reads a message, legacy or version 0, in its only encoding: lengths in their shortest form, nothing trailing. Refuses
 * what the chain's own sanitizing refuses, so that no message means one thing here and another there.
 */
export function readMessage(bytes: Uint8Array): SolanaMessage {
  const reader = new BytesReader(bytes);
  // The high bit of the first byte tells versions from the count of signatures that begins a legacy message.
  const first = reader.u8('message: first byte');
  const versioned = first >= 0x80;
  if (first > 0x80)
    throw new Refused('Unsupported', `message: want a legacy message or version 0, got version ${first & 0x7f}`);
  const signed = versioned ? reader.u8('message: signatures') : first;
  const readonlySigned = reader.u8('message: read-only signers');
  const readonlyUnsigned = reader.u8('message: other read-only accounts');
  const count = reader.length('message: accounts');
  const accounts = Array.from({ length: count }, (_, i) => base58.encode(reader.take(32, `message: account ${i}`)));
  // The first signer pays, so there is one and it is writable.
  if (readonlySigned >= signed || signed + readonlyUnsigned > count)
    throw new Refused('Malformed', 'message: its counts of signers and accounts contradict one another');
  if (new Set(accounts).size < count) throw new Refused('Malformed', 'message: an account is listed twice');
  reader.take(32, 'message: blockhash');
  const instructions = Array.from({ length: reader.length('message: instructions') }, (_, index) =>
    readInstruction(reader, accounts, index),
  );
  if (versioned) refuseLookups(reader);
  reader.end('message');
  return { signers: accounts.slice(0, signed), instructions };
}

function readInstruction(reader: BytesReader, accounts: readonly string[], index: number): SolanaInstruction {
  const at = `instruction ${index}`;
  const account = (number: number): string => {
    const found = accounts[number];
    if (found === undefined) throw new Refused('Malformed', `${at}: account ${number} of ${accounts.length}`);
    return found;
  };
  const program = reader.u8(`${at}: program`);
  if (program === 0) throw new Refused('Malformed', `${at}: its program is the account that pays`);
  const numbers = reader.take(reader.length(`${at}: accounts`), `${at}: accounts`);
  const data = reader.take(reader.length(`${at}: data`), `${at}: data`);
  return { index, program: account(program), accounts: Array.from(numbers, account), data };
}

function refuseLookups(reader: BytesReader): void {
  if (reader.length('message: lookup tables') === 0) return;
  const table = base58.encode(reader.take(32, 'message: lookup table'));
  throw new Refused(
    'Unsupported',
    `message: takes accounts from lookup table ${table}, and what that holds cannot be proven here: build it without lookup tables`,
  );
}
