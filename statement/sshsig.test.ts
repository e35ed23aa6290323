import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat, utf8 } from '../common/bytes.ts';
import { formatSshPublicKey, parseSshPublicKey, sshKeyOf } from './ssh-key.ts';
import type { SshPublicKey } from './ssh-key.ts';
import { SshReader, sshScalar, sshString, sshUint32 } from './ssh-wire.ts';
import { armorSshsig, signSshsig, sshsigPayload, verifySshsig } from './sshsig.ts';

const namespace = 'request@holdfast.dev';
const message = utf8('{"type":"holdfast/request/v1"}');
const verifies = (armored: string, key: SshPublicKey, over: Partial<Parameters<typeof verifySshsig>[0]> = {}) =>
  verifySshsig({ armored, namespace, message, key, ...over });

const blobOf = (armored: string): Buffer => Buffer.from(armored.split('\n').slice(1, -2).join(''), 'base64');
const armor = (blob: Uint8Array): string =>
  `-----BEGIN SSH SIGNATURE-----\n${Buffer.from(blob).toString('base64')}\n-----END SSH SIGNATURE-----\n`;

const makers: Readonly<Record<string, () => KeyObject>> = {
  ed25519: () => generateKeyPairSync('ed25519').privateKey,
  ecdsa: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-sshsig-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** `ssh-keygen -Y verify` over files in `folder`; throws where it refuses. */
function sshKeygenVerifies(armored: string, key: SshPublicKey, over = message): void {
  writeFileSync(join(folder, 'allowed'), `signer@example.com ${formatSshPublicKey(key)}\n`);
  writeFileSync(join(folder, 'signature'), armored);
  const from = ['-f', join(folder, 'allowed'), '-s', join(folder, 'signature')];
  execFileSync('ssh-keygen', ['-Y', 'verify', '-n', namespace, '-I', 'signer@example.com', ...from], {
    input: over,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

const vectors = new URL('../test/vectors/sshsig/', import.meta.url);
const vector = (name: string): string => readFileSync(new URL(name, vectors), 'utf8');

test.each(['ed25519-sha512', 'ed25519-sha256', 'ecdsa-sha512', 'ecdsa-sha256'])(
  'the committed signature %s of ssh-keygen verifies',
  (name) => {
    const key = parseSshPublicKey(vector(`${name.split('-')[0]}.pub`));
    verifies(vector(`${name}.sig`), key, { message: utf8(vector('message')) });
    expect(() => verifies(vector(`${name}.sig`), key)).toThrow('does not verify over these bytes');
  },
);

test('a good RSA signature is refused, since no RSA key is taken and it is of no other key', () => {
  expect(() => parseSshPublicKey(vector('rsa.pub'))).toThrow('RSA is not accepted');
  const key = parseSshPublicKey(vector('ed25519.pub'));
  expect(() => verifies(vector('rsa-sha512.sig'), key, { message: utf8(vector('message')) })).toThrow(
    'made by another key',
  );
});

test.each(['ed25519_sk', 'ecdsa_sk'])("OpenSSH's own security-key signature %s verifies", (name) => {
  const key = parseSshPublicKey(vector(`openssh-${name}.pub`));
  const over = { namespace: 'unittest', message: utf8('This is a test, this is only a test') };
  verifies(vector(`openssh-${name}.sig`), key, over);
  expect(() => verifies(vector(`openssh-${name}.sig`), key, { ...over, message })).toThrow('does not verify');
});

describe.each(Object.keys(makers))('an SSH signature of kind %s', (kind) => {
  test.each(['sha512', 'sha256'])('made by ssh-keygen with %s verifies', (hash) => {
    const file = join(folder, `${kind}-${hash}`);
    execFileSync('ssh-keygen', ['-q', '-t', kind, '-N', '', '-C', 'test only', '-f', file]);
    const options = ['-n', namespace, '-O', `hashalg=${hash}`, '-f', file];
    const armored = execFileSync('ssh-keygen', ['-Y', 'sign', ...options], {
      input: message,
      stdio: ['pipe', 'pipe', 'pipe'],
    }).toString();
    const key = parseSshPublicKey(readFileSync(`${file}.pub`, 'utf8'));
    verifies(armored, key);
    verifies(armored.trimEnd(), key);
    expect(() => verifies(armored, key, { message: utf8('{}') })).toThrow('does not verify over these bytes');
  });

  test('made here verifies with ssh-keygen, and only over the same bytes', () => {
    // P-256: a hundred, so that r and s of every length in bytes come by.
    const privateKey = makers[kind]!();
    const key = sshKeyOf(privateKey);
    for (let i = 0; i < 100; i++) verifies(signSshsig({ namespace, message, privateKey }), key);
    const armored = signSshsig({ namespace, message, privateKey });
    sshKeygenVerifies(armored, key);
    expect(() => sshKeygenVerifies(armored, key, utf8('{}'))).toThrow();
  });

  test('is refused for another key, namespace, message or purpose', () => {
    const privateKey = makers[kind]!();
    const key = sshKeyOf(privateKey);
    const armored = signSshsig({ namespace, message, privateKey });
    expect(() => verifies(armored, sshKeyOf(makers[kind]!()))).toThrow('made by another key');
    expect(() => verifies(armored, key, { namespace: 'approval@holdfast.dev' })).toThrow(
      'want namespace "approval@holdfast.dev"',
    );
    expect(() => verifies(armored, key, { message: concat(message, utf8('\n')) })).toThrow('does not verify');
    expect(() => verifies(armored, key, { requireUserVerification: true })).toThrow('user verification is required');
  });

  test('is refused when any bit of it changed, it is cut short or something follows', () => {
    const privateKey = makers[kind]!();
    const key = sshKeyOf(privateKey);
    const blob = blobOf(signSshsig({ namespace, message, privateKey }));
    verifies(armor(blob), key);
    for (let at = 0; at < blob.length; at++) {
      const flipped = Buffer.from(blob);
      flipped[at]! ^= 1 << (at % 8);
      expect(() => verifies(armor(flipped), key), `byte ${at} flipped`).toThrow(/^signature: /);
      expect(() => verifies(armor(blob.subarray(0, at)), key), `cut to ${at} bytes`).toThrow(/^signature: /);
    }
    expect(() => verifies(armor(concat(blob, Uint8Array.of(0))), key)).toThrow('signature: 1 bytes too many');
  });
});

describe('the envelope', () => {
  const privateKey = makers['ed25519']!();
  const key = sshKeyOf(privateKey);
  const armored = signSshsig({ namespace, message, privateKey });

  function envelope(over: {
    magic?: string;
    version?: number;
    reserved?: string;
    hash?: string;
    trailing?: string;
  }): string {
    const { magic = 'SSHSIG', version = 1, reserved = '', hash = 'sha512', trailing = '' } = over;
    const digest = createHash('sha512').update(message).digest();
    const signed = concat(utf8(magic), ...[namespace, reserved, hash].map(sshString), sshString(digest));
    const signature = concat(sshString('ssh-ed25519'), sshString(sign(null, signed, privateKey)), utf8(trailing));
    const fields = [sshString(key.blob), ...[namespace, reserved, hash].map(sshString), sshString(signature)];
    return armor(concat(utf8(magic), sshUint32(version), ...fields));
  }

  test('is accepted as the format says, and refused field by field although truly signed', () => {
    verifies(envelope({}), key);
    expect(() => verifies(envelope({ magic: 'SSHSIX' }), key)).toThrow('signature: not an SSHSIG');
    expect(() => verifies(envelope({ version: 2 }), key)).toThrow('signature: want SSHSIG version 1, got 2');
    expect(() => verifies(envelope({ reserved: 'x' }), key)).toThrow('signature: the reserved field is not empty');
    expect(() => verifies(envelope({ hash: 'sha1' }), key)).toThrow(
      'signature: want hash sha512 or sha256, got "sha1"',
    );
    expect(() => verifies(envelope({ trailing: 'x' }), key)).toThrow('signature: 1 bytes too many');
  });

  test.each([
    ['empty', ''],
    ['without armor', blobOf(armored).toString('base64')],
    ['with text before it', `x\n${armored}`],
    ['with text after it', `${armored}x`],
    ['with spaces in it', armored.replace('U1', 'U 1')],
    ['with carriage returns', armored.replaceAll('\n', '\r\n')],
    ['in URL-safe base64', armored.replace(/U/, '_')],
    ['beyond all size', `${armored}${' '.repeat(5000)}`],
  ])('is refused %s', (_, text) => {
    expect(() => verifies(text, key)).toThrow(/^signature: /);
  });

  test('never makes anything but a clear error of what is not one', () => {
    const refused = (text: string): void => {
      expect(() => verifies(text, key)).toThrow(/^signature: /);
    };
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => refused(text)));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => refused(armor(bytes))));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (tail) =>
        refused(armor(concat(utf8('SSHSIG'), sshUint32(1), sshString(key.blob), tail))),
      ),
    );
  });
});

describe('a P-256 signature', () => {
  const privateKey = makers['ecdsa']!();
  const key = sshKeyOf(privateKey);
  const withScalars = (...scalars: readonly Uint8Array[]) =>
    armorSshsig(namespace, key, concat(sshString('ecdsa-sha2-nistp256'), sshString(concat(...scalars))));
  const raw = sign('sha256', sshsigPayload(namespace, message), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const [r, s] = [raw.subarray(0, 32), raw.subarray(32)];

  test('has positive integers in their shortest form, and no more than two', () => {
    verifies(withScalars(sshScalar(r), sshScalar(s)), key);
    const longer = sshString(concat(Uint8Array.of(0, 0), r));
    expect(() => verifies(withScalars(longer, sshScalar(s)), key)).toThrow(
      'signature: r: want a positive integer in its shortest form',
    );
    expect(() => verifies(withScalars(sshString(''), sshScalar(s)), key)).toThrow('signature: r: want a positive');
    expect(() => verifies(withScalars(sshString(Uint8Array.of(0x80)), sshScalar(s)), key)).toThrow(
      'signature: r: want a positive',
    );
    expect(() => verifies(withScalars(sshString(new Uint8Array(33).fill(1)), sshScalar(s)), key)).toThrow(
      'signature: r: want at most 32 bytes',
    );
    expect(() => verifies(withScalars(sshScalar(r), sshScalar(s), sshScalar(s)), key)).toThrow('bytes too many');
    expect(() => verifies(withScalars(sshScalar(r)), key)).toThrow('signature: s: want 4 bytes, 0 are left');
  });
});

/** What a FIDO token and OpenSSH make of a payload (PROTOCOL.u2f), with a software key in the token's place. */
function tokenSignature(
  kind: string,
  over: { flags?: number; application?: string } = {},
): { armored: string; key: SshPublicKey } {
  const { flags = 0x01, application = 'ssh:' } = over;
  const privateKey = makers[kind]!();
  const plain = new SshReader(sshKeyOf(privateKey).blob);
  const name = `sk-${plain.text('algorithm')}@openssh.com`;
  const body = plain.take(sshKeyOf(privateKey).blob.length - 4 - (name.length - 15), 'body');
  const key = parseSshPublicKey(
    `${name} ${Buffer.from(concat(sshString(name), body, sshString('ssh:'))).toString('base64')}`,
  );
  const sha = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();
  const tail = concat(Uint8Array.of(flags), sshUint32(7));
  const signed = concat(sha(application), tail, sha(sshsigPayload(namespace, message)));
  let value: Uint8Array = sign(kind === 'ed25519' ? null : 'sha256', signed, {
    key: privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  if (kind === 'ecdsa') value = concat(sshScalar(value.subarray(0, 32)), sshScalar(value.subarray(32)));
  return { armored: armorSshsig(namespace, key, concat(sshString(name), sshString(value), tail)), key };
}

describe.each(Object.keys(makers))('a security key of kind %s', (kind) => {
  test('is accepted here and by ssh-keygen when it was touched', () => {
    const { armored, key } = tokenSignature(kind);
    verifies(armored, key);
    sshKeygenVerifies(armored, key);
  });

  test('must have been touched, and must have verified its user where that is required', () => {
    const untouched = tokenSignature(kind, { flags: 0 });
    expect(() => verifies(untouched.armored, untouched.key)).toThrow('made without touching the security key');
    const touched = tokenSignature(kind);
    expect(() => verifies(touched.armored, touched.key, { requireUserVerification: true })).toThrow(
      'without the user verification',
    );
    const verified = tokenSignature(kind, { flags: 0x05 });
    verifies(verified.armored, verified.key, { requireUserVerification: true });
  });

  test('is refused for another application than its key says, and when any bit changed', () => {
    const foreign = tokenSignature(kind, { application: 'ssh:other' });
    expect(() => verifies(foreign.armored, foreign.key)).toThrow('does not verify over these bytes');
    const { armored, key } = tokenSignature(kind);
    const blob = blobOf(armored);
    for (let at = 0; at < blob.length; at++) {
      const flipped = Buffer.from(blob);
      flipped[at]! ^= 1 << (at % 8);
      expect(() => verifies(armor(flipped), key), `byte ${at} flipped`).toThrow(/^signature: /);
    }
  });
});
