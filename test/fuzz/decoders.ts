import type { Decoder } from './decoder.ts';
import { operatorDecoderTable } from './decoders-operator.ts';
import { policyDecoderTable } from './decoders-policy.ts';
import { signerDecoderTable } from './decoders-signer.ts';
import { statementDecoderTable } from './decoders-statement.ts';

/** Every decoder that bytes of a peer, a user or a disk reach. */
export const decoders: readonly Decoder[] = [
  ...signerDecoderTable,
  ...statementDecoderTable,
  ...policyDecoderTable,
  ...operatorDecoderTable,
];
