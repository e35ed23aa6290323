import { base58 } from '@scure/base';
import { Refused } from '../../common/errors.ts';
import { formatAmount } from '../amount.ts';
import type { Effect } from '../effect.ts';
import { BytesReader } from './bytes-reader.ts';
import type { SolanaInstruction } from './solana-message.ts';

/** What the effects of an instruction depend on beside the instruction. */
export type SolanaContext = {
  /** CAIP-2 */
  readonly chain: string;
  /** Address of the key that would sign. */
  readonly key: string;
};

/** What an instruction of one program does. */
export type ProgramDecoder = (instruction: SolanaInstruction, context: SolanaContext) => readonly Effect[];

/** One instruction while it is read. */
export type Scene = SolanaContext & {
  /** Its data after the number of the instruction. */
  readonly reader: BytesReader;
  /** Its account number `number`; refuses where there is none. */
  readonly account: (number: number, role: string) => string;
  /** Refuses unless account number `number` is the key's own. */
  readonly own: (number: number, role: string) => void;
  /** CAIP-10 of an address. */
  readonly at: (address: string) => string;
};

type Did = Omit<Effect, 'chain'>;
type Reading = (scene: Scene) => Did | readonly Did[];

/**
 * Decodes the instructions of a program that `readings` knows by number; any other is a Call. What is known must be read
 * to the end of its data.
 */
export const programDecoder =
  (numberOf: (reader: BytesReader) => number, readings: Readonly<Record<number, Reading>>): ProgramDecoder =>
  (instruction, context) => {
    const at = `instruction ${instruction.index}`;
    const reader = new BytesReader(instruction.data);
    const reading = readings[numberOf(reader)];
    if (reading === undefined) return [callOf(instruction, context)];
    const account = (number: number, role: string): string => {
      const found = instruction.accounts[number];
      if (found === undefined) throw new Refused('Malformed', `${at}: want account ${number}, its ${role}`);
      return found;
    };
    // Another signer's funds are not this wallet's to judge, and an authority of several signers takes the signature for
    // a part that no effect describes.
    const own = (number: number, role: string): void => {
      const found = account(number, role);
      if (found !== context.key)
        throw new Refused(
          'Undecodable',
          `${at}: its ${role} is ${found}, not this key: only what the key does itself is signed`,
        );
    };
    const effects = [
      reading({ ...context, reader, account, own, at: (address) => `${context.chain}:${address}` }),
    ].flat();
    reader.end(at);
    return effects.map((effect) => ({ ...effect, chain: context.chain }));
  };

/** An instruction that is not understood: whatever its program may do with what the message gives it. */
export function callOf({ program, accounts, data }: SolanaInstruction, { chain, key }: SolanaContext): Effect {
  const signature = accounts.includes(key) ? "with this key's signature" : 'without this key among its accounts';
  return {
    kind: 'Call',
    chain,
    destination: `${chain}:${program}`,
    text: `calls program ${program} with ${accounts.length} accounts and ${data.length} bytes, ${signature}`,
  };
}

export const solAsset = (chain: string): string => `${chain}/slip44:501`;
export const sol = (lamports: bigint): string => `${formatAmount(lamports, 9)} SOL`;
export const readAddress = (reader: BytesReader, title: string): string => base58.encode(reader.take(32, title));
