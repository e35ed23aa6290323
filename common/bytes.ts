import { createHash } from 'node:crypto';

/** Lowercase hex of `bytes`. */
export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');

/** Bytes of lowercase hex; throws on odd length, upper case or anything else, naming `title`. */
export function fromHex(text: string, title = 'hex'): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new Error(`${title}: want lowercase hex, got ${quote(text)}`);
  return Uint8Array.from(Buffer.from(text, 'hex'));
}

/**
 * Zeros for a secret. Small arrays lie in the heap by themselves, where collecting garbage moves them and leaves copies
 * behind that nobody can zero; one over a buffer of its own stays where it is.
 */
export const secretBytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(new ArrayBuffer(length));

/** A copy of a secret, as {@link secretBytes}. */
export function secretCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = secretBytes(bytes.length);
  copy.set(bytes);
  return copy;
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Text of UTF-8 bytes; throws on malformed input. */
export const fromUtf8 = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

/** Equality of public bytes; not constant time. */
export const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export const sha256 = (bytes: Uint8Array): Uint8Array => Uint8Array.from(createHash('sha256').update(bytes).digest());

/** `sha256:` and 64 hex digits: how digests and fingerprints are written everywhere. */
export const digest = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** SHA-256 over a tag and length-prefixed parts, so that no two part lists share an encoding. */
export function taggedHash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of [utf8(tag), ...parts]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    hash.update(length).update(part);
  }
  return Uint8Array.from(hash.digest());
}

/** At most `most` UTF-16 units of `text`, well-formed, as a peer or the disk may be given it. */
export const clip = (text: string, most = 500): string => text.slice(0, most).toWellFormed();

/** Input quoted for an error message, cut to a readable length. */
export const quote = (text: string, limit = 60): string =>
  JSON.stringify(text.length > limit ? `${text.slice(0, limit)}...` : text);
