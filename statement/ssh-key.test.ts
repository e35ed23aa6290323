import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { concat } from '../common/bytes.ts';
import { fingerprint, formatSshPublicKey, parseSshPublicKey, sshKeyOf, sshKeyOfSpki } from './ssh-key.ts';
import { sshString } from './ssh-wire.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-ssh-key-'));
afterAll(() => rmSync(folder, { recursive: true }));
const sshKeygen = (...options: readonly string[]) =>
  execFileSync('ssh-keygen', options, { stdio: ['pipe', 'pipe', 'pipe'] }).toString();

function publicKeyFile(kind: string): string {
  const file = join(folder, kind);
  sshKeygen('-q', '-t', kind, '-N', '', '-C', 'someone@example.com, work', '-f', file);
  return readFileSync(`${file}.pub`, 'utf8');
}

const keyText = (...fields: readonly (string | Uint8Array)[]) =>
  `${String(fields[0])} ${Buffer.from(concat(...fields.map(sshString))).toString('base64')}`;
const point = new Uint8Array(32).fill(7);

test.each([
  ['ed25519', 'ssh-ed25519'],
  ['ecdsa', 'ecdsa-sha2-nistp256'],
])(
  'a key of kind %s made by ssh-keygen parses, prints and has the fingerprint that ssh-keygen shows',
  (kind, algorithm) => {
    const text = publicKeyFile(kind);
    const key = parseSshPublicKey(text);
    expect(key).toMatchObject({ algorithm, application: '' });
    expect(formatSshPublicKey(key)).toBe(text.split(' ').slice(0, 2).join(' '));
    expect(sshKeygen('-l', '-f', join(folder, kind)).split(' ')[1]).toBe(fingerprint(key));
    expect(sshKeyOf(key.key)).toEqual(key);
  },
);

test('a key of a security key keeps the application it is bound to', () => {
  const ed25519 = parseSshPublicKey(keyText('sk-ssh-ed25519@openssh.com', point, 'ssh:payments'));
  expect(ed25519).toMatchObject({ algorithm: 'sk-ssh-ed25519@openssh.com', application: 'ssh:payments' });
  expect(ed25519.key.asymmetricKeyType).toBe('ed25519');
  expect(() => parseSshPublicKey(keyText('sk-ssh-ed25519@openssh.com', point))).toThrow('ssh key: application: want');
});

test('a private key and its SubjectPublicKeyInfo give the same key', () => {
  for (const { privateKey, publicKey } of [
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ])
    expect(sshKeyOf(privateKey)).toEqual(sshKeyOfSpki(publicKey.export({ format: 'der', type: 'spki' })));
});

test.each([
  ['RSA', publicKeyFile('rsa'), 'got "ssh-rsa": RSA is not accepted'],
  [
    'a certificate',
    keyText('ssh-ed25519-cert-v01@openssh.com', point),
    'certificates are not accepted, give the plain key',
  ],
  ['another curve', keyText('ecdsa-sha2-nistp384', 'nistp384', point), 'ssh key: want ssh-ed25519, '],
  ['options before it', 'no-pty ssh-ed25519 AAAA', 'got "no-pty"'],
  ['nothing', '', 'ssh key: want one line like'],
  ['no key', 'ssh-ed25519', 'ssh key: want one line like'],
  ['two lines', `${keyText('ssh-ed25519', point)}\n${keyText('ssh-ed25519', point)}`, 'ssh key: want one line like'],
  ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n', 'ssh key: want'],
  ['base64 without padding', keyText('ssh-ed25519', point.slice(0, 31)).replace(/=+$/, ''), 'ssh key: not base64'],
  ['a short point', keyText('ssh-ed25519', point.slice(1)), 'ssh key: want a point of 32 bytes, got 31'],
  ['something after the point', keyText('ssh-ed25519', point, ''), 'ssh key: 4 bytes too many'],
  [
    'another kind inside',
    keyText('ssh-ed25519', point).replace('ssh-ed25519', 'ecdsa-sha2-nistp256'),
    'says ecdsa-sha2-nistp256 outside and ssh-ed25519 inside',
  ],
  [
    'a curve of another name',
    keyText('ecdsa-sha2-nistp256', 'nistp384', point),
    'ssh key: want curve nistp256, got "nistp384"',
  ],
  [
    'a compressed point',
    keyText('ecdsa-sha2-nistp256', 'nistp256', concat(Uint8Array.of(2), point)),
    'want an uncompressed point of 65 bytes',
  ],
  [
    'a point off the curve',
    keyText('ecdsa-sha2-nistp256', 'nistp256', concat(Uint8Array.of(4), point, point)),
    'ssh key: the point is not on the curve',
  ],
  ['beyond all size', `ssh-ed25519 ${'A'.repeat(5000)}`, 'ssh key: want at most 4096 characters'],
])('%s is refused', (_, text, message) => {
  expect(() => parseSshPublicKey(text)).toThrow(message);
});

test('SubjectPublicKeyInfo of other kinds or lengths is refused', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  const good = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
  for (const der of [
    publicKey.export({ format: 'der', type: 'spki' }),
    concat(good, Uint8Array.of(0)),
    good.subarray(1),
    new Uint8Array(),
  ])
    expect(() => sshKeyOfSpki(der)).toThrow('public key: want an Ed25519 or P-256 SubjectPublicKeyInfo');
});

test('text makes a key that prints the same, or a clear error', () => {
  const blob = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.uint8Array({ maxLength: 80 }).map((tail) => concat(sshString('ssh-ed25519'), tail)),
  );
  fc.assert(
    fc.property(blob, (bytes) => {
      const text = `ssh-ed25519 ${Buffer.from(bytes).toString('base64')}`;
      try {
        expect(formatSshPublicKey(parseSshPublicKey(text))).toBe(text);
      } catch (error) {
        expect((error as Error).message).toMatch(/^ssh key: /);
      }
    }),
  );
});
