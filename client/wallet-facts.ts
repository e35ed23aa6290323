import { digest, fromHex, quote } from '../common/bytes.ts';
import type { WalletFacts } from '../proto/gen/signer/v1/signer.ts';
import { parseCanonical } from '../statement/canonical.ts';
import { verifyCertificate } from '../statement/certificate.ts';
import type { HolderSignature } from '../statement/certificate.ts';
import { parseStatement, statementDigest } from '../statement/statements.ts';
import type { CertificateStatement, GenesisStatement } from '../statement/statements.ts';

/** A key's certificate that all holders signed, with the bytes that prove it to others. */
export type VerifiedCertificate = {
  readonly certificate: CertificateStatement;
  readonly statement: Uint8Array;
  readonly signatures: readonly HolderSignature[];
};

/** A wallet's public facts, each followed back to a pin. */
export type Wallet = {
  readonly genesisDigest: string;
  readonly genesis: GenesisStatement;
  /** Digest of the policy statement in force. */
  readonly policyDigest: string;
  /** Canonical JSON, as genesis names it. */
  readonly policyDocument: Uint8Array;
  /** By key name. */
  readonly certificates: ReadonlyMap<string, VerifiedCertificate>;
};

export type WalletPins = {
  /** Digest of the genesis, where it is known. */
  readonly genesis?: string;
  /** Identities that must be holders: what one signer claims is worth as many holders as are pinned. */
  readonly fingerprints: readonly string[];
};

/** The wallet that a signer's facts describe; throws where anything in them does not follow from the pins. */
export function verifyWalletFacts(facts: WalletFacts, pins: WalletPins): Wallet {
  if (facts.genesis.length === 0) throw new Error('wallet: the signer has no genesis yet');
  const genesis = parseStatement('holdfast/genesis/v1', facts.genesis);
  const genesisDigest = statementDigest(facts.genesis);
  if (pins.genesis !== undefined && genesisDigest !== pins.genesis)
    throw new Error(`wallet: want genesis ${pins.genesis}, got ${genesisDigest}`);
  const identities = new Set(genesis.holders.map((holder) => digest(fromHex(holder.identity, 'identity'))));
  for (const fingerprint of pins.fingerprints)
    if (!identities.has(fingerprint))
      throw new Error(`wallet: the signer with fingerprint ${fingerprint} is no holder of ${genesisDigest}`);

  const policyDigest = verifyPolicy(facts, genesis, genesisDigest);
  const certificates = new Map<string, VerifiedCertificate>();
  for (const { statement, signatures } of facts.certificates) {
    const certificate = verifyCertificate({ genesis, genesisDigest, statement, signatures });
    // A key name is bound to its first certificate.
    if (certificates.has(certificate.key))
      throw new Error(`wallet: two certificates for key ${quote(certificate.key)}`);
    certificates.set(certificate.key, { certificate, statement, signatures });
  }
  return { genesisDigest, genesis, policyDigest, policyDocument: facts.policyDocument, certificates };
}

function verifyPolicy(facts: WalletFacts, genesis: GenesisStatement, genesisDigest: string): string {
  const policy = parseStatement('holdfast/policy/v1', facts.policyStatement);
  if (policy.genesis !== genesisDigest)
    throw new Error(`wallet: the policy statement is of another wallet, ${policy.genesis}`);
  if (policy.height !== '0')
    throw new Error(`wallet: policy changes are not in this version, got height ${policy.height}`);
  if (policy.policy !== genesis.policy)
    throw new Error(`wallet: want policy ${genesis.policy} of genesis, got ${policy.policy}`);
  parseCanonical(facts.policyDocument);
  const got = digest(facts.policyDocument);
  if (got !== policy.policy)
    throw new Error(`wallet: want a policy document with digest ${policy.policy}, got one with ${got}`);
  return statementDigest(facts.policyStatement);
}
