import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { formatSshPublicKey, sshKeyOf } from '../statement/ssh-key.ts';
import { parseSshPrivateKey } from './ssh-private-key.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-ssh-key-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A private key file of ssh-keygen. */
function generated(name: string, ...options: readonly string[]): { readonly file: string; readonly publicKey: string } {
  const file = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-C', 'test only', '-f', file, ...options]);
  const [algorithm, body] = readFileSync(`${file}.pub`, 'utf8').split(' ');
  return { file, publicKey: `${algorithm} ${body}` };
}

const noPassphrase = ['-N', ''];

test.each([
  ['Ed25519', ['-t', 'ed25519']],
  ['P-256', ['-t', 'ecdsa']],
  ['P-256 as SEC 1 in PEM', ['-t', 'ecdsa', '-m', 'PEM']],
  ['P-256 as PKCS#8 in PEM', ['-t', 'ecdsa', '-m', 'PKCS8']],
])('a file of ssh-keygen with a key of kind %s gives that key', (name, options) => {
  const { file, publicKey } = generated(name.replaceAll(/\W/g, '-'), ...options, ...noPassphrase);
  const text = readFileSync(file, 'utf8');
  expect(formatSshPublicKey(sshKeyOf(parseSshPrivateKey(utf8(text))))).toBe(publicKey);
  expect(formatSshPublicKey(sshKeyOf(parseSshPrivateKey(utf8(text.replaceAll('\n', '\r\n')))))).toBe(publicKey);
});

test('scalars of every length in bytes are read', () => {
  // About one in 256 is shorter than 32 bytes, half of them have a zero before them.
  for (let i = 0; i < 16; i++) {
    const { file, publicKey } = generated(`scalar-${i}`, '-t', 'ecdsa', ...noPassphrase);
    expect(formatSshPublicKey(sshKeyOf(parseSshPrivateKey(readFileSync(file))))).toBe(publicKey);
  }
});

test.each(['ed25519', 'P-256'])('PKCS#8 with a key of kind %s gives that key', (kind) => {
  const { privateKey } =
    kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: kind });
  const parsed = parseSshPrivateKey(utf8(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()));
  expect(sshKeyOf(parsed)).toEqual(sshKeyOf(privateKey));
});

describe('what is no key for us is refused with the way out', () => {
  const refusal = (bytes: Uint8Array): UserError => {
    try {
      parseSshPrivateKey(bytes);
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    throw new Error('was accepted');
  };

  test.each([
    ['OpenSSH', ['-t', 'ed25519']],
    ['PEM', ['-t', 'ecdsa', '-m', 'PEM']],
    ['PKCS8', ['-t', 'ecdsa', '-m', 'PKCS8']],
  ])('an encrypted file in form %s is for ssh-agent', (form, options) => {
    const { file } = generated(`encrypted-${form}`, ...options, '-N', 'a passphrase');
    const { message, hints } = refusal(readFileSync(file));
    expect(message).toBe('ssh private key: the file is encrypted with a passphrase');
    expect(hints.join()).toContain('ssh-add FILE');
  });

  test.each([
    ['rsa', ['-t', 'rsa', '-b', '2048'], '"ssh-rsa"'],
    ['rsa-pem', ['-t', 'rsa', '-b', '2048', '-m', 'PEM'], '"RSA PRIVATE KEY"'],
    ['rsa-pkcs8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8'], 'rsa'],
    ['p384', ['-t', 'ecdsa', '-b', '384'], '"ecdsa-sha2-nistp384"'],
    ['p384-pkcs8', ['-t', 'ecdsa', '-b', '384', '-m', 'PKCS8'], 'ec secp384r1'],
  ])('a key of another kind: %s', (name, options, kind) => {
    const { file } = generated(name, ...options, ...noPassphrase);
    const { message, hints } = refusal(readFileSync(file));
    expect(message).toBe(`ssh private key: want an Ed25519 or ECDSA P-256 key, got ${kind}`);
    // Never over the key that is there.
    expect(hints.join()).toContain('-f NEW_FILE;');
  });

  test('a public key', () => {
    const { file } = generated('public', '-t', 'ed25519', ...noPassphrase);
    expect(refusal(readFileSync(`${file}.pub`))).toMatchObject({
      message: 'ssh private key: the file holds a public key',
      hints: ['give the file without .pub'],
    });
  });

  test('anything else, and never with a word of the file in the error', () => {
    const { file } = generated('whole', '-t', 'ed25519', ...noPassphrase);
    const whole = readFileSync(file);
    const text = whole.toString();
    const body = text.split('\n').slice(1, -2).join('');
    const blob = Buffer.from(body, 'base64');
    const armor = (bytes: Uint8Array): Uint8Array =>
      utf8(
        `-----BEGIN OPENSSH PRIVATE KEY-----\n${Buffer.from(bytes).toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`,
      );
    parseSshPrivateKey(armor(blob));
    for (let length = 0; length < blob.length; length++) refusal(armor(blob.subarray(0, length)));
    refusal(armor(Buffer.concat([blob, Buffer.of(1)])));
    refusal(Buffer.alloc(20_000, 0x20));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void refusal(bytes)));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void refusal(armor(bytes))));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        const { message, hints } = refusal(armor(Buffer.concat([blob.subarray(0, 60), tail])));
        expect([message, ...hints].join()).not.toContain(Buffer.from(tail).toString('base64').slice(0, -4) || '\0');
      }),
    );
  });

  test('a file whose public half is of another key', () => {
    const [one, other] = ['one', 'other'].map((name) => {
      const { file } = generated(name, '-t', 'ed25519', ...noPassphrase);
      return Buffer.from(readFileSync(file, 'utf8').split('\n').slice(1, -2).join(''), 'base64');
    }) as [Buffer, Buffer];
    // The public key comes first: magic, none, none, no options, one key, then 51 bytes of it.
    const at = 15 + 8 + 8 + 4 + 4;
    const mixed = Buffer.concat([one.subarray(0, at), other.subarray(at, at + 55), one.subarray(at + 55)]);
    const armored = `-----BEGIN OPENSSH PRIVATE KEY-----\n${mixed.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
    expect(refusal(utf8(armored)).message).toBe(
      'ssh private key: the file is damaged: its public half is of another key',
    );
  });
});
