import { fromHex, quote } from '../common/bytes.ts';
import { messageOf } from '../common/errors.ts';
import { verifyHolder } from './holder-signature.ts';
import { parseStatement } from './statements.ts';
import type { CertificateStatement, GenesisStatement } from './statements.ts';

export type HolderSignature = { readonly holder: string; readonly signature: string };

/** The certificate, once each holder of `genesis` has signed exactly these bytes exactly once; throws otherwise. */
export function verifyCertificate(input: {
  readonly genesis: GenesisStatement;
  readonly genesisDigest: string;
  readonly statement: Uint8Array;
  readonly signatures: readonly HolderSignature[];
}): CertificateStatement {
  const { genesis, genesisDigest, statement, signatures } = input;
  const certificate = parseStatement('holdfast/certificate/v1', statement);
  if (certificate.genesis !== genesisDigest)
    throw new Error(`certificate of key ${quote(certificate.key)}: of another wallet, ${certificate.genesis}`);
  if (certificate.verificationShares.length !== genesis.holders.length)
    throw new Error(
      `certificate of key ${quote(certificate.key)}: want ${genesis.holders.length} verification shares, got ${certificate.verificationShares.length}`,
    );
  verifyAllHolders(`certificate of key ${quote(certificate.key)}`, genesis, statement, signatures);
  return certificate;
}

/** Throws unless each holder of `genesis` signed `statement` exactly once and nobody else did; errors begin with `title`. */
export function verifyAllHolders(
  title: string,
  genesis: GenesisStatement,
  statement: Uint8Array,
  signatures: readonly HolderSignature[],
): void {
  if (signatures.length !== genesis.holders.length)
    throw new Error(`${title}: want the signatures of all ${genesis.holders.length} holders, got ${signatures.length}`);
  for (const holder of genesis.holders) {
    const own = signatures.filter((signature) => signature.holder === holder.name);
    const [signature] = own;
    if (signature === undefined || own.length > 1)
      throw new Error(`${title}: want one signature of holder ${quote(holder.name)}, got ${own.length}`);
    try {
      verifyHolder(statement, signature.signature, fromHex(holder.identity, 'identity'));
    } catch (error) {
      throw new Error(`${title}: holder ${quote(holder.name)}: ${messageOf(error)}`);
    }
  }
}
