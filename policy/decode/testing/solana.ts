import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  appendTransactionMessageInstructions,
  blockhash,
  compileTransaction,
  createNoopSigner,
  createTransactionMessage,
  getAddressDecoder,
  getTransactionEncoder,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit';
import type { Address, Instruction } from '@solana/kit';
import { decode } from '../decode.ts';
import type { Decoded, Effect } from '../../effect.ts';
import { refusal } from './refusal.ts';

export type TestKey = {
  readonly address: Address;
  readonly bytes: Uint8Array;
  readonly signer: ReturnType<typeof createNoopSigner>;
  readonly sign: (message: Uint8Array) => Uint8Array;
};

/** An Ed25519 key made from its name. */
export function testKey(name: string): TestKey {
  const seed = createHash('sha256').update(name).digest();
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const privateKey: KeyObject = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const bytes = Uint8Array.from(spki.subarray(-32));
  const address = getAddressDecoder().decode(bytes);
  return {
    address,
    bytes,
    signer: createNoopSigner(address),
    sign: (message) => Uint8Array.from(sign(null, message, privateKey)),
  };
}

export const ours = testKey('ours');
export const other = testKey('other');
export const devnet = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1';
export const sol = `${devnet}/slip44:501`;
export const at = (account: string): string => `${devnet}:${account}`;

const hash = blockhash('EETubP5AKHgjPAhzPAFcb8BAY1hMH639CWCFTqi3hq1k');

/** A wire transaction as Solana Kit makes it, signed by those of `signers` that it needs and by nobody else. */
export function wire(
  payer: TestKey,
  instructions: readonly Instruction[],
  { version = 0, signers = [] }: { version?: 0 | 'legacy'; signers?: readonly TestKey[] } = {},
): Uint8Array {
  const message = pipe(
    createTransactionMessage({ version }),
    (m) => setTransactionMessageFeePayer(payer.address, m),
    (m) => setTransactionMessageLifetimeUsingBlockhash({ blockhash: hash, lastValidBlockHeight: 1n }, m),
    (m) => appendTransactionMessageInstructions(instructions, m),
  );
  const compiled = compileTransaction(message);
  const signatures = { ...compiled.signatures };
  for (const { address, sign: signBytes } of signers)
    if (address in signatures)
      Object.assign(signatures, { [address]: signBytes(Uint8Array.from(compiled.messageBytes)) });
  return Uint8Array.from(getTransactionEncoder().encode({ ...compiled, signatures }));
}

export const decodeFor = (key: TestKey, data: Uint8Array, chain = devnet): Decoded =>
  decode({ chain, format: 'Transaction', data }, { scheme: 'EdDSA', bytes: key.bytes });

/** The effects of `instructions`, paid by {@link ours}. */
export const signed = (...instructions: Instruction[]): readonly Effect[] =>
  decodeFor(ours, wire(ours, instructions)).effects;

/** What `instructions` are refused for, with the signature of {@link other} where they need it. */
export const refused = (...instructions: Instruction[]): { reason: string; message: string } =>
  refusal(() => decodeFor(ours, wire(ours, instructions, { signers: [other] })));

export const withData = (instruction: Instruction, data: Uint8Array): Instruction => ({ ...instruction, data });

/** `instruction` with a byte more, with a byte less where it has fields, and without accounts. */
export function distorted(instruction: Instruction): readonly Instruction[] {
  const data = Uint8Array.from(instruction.data ?? []);
  return [
    withData(instruction, Uint8Array.of(...data, 0)),
    ...(data.length > 4 ? [withData(instruction, data.subarray(0, -1))] : []),
    { ...instruction, accounts: [] },
  ];
}
