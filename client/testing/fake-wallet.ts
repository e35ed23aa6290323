import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { HDKey } from '@scure/bip32';
import { digest, hex, utf8 } from '../../common/bytes.ts';
import { fingerprintOfCertificate, selfSignedCertificate } from '../../common/certificate.ts';
import type { WalletFacts } from '../../proto/gen/signer/v1/signer.ts';
import { signAsHolder } from '../../statement/holder-signature.ts';
import { encodeStatement, statementDigest } from '../../statement/statements.ts';
import type { CertificateStatement, GenesisStatement } from '../../statement/statements.ts';

export type FakeHolder = {
  readonly name: string;
  readonly role: 'Infrastructure' | 'Client' | 'Backup';
  readonly privateKey: KeyObject;
  readonly certificate: Uint8Array;
  readonly fingerprint: string;
};

export function fakeHolder(name: string, role: FakeHolder['role']): FakeHolder {
  const { privateKey } = generateKeyPairSync('ed25519');
  const certificate = selfSignedCertificate({ commonName: name, privateKey });
  return { name, role, privateKey, certificate, fingerprint: fingerprintOfCertificate(certificate) };
}

/** A 2-of-3 wallet with true identities and certificates over keys that a single party holds. */
export function fakeWallet(policyDocument: Uint8Array = utf8('{"rules":[]}')) {
  const holders = [
    fakeHolder('infrastructure', 'Infrastructure'),
    fakeHolder('client', 'Client'),
    fakeHolder('backup', 'Backup'),
  ];
  const [infrastructure, client] = holders as [FakeHolder, FakeHolder];
  const genesis: GenesisStatement = {
    type: 'holdfast/genesis/v1',
    wallet: 'payments/treasury',
    threshold: '2',
    holders: holders.map(({ name, role, privateKey }, i) => {
      const identity = spkiOf(privateKey);
      return { name, role, identifier: String(i + 1), identity, auditKey: identity, nonce: String(i).repeat(64) };
    }),
    policy: digest(policyDocument),
  };
  return { infrastructure, client, ...foundFakeWallet(genesis, holders, policyDocument) };
}

/** A wallet of that genesis with a key of each scheme. */
export function foundFakeWallet(genesis: GenesisStatement, holders: readonly FakeHolder[], policyDocument: Uint8Array) {
  const genesisBytes = encodeStatement(genesis);
  const genesisDigest = statementDigest(genesisBytes);

  const solana = generateKeyPairSync('ed25519').privateKey;
  const bitcoin = schnorr.utils.randomSecretKey();
  const ethereum = secp256k1.utils.randomSecretKey();
  const chainCode = new Uint8Array(32).fill(0x33);
  const certificate = (over: Pick<CertificateStatement, 'key' | 'scheme' | 'publicKey' | 'internalKey'>) => ({
    type: 'holdfast/certificate/v1' as const,
    genesis: genesisDigest,
    attempt: '1',
    epoch: '0',
    verificationShares: holders.map(() => (over.scheme === 'EdDSA' ? '11'.repeat(32) : `02${'11'.repeat(32)}`)),
    chainCode: over.scheme === 'ECDSA' ? hex(chainCode) : '',
    transcript: digest(utf8(over.key)),
    ...over,
  });
  const certificates: readonly CertificateStatement[] = [
    certificate({ key: 'solana', scheme: 'EdDSA', publicKey: spkiOf(solana).slice(-64), internalKey: '' }),
    certificate({
      key: 'bitcoin',
      scheme: 'Schnorr',
      publicKey: hex(schnorr.getPublicKey(bitcoin)),
      internalKey: '22'.repeat(32),
    }),
    certificate({
      key: 'ethereum',
      scheme: 'ECDSA',
      publicKey: hex(secp256k1.getPublicKey(ethereum)),
      internalKey: '',
    }),
  ];

  const certify = (statement: CertificateStatement) => {
    const bytes = Buffer.from(encodeStatement(statement));
    return {
      statement: bytes,
      signatures: holders.map((h) => ({ holder: h.name, signature: signAsHolder(bytes, h.privateKey) })),
    };
  };
  const facts: WalletFacts = {
    genesis: Buffer.from(genesisBytes),
    policyStatement: Buffer.from(
      encodeStatement({
        type: 'holdfast/policy/v1',
        genesis: genesisDigest,
        height: '0',
        parent: '',
        policy: genesis.policy,
      }),
    ),
    policyDocument: Buffer.from(policyDocument),
    certificates: certificates.map(certify),
  };
  return {
    holders,
    genesis,
    genesisDigest,
    facts,
    certify,
    solana: certificates[0] as CertificateStatement,
    signSolana: (message: Uint8Array): Buffer => sign(null, message, solana),
    signBitcoin: (message: Uint8Array): Buffer => Buffer.from(schnorr.sign(message, bitcoin)),
    /** r, s and the recovery id, which the library puts first. */
    signEthereum(message: Uint8Array, path = ''): Buffer {
      const root = new HDKey({ privateKey: ethereum, chainCode: Uint8Array.from(chainCode) });
      const privateKey = (path === '' ? root : root.derive(path)).privateKey ?? ethereum;
      const [id = 0, ...scalars] = secp256k1.sign(message, privateKey, { prehash: false, format: 'recovered' });
      return Buffer.from([...scalars, id]);
    },
  };
}

const spkiOf = (privateKey: KeyObject): string =>
  hex(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
