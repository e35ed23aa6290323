import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { digest, hex, utf8 } from '../common/bytes.ts';
import { verifyAllHolders, verifyCertificate } from './certificate.ts';
import { signAsHolder, verifyHolder } from './holder-signature.ts';
import { signSshsig } from './sshsig.ts';
import { encodeStatement, statementDigest } from './statements.ts';
import type { CertificateStatement, GenesisStatement } from './statements.ts';

const holders = (['infrastructure', 'client', 'backup'] as const).map((name, i) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const identity = hex(publicKey.export({ format: 'der', type: 'spki' }));
  const role = (['Infrastructure', 'Client', 'Backup'] as const)[i] ?? 'Backup';
  return {
    privateKey,
    holder: { name, role, identifier: String(i + 1), identity, auditKey: identity, nonce: `0${i}`.repeat(32) },
  };
});
const genesis: GenesisStatement = {
  type: 'holdfast/genesis/v1',
  wallet: 'payments/treasury',
  threshold: '2',
  holders: holders.map(({ holder }) => holder),
  policy: digest(utf8('policy')),
};
const genesisDigest = statementDigest(encodeStatement(genesis));
const certificate: CertificateStatement = {
  type: 'holdfast/certificate/v1',
  genesis: genesisDigest,
  key: 'solana',
  scheme: 'EdDSA',
  attempt: '1',
  epoch: '0',
  publicKey: '11'.repeat(32),
  internalKey: '',
  verificationShares: ['11'.repeat(32), '22'.repeat(32), '33'.repeat(32)],
  chainCode: '',
  transcript: digest(utf8('transcript')),
};
const statement = encodeStatement(certificate);
const sign = (bytes: Uint8Array) =>
  holders.map(({ holder, privateKey }) => ({ holder: holder.name, signature: signAsHolder(bytes, privateKey) }));
const [first, second, third] = sign(statement) as [Signature, Signature, Signature];
type Signature = { readonly holder: string; readonly signature: string };
const verified = (signatures: readonly Signature[], bytes = statement) =>
  verifyCertificate({ genesis, genesisDigest, statement: bytes, signatures });

test('a certificate that every holder signed is believed, in whatever order the signatures come', () => {
  expect(verified([first, second, third])).toEqual(certificate);
  expect(verified([third, first, second])).toEqual(certificate);
});

test('a certificate is refused unless each holder signed it exactly once', () => {
  expect(() => verified([])).toThrow('certificate of key "solana": want the signatures of all 3 holders, got 0');
  expect(() => verified([first, second])).toThrow('want the signatures of all 3 holders, got 2');
  expect(() => verified([first, second, third, third])).toThrow('got 4');
  expect(() => verified([first, second, second])).toThrow('want one signature of holder "client", got 2');
  expect(() => verified([first, second, { ...third, holder: 'stranger' }])).toThrow(
    'want one signature of holder "backup", got 0',
  );
  expect(() => verified([first, second, { ...second, holder: 'backup' }])).toThrow(
    'holder "backup": signature: made by another key',
  );
});

test('signatures of another certificate, or made for another purpose, do not count', () => {
  const other = sign(encodeStatement({ ...certificate, attempt: '2' }));
  expect(() => verified(other)).toThrow('holder "infrastructure": signature: does not verify over these bytes');
  const { privateKey } = holders[0] as (typeof holders)[0];
  const forApproval = signSshsig({ namespace: 'approval@holdfast.dev', message: statement, privateKey });
  expect(() => verified([{ ...first, signature: forApproval }, second, third])).toThrow(
    'signature: want namespace "holder@holdfast.dev"',
  );
});

test('a certificate of another wallet, or with shares for another number of holders, is refused although all signed', () => {
  const foreign = encodeStatement({ ...certificate, genesis: digest(utf8('another')) });
  expect(() => verified(sign(foreign), foreign)).toThrow('certificate of key "solana": of another wallet');
  const short = encodeStatement({ ...certificate, verificationShares: ['11'.repeat(32), '22'.repeat(32)] });
  expect(() => verified(sign(short), short)).toThrow('want 3 verification shares, got 2');
});

test('whatever all holders sign is checked the same way', () => {
  const abandoned = encodeStatement({
    type: 'holdfast/abandoned/v1',
    genesis: genesisDigest,
    key: 'solana',
    scheme: 'EdDSA',
    attempt: '1',
  });
  verifyAllHolders('attempt 1', genesis, abandoned, sign(abandoned));
  expect(() => verifyAllHolders('attempt 1', genesis, abandoned, [first, second, third])).toThrow(
    'attempt 1: holder "infrastructure"',
  );
});

test('a holder signs with its identity, and an identity that is no key verifies nothing', () => {
  const { holder, privateKey } = holders[1] as (typeof holders)[1];
  const signature = signAsHolder(statement, privateKey);
  verifyHolder(statement, signature, Buffer.from(holder.identity, 'hex'));
  expect(() => verifyHolder(statement, signature, new Uint8Array(44))).toThrow('public key: want an Ed25519 or P-256');
});
