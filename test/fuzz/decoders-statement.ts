import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { concat, digest, fromUtf8, sha256, utf8 } from '../../common/bytes.ts';
import { formatTime, parseTime } from '../../common/clock.ts';
import { fingerprintOfCertificate, selfSignedCertificate } from '../../common/certificate.ts';
import { fakeWallet } from '../../client/testing/fake-wallet.ts';
import { parseSshPrivateKey } from '../../client/ssh-private-key.ts';
import { splitAddress } from '../../client/pinned-tls.ts';
import { listenAddress } from '../../common/listen-address.ts';
import { ChainError, chainRecord, emptyHead, verifyChain, type AuditRecord } from '../../statement/audit.ts';
import { canonicalize, parseCanonical, type Json } from '../../statement/canonical.ts';
import { verifyCertificate } from '../../statement/certificate.ts';
import { parseSshPublicKey, sshKeyOf } from '../../statement/ssh-key.ts';
import { sshString, sshUint32 } from '../../statement/ssh-wire.ts';
import { verifySshsig } from '../../statement/sshsig.ts';
import { encodeStatement, parseStatement, type Statement, type StatementType } from '../../statement/statements.ts';
import type { Decoder } from './decoder.ts';

const wallet = fakeWallet();
const certified = wallet.facts.certificates[0]!;
const vector = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(new URL(`../vectors/sshsig/${name}`, import.meta.url)));
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

const statements: { readonly [T in StatementType]: Statement } = {
  'holdfast/request/v1': {
    type: 'holdfast/request/v1',
    genesis: wallet.genesisDigest,
    id: 'payments/pay-42',
    key: 'solana',
    path: 'm/0/2147483647',
    chain: 'eip155:1',
    format: 'Transaction',
    data: '0x02ff',
    initiator: 'payments-api',
    expiresAt: '2026-12-01T00:00:00Z',
  },
  'holdfast/approval/v1': {
    type: 'holdfast/approval/v1',
    genesis: wallet.genesisDigest,
    target: digest(utf8('target')),
    policy: digest(utf8('policy')),
    approver: 'alice',
    verdict: 'Approve',
    expiresAt: '2026-12-01T00:00:00Z',
  },
  'holdfast/policy/v1': {
    type: 'holdfast/policy/v1',
    genesis: wallet.genesisDigest,
    height: '0',
    parent: '',
    policy: digest(utf8('policy')),
  },
  'holdfast/genesis/v1': wallet.genesis,
  'holdfast/certificate/v1': wallet.solana,
  'holdfast/abandoned/v1': {
    type: 'holdfast/abandoned/v1',
    genesis: wallet.genesisDigest,
    key: 'bitcoin',
    scheme: 'Schnorr',
    attempt: '3',
  },
  'holdfast/head/v1': {
    type: 'holdfast/head/v1',
    genesis: wallet.genesisDigest,
    holder: 'client',
    sequence: '7',
    hash: digest(utf8('record')),
  },
};

const json: fc.Arbitrary<Json> = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('json'), { maxKeys: 3 }),
  ),
})).json;

const statementDecoders = (Object.keys(statements) as StatementType[]).map((type): Decoder => ({
  name: `statement ${type.split('/')[1]}`,
  seeds: [encodeStatement(statements[type])],
  decode: (bytes) => encodeStatement(parseStatement(type, bytes)),
  // Each member, and now and then two, become another value.
  structured: fc
    .dictionary(fc.constantFrom(...Object.keys(statements[type]), '__proto__'), json, { maxKeys: 2 })
    .map((changed) => utf8(JSON.stringify({ ...statements[type], ...changed }))),
}));

const namespace = 'request@holdfast.dev';
const sshsig = (name: string): Decoder => {
  const [kind = ''] = name.split('-');
  const key = parseSshPublicKey(text(vector(`${kind}.pub`)));
  return {
    name: `SSHSIG ${name}`,
    seeds: [vector(`${name}.sig`)],
    decode(bytes) {
      verifySshsig({ armored: text(bytes), namespace, message: vector('message'), key });
      return undefined;
    },
  };
};
const securityKeySig = (kind: 'ed25519_sk' | 'ecdsa_sk'): Decoder => {
  const key = parseSshPublicKey(text(vector(`openssh-${kind}.pub`)));
  const message = utf8('This is a test, this is only a test');
  return {
    name: `SSHSIG ${kind}`,
    seeds: [vector(`openssh-${kind}.sig`)],
    decode(bytes) {
      verifySshsig({ armored: text(bytes), namespace: 'unittest', message, key });
      return undefined;
    },
  };
};

const pem = (kind: 'ed25519' | 'ec', type: 'pkcs8' | 'sec1'): Uint8Array => {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return utf8(privateKey.export({ format: 'pem', type }).toString());
};

/** An Ed25519 key as ssh-keygen writes it: OpenSSH's PROTOCOL.key. */
function opensshKey(): Uint8Array {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { blob } = sshKeyOf(privateKey);
  const point = blob.subarray(-32);
  const seed = Uint8Array.from(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32));
  const check = sshUint32(7);
  const fields = [sshString('ssh-ed25519'), sshString(point), sshString(concat(seed, point)), sshString('test')];
  const secret = concat(check, check, ...fields);
  const padding = Uint8Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1);
  const none = [sshString('none'), sshString('none'), sshString(''), sshUint32(1)];
  const file = concat(utf8('openssh-key-v1\0'), ...none, sshString(blob), sshString(concat(secret, padding)));
  const label = 'OPENSSH PRIVATE KEY';
  return utf8(`-----BEGIN ${label}-----\n${Buffer.from(file).toString('base64')}\n-----END ${label}-----\n`);
}

const record = (from = emptyHead): AuditRecord =>
  chainRecord(from, '2026-12-01T00:00:00Z', { type: 'Signed', id: 'pay-42', message: 'signed "pay-42"' });

export const statementDecoderTable: readonly Decoder[] = [
  {
    name: 'canonical JSON',
    seeds: Object.values(statements).map(encodeStatement),
    decode: (bytes) => canonicalize(parseCanonical(bytes)),
    structured: json.map((value) => utf8(JSON.stringify(value))),
    mostBytes: 128 * 1024,
  },
  ...statementDecoders,
  {
    name: 'holder signature',
    seeds: certified.signatures.slice(0, 1).map(({ signature }) => utf8(signature)),
    decode(bytes) {
      const { statement, signatures } = certified;
      const { genesis, genesisDigest } = wallet;
      const given = signatures.map((own, i) => (i === 0 ? { ...own, signature: text(bytes) } : own));
      verifyCertificate({ genesis, genesisDigest, statement, signatures: given });
      return undefined;
    },
  },
  {
    name: 'certificate',
    seeds: [certified.statement],
    decode: (statement) => {
      const { genesis, genesisDigest } = wallet;
      return encodeStatement(
        verifyCertificate({ genesis, genesisDigest, statement, signatures: certified.signatures }),
      );
    },
  },
  sshsig('ed25519-sha512'),
  sshsig('ecdsa-sha256'),
  securityKeySig('ed25519_sk'),
  securityKeySig('ecdsa_sk'),
  {
    name: 'SSH public key',
    seeds: ['ed25519.pub', 'ecdsa.pub', 'openssh-ecdsa_sk.pub', 'openssh-ed25519_sk.pub'].map(vector),
    decode(bytes) {
      parseSshPublicKey(text(bytes));
      return undefined;
    },
  },
  {
    name: 'SSH private key',
    seeds: [opensshKey(), pem('ed25519', 'pkcs8'), pem('ec', 'pkcs8'), pem('ec', 'sec1')],
    decode(bytes) {
      parseSshPrivateKey(bytes);
      return undefined;
    },
    mostBytes: 20_000,
  },
  {
    name: 'TLS certificate',
    seeds: [selfSignedCertificate({ commonName: 'client', privateKey: generateKeyPairSync('ed25519').privateKey })],
    decode(bytes) {
      fingerprintOfCertificate(bytes);
      return undefined;
    },
  },
  {
    name: 'audit record',
    seeds: [record().record],
    decode(bytes) {
      verifyChain([{ sequence: 1n, record: bytes, hash: sha256(bytes) }]);
      return canonicalize(parseCanonical(bytes));
    },
    refuses: (error) => error instanceof ChainError,
  },
  {
    name: 'time',
    seeds: [utf8('2026-12-01T00:00:00Z')],
    decode: (bytes) => utf8(formatTime(parseTime(fromUtf8Text(bytes)))),
  },
  {
    name: 'addresses',
    seeds: ['127.0.0.1:8443', '[::1]:7443', 'signer.example:9090'].map(utf8),
    decode(bytes) {
      splitAddress(text(bytes));
      listenAddress(text(bytes));
      return undefined;
    },
  },
];

/** Text as a decoder of text gets it: what is not UTF-8 was refused before. */
export function fromUtf8Text(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    throw new Error('not UTF-8');
  }
}
