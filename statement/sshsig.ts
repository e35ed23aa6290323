import { createHash, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { concat, equal, quote, sha256, utf8 } from '../common/bytes.ts';
import { isEd25519, isSecurityKey, sshKeyOf } from './ssh-key.ts';
import type { SshPublicKey } from './ssh-key.ts';
import { SshReader, fromBase64, sshScalar, sshString, sshUint32 } from './ssh-wire.ts';

// OpenSSH's PROTOCOL.sshsig, version 1. Namespaces keep a signature made for one purpose from serving another.
const magic = utf8('SSHSIG');
const version = 1;
const hashes = ['sha512', 'sha256'] as const;
type Hash = (typeof hashes)[number];
const begin = '-----BEGIN SSH SIGNATURE-----';
const end = '-----END SSH SIGNATURE-----';
const maxArmoredLength = 4096;
// PROTOCOL.u2f: flags of a FIDO token's signature.
const userPresent = 0x01;
const userVerified = 0x04;

export type SshsigCheck = {
  readonly armored: string;
  readonly namespace: string;
  readonly message: Uint8Array;
  readonly key: SshPublicKey;
  /** A security key must have checked who touched it (PIN, fingerprint), not only that someone did. */
  readonly requireUserVerification?: boolean;
};

/** Throws unless `armored` is a signature of exactly this message, in this namespace, by this key. */
export function verifySshsig({ armored, namespace, message, key, requireUserVerification = false }: SshsigCheck): void {
  const { hash, signature } = parseEnvelope(dearmor(armored), namespace, key);
  const reader = new SshReader(signature);
  const algorithm = reader.text('signature: algorithm');
  if (algorithm !== key.algorithm)
    throw new Error(`signature: want algorithm ${key.algorithm}, got ${quote(algorithm)}`);
  const raw = readRawSignature(reader, key);
  let signed = signedData(namespace, hash, message);
  if (isSecurityKey(key.algorithm)) {
    const [flags = 0] = reader.take(1, 'signature: flags');
    const counter = reader.uint32('signature: counter');
    if ((flags & userPresent) === 0) throw new Error('signature: made without touching the security key');
    if (requireUserVerification && (flags & userVerified) === 0)
      throw new Error('signature: made without the user verification (PIN or fingerprint) that is required');
    signed = concat(sha256(utf8(key.application)), Uint8Array.of(flags), sshUint32(counter), sha256(signed));
  } else if (requireUserVerification) {
    throw new Error(`signature: user verification is required, which a key of kind ${key.algorithm} cannot show`);
  }
  reader.end('signature');
  const valid = isEd25519(key.algorithm)
    ? verify(null, signed, key.key, raw)
    : verify('sha256', signed, { key: key.key, dsaEncoding: 'ieee-p1363' }, raw);
  if (!valid) throw new Error('signature: does not verify over these bytes');
}

function dearmor(armored: string): Uint8Array {
  if (armored.length > maxArmoredLength)
    throw new Error(`signature: want at most ${maxArmoredLength} characters, got ${armored.length}`);
  const lines = armored.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines[0] !== begin || lines.at(-1) !== end)
    throw new Error(`signature: want an armored SSH signature (${begin}), got ${quote(armored)}`);
  return fromBase64(lines.slice(1, -1).join(''), 'signature');
}

function parseEnvelope(blob: Uint8Array, namespace: string, key: SshPublicKey): { hash: Hash; signature: Uint8Array } {
  const reader = new SshReader(blob);
  if (!equal(reader.take(magic.length, 'signature: magic'), magic)) throw new Error('signature: not an SSHSIG');
  const got = reader.uint32('signature: version');
  if (got !== version) throw new Error(`signature: want SSHSIG version ${version}, got ${got}`);
  if (!equal(reader.string('signature: public key'), key.blob)) throw new Error('signature: made by another key');
  const space = reader.text('signature: namespace');
  if (space !== namespace) throw new Error(`signature: want namespace ${quote(namespace)}, got ${quote(space)}`);
  if (reader.string('signature: reserved').length > 0) throw new Error('signature: the reserved field is not empty');
  const name = reader.text('signature: hash');
  const hash = hashes.find((known) => known === name);
  if (hash === undefined) throw new Error(`signature: want hash ${hashes.join(' or ')}, got ${quote(name)}`);
  const signature = reader.string('signature: body');
  reader.end('signature');
  return { hash, signature };
}

/** 64 bytes: RFC 8032's for Ed25519, r and s of RFC 5656 3.1.2 for P-256. */
function readRawSignature(reader: SshReader, key: SshPublicKey): Uint8Array {
  const body = reader.string('signature: value');
  if (isEd25519(key.algorithm)) {
    if (body.length !== 64) throw new Error(`signature: want 64 bytes, got ${body.length}`);
    return body;
  }
  const scalars = new SshReader(body);
  const raw = concat(scalars.scalar(32, 'signature: r'), scalars.scalar(32, 'signature: s'));
  scalars.end('signature: value');
  return raw;
}

function signedData(namespace: string, hash: Hash, message: Uint8Array): Uint8Array {
  const digest = createHash(hash).update(message).digest();
  return concat(magic, sshString(namespace), sshString(''), sshString(hash), sshString(digest));
}

/** The bytes that a key signs for `message`: for agents and tokens, which sign elsewhere. */
export const sshsigPayload = (namespace: string, message: Uint8Array): Uint8Array =>
  signedData(namespace, 'sha512', message);

/** The armored signature around what an agent answered for {@link sshsigPayload}: algorithm and value (RFC 4253 6.6). */
export function armorSshsig(namespace: string, key: SshPublicKey, signature: Uint8Array): string {
  const fields = [key.blob, utf8(namespace), utf8(''), utf8('sha512'), signature].map(sshString);
  const body = Buffer.from(concat(magic, sshUint32(version), ...fields)).toString('base64');
  return [begin, ...(body.match(/.{1,70}/g) ?? []), end, ''].join('\n');
}

/** An armored signature by an Ed25519 or P-256 private key, as `ssh-keygen -Y sign` makes it. */
export function signSshsig(input: {
  readonly namespace: string;
  readonly message: Uint8Array;
  readonly privateKey: KeyObject;
}): string {
  const key = sshKeyOf(input.privateKey);
  const payload = sshsigPayload(input.namespace, input.message);
  let value: Uint8Array;
  if (isEd25519(key.algorithm)) {
    value = sign(null, payload, input.privateKey);
  } else {
    const raw = sign('sha256', payload, { key: input.privateKey, dsaEncoding: 'ieee-p1363' });
    value = concat(sshScalar(raw.subarray(0, 32)), sshScalar(raw.subarray(32)));
  }
  return armorSshsig(input.namespace, key, concat(sshString(key.algorithm), sshString(value)));
}
