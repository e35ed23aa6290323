import { createHash, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concat, fromHex, hex, quote } from '../common/bytes.ts';
import { SshReader, fromBase64, sshString } from './ssh-wire.ts';

const algorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'sk-ssh-ed25519@openssh.com',
  'sk-ecdsa-sha2-nistp256@openssh.com',
] as const;
export type SshAlgorithm = (typeof algorithms)[number];

export type SshPublicKey = {
  readonly algorithm: SshAlgorithm;
  /** The key on the wire (RFC 4253 6.6), which is what signatures embed. */
  readonly blob: Uint8Array;
  readonly key: KeyObject;
  /** What a FIDO token binds its signatures to, mostly `ssh:`; "" for keys without a token. */
  readonly application: string;
};

// Everything of a SubjectPublicKeyInfo but the key itself: RFC 8410 4, RFC 5480 2 (uncompressed point follows).
const ed25519Prefix = fromHex('302a300506032b6570032100');
const p256Prefix = fromHex('3059301306072a8648ce3d020106082a8648ce3d030107034200');
const maxTextLength = 4096;

/** A line of `*.pub` or `authorized_keys` without options: algorithm, base64, optional comment. Throws on anything else. */
export function parseSshPublicKey(text: string): SshPublicKey {
  if (text.length > maxTextLength)
    throw new Error(`ssh key: want at most ${maxTextLength} characters, got ${text.length}`);
  const match = /^(?<name>\S+) (?<body>\S+)(?: [^\r\n]*)?\n?$/.exec(text);
  const { name = '', body = '' } = match?.groups ?? {};
  if (match === null) throw new Error(`ssh key: want one line like "ssh-ed25519 AAAA...", got ${quote(text)}`);
  const algorithm = algorithmNamed(name);
  return parseBlob(fromBase64(body, 'ssh key'), algorithm);
}

function algorithmNamed(name: string): SshAlgorithm {
  const algorithm = algorithms.find((known) => known === name);
  if (algorithm !== undefined) return algorithm;
  const why = /-cert-v\d+@/.test(name)
    ? ': certificates are not accepted, give the plain key'
    : name === 'ssh-rsa'
      ? ': RSA is not accepted'
      : '';
  throw new Error(`ssh key: want ${algorithms.join(', ')}, got ${quote(name)}${why}`);
}

function parseBlob(blob: Uint8Array, expected: SshAlgorithm): SshPublicKey {
  const reader = new SshReader(blob);
  const algorithm = algorithmNamed(reader.text('ssh key: algorithm'));
  if (algorithm !== expected) throw new Error(`ssh key: says ${expected} outside and ${algorithm} inside`);
  const key = isEd25519(algorithm) ? readEd25519(reader) : readP256(reader);
  const application = isSecurityKey(algorithm) ? reader.text('ssh key: application') : '';
  reader.end('ssh key');
  return { algorithm, blob, key, application };
}

export const isEd25519 = (algorithm: SshAlgorithm): boolean => algorithm.includes('ed25519');
export const isSecurityKey = (algorithm: SshAlgorithm): boolean => algorithm.startsWith('sk-');

function readEd25519(reader: SshReader): KeyObject {
  const point = reader.string('ssh key: point');
  if (point.length !== 32) throw new Error(`ssh key: want a point of 32 bytes, got ${point.length}`);
  return publicKey(concat(ed25519Prefix, point));
}

function readP256(reader: SshReader): KeyObject {
  const curve = reader.text('ssh key: curve');
  if (curve !== 'nistp256') throw new Error(`ssh key: want curve nistp256, got ${quote(curve)}`);
  const point = reader.string('ssh key: point');
  if (point.length !== 65 || point[0] !== 4) throw new Error('ssh key: want an uncompressed point of 65 bytes');
  return publicKey(concat(p256Prefix, point));
}

function publicKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    throw new Error('ssh key: the point is not on the curve');
  }
}

/** The key of an Ed25519 or P-256 SubjectPublicKeyInfo in its one DER form; throws on any other. */
export function sshKeyOfSpki(der: Uint8Array): SshPublicKey {
  const text = hex(der);
  if (text.startsWith(hex(ed25519Prefix)) && der.length === ed25519Prefix.length + 32) {
    const point = der.subarray(ed25519Prefix.length);
    return parseBlob(concat(sshString('ssh-ed25519'), sshString(point)), 'ssh-ed25519');
  }
  if (text.startsWith(hex(p256Prefix)) && der.length === p256Prefix.length + 65) {
    const point = der.subarray(p256Prefix.length);
    const blob = concat(sshString('ecdsa-sha2-nistp256'), sshString('nistp256'), sshString(point));
    return parseBlob(blob, 'ecdsa-sha2-nistp256');
  }
  throw new Error(`public key: want an Ed25519 or P-256 SubjectPublicKeyInfo, got ${quote(text)}`);
}

/** A service signs all its requests with one key object: what is read of it lives as long as it does. */
const read = new WeakMap<KeyObject, SshPublicKey>();

/** The key of a public or private Ed25519 or P-256 KeyObject. */
export function sshKeyOf(key: KeyObject): SshPublicKey {
  const known = read.get(key);
  if (known !== undefined) return known;
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const made = sshKeyOfSpki(half.export({ format: 'der', type: 'spki' }));
  read.set(key, made);
  return made;
}

/** One line as in `*.pub`, without comment. */
export const formatSshPublicKey = (key: SshPublicKey): string =>
  `${key.algorithm} ${Buffer.from(key.blob).toString('base64')}`;

/** As `ssh-keygen -l` prints it: `SHA256:` and unpadded base64. */
export const fingerprint = (key: SshPublicKey): string =>
  `SHA256:${createHash('sha256').update(key.blob).digest('base64').replace(/=+$/, '')}`;
