import type { Decoder } from './decoder.ts';
import { agentDecoderTable } from './decoders-agent.ts';
import { ceremonyDecoderTable } from './decoders-ceremony.ts';
import { exportDecoderTable } from './decoders-export.ts';
import { hsmDecoderTable } from './decoders-hsm.ts';
import { operatorDecoderTable } from './decoders-operator.ts';
import { policyDecoderTable } from './decoders-policy.ts';
import { sidecarDecoderTable } from './decoders-sidecar.ts';
import { signerDecoderTable } from './decoders-signer.ts';
import { stateDecoderTable } from './decoders-state.ts';
import { statementDecoderTable } from './decoders-statement.ts';

/** Every decoder that bytes of a peer, a user or a disk reach. */
export const decoders: readonly Decoder[] = [
  ...signerDecoderTable,
  ...stateDecoderTable,
  ...ceremonyDecoderTable,
  ...hsmDecoderTable,
  ...sidecarDecoderTable,
  ...statementDecoderTable,
  ...policyDecoderTable,
  ...operatorDecoderTable,
  ...agentDecoderTable,
  ...exportDecoderTable,
];
