import { X509Certificate, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect, test } from 'vitest';
import { digest } from './bytes.ts';
import { certificatePem, fingerprintOfCertificate, selfSignedCertificate } from './certificate.ts';

const keyPair = () => generateKeyPairSync('ed25519');

test('a certificate carries its key and name, verifies under itself and can issue nothing', () => {
  const { privateKey, publicKey } = keyPair();
  const certificate = selfSignedCertificate({ commonName: 'payments/treasury/client', privateKey });
  const read = new X509Certificate(certificate);
  expect(read.verify(publicKey)).toBe(true);
  expect(read.verify(keyPair().publicKey)).toBe(false);
  expect(read.checkIssued(read)).toBe(false); // its key usage signs no certificates, not even its own again
  expect(read.ca).toBe(false);
  expect(read.subject).toBe('CN=payments/treasury/client');
  expect(read.validFromDate).toEqual(new Date('1970-01-01T00:00:00Z'));
  expect(read.validToDate).toEqual(new Date('9999-12-31T23:59:59Z'));
  expect(read.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
  expect(new X509Certificate(certificatePem(certificate)).raw).toEqual(Buffer.from(certificate));
});

test('a key has one certificate a name, and its fingerprint is that of its SubjectPublicKeyInfo', () => {
  const { privateKey } = keyPair();
  const certificate = selfSignedCertificate({ commonName: 'a', privateKey });
  expect(selfSignedCertificate({ commonName: 'a', privateKey })).toEqual(certificate);
  expect(selfSignedCertificate({ commonName: 'x'.repeat(300), privateKey })).not.toEqual(certificate);
  expect(fingerprintOfCertificate(certificate)).toBe(
    digest(createPublicKey(privateKey).export({ format: 'der', type: 'spki' })),
  );
});

test('a key of another kind is refused', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  expect(() => selfSignedCertificate({ commonName: 'a', privateKey })).toThrow('want an Ed25519 key, got ec');
});

test('two parties that pin each other complete a TLS 1.3 handshake; a third is refused', async () => {
  const party = (commonName: string) => {
    const { privateKey } = keyPair();
    const cert = certificatePem(selfSignedCertificate({ commonName, privateKey }));
    return { cert, key: privateKey.export({ format: 'pem', type: 'pkcs8' }) };
  };
  const [alice, bob, mallory] = [party('alice'), party('bob'), party('mallory')];
  const server = createServer({ ...alice, ca: bob.cert, requestCert: true, minVersion: 'TLSv1.3' }, (socket) => {
    socket.on('error', () => {});
    socket.end('hello');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const greeting = async (as: typeof bob, believes: string): Promise<string> => {
    const socket = connect({ port, host: '127.0.0.1', ...as, ca: believes, checkServerIdentity: () => undefined });
    let protocol: string | null = null;
    socket.once('secureConnect', () => {
      protocol = socket.getProtocol();
    });
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(protocol).toBe('TLSv1.3');
    return Buffer.concat(chunks).toString();
  };
  try {
    expect(await greeting(bob, alice.cert)).toBe('hello');
    await expect(greeting(bob, mallory.cert)).rejects.toThrow('self-signed certificate');
    // In TLS 1.3 a client learns only afterwards that the server closed on it: as a reset or as an early end.
    expect(await greeting(mallory, alice.cert).catch(() => '')).toBe('');
  } finally {
    server.close();
  }
});
