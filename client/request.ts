import type { KeyObject } from 'node:crypto';
import { hex } from '../common/bytes.ts';
import { formatTime } from '../common/clock.ts';
import { requestNamespace } from '../statement/holder-signature.ts';
import { signSshsig } from '../statement/sshsig.ts';
import { encodeStatement, statementDigest } from '../statement/statements.ts';
import type { RequestStatement } from '../statement/statements.ts';

export type RequestFields = {
  /** Digest of the wallet's genesis. */
  readonly genesis: string;
  /** The initiator's name for this request, for ever bound to these bytes. */
  readonly id: string;
  readonly key: string;
  readonly path?: string;
  /** CAIP-2; "" for formats bound to no chain. */
  readonly chain: string;
  readonly format: RequestStatement['format'];
  readonly data: Uint8Array;
  /** The initiator's name in the policy. */
  readonly initiator: string;
  /** Milliseconds since the epoch, at most 30 days ahead. */
  readonly expiresAt: number;
};

/** The bytes an initiator signs; throws naming the field that has not its form. */
export const encodeRequest = (fields: RequestFields): Uint8Array =>
  encodeStatement({
    type: 'holdfast/request/v1',
    genesis: fields.genesis,
    id: fields.id,
    key: fields.key,
    path: fields.path ?? '',
    chain: fields.chain,
    format: fields.format,
    data: `0x${hex(fields.data)}`,
    initiator: fields.initiator,
    expiresAt: formatTime(fields.expiresAt),
  });

export type SignedRequest = { readonly statement: Uint8Array; readonly signature: string; readonly digest: string };

/** A request statement with its initiator's signature, by an Ed25519 or P-256 key. */
export function signRequest(fields: RequestFields, privateKey: KeyObject): SignedRequest {
  const statement = encodeRequest(fields);
  const signature = signSshsig({ namespace: requestNamespace, message: statement, privateKey });
  return { statement, signature, digest: statementDigest(statement) };
}
