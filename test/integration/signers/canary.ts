import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { secp256k1 } from '@noble/curves/secp256k1.js';

/** A secret that must be nowhere, and every form in which it is looked for. */
export type Canary = { readonly name: string; readonly forms: ReadonlyMap<string, Buffer> };

/** As many bytes of a secret as are looked for at once: two of them make a share, and no chance makes one. */
const PART = 16;

const wholeNumber = (bytes: Uint8Array): string => BigInt(`0x${Buffer.from(bytes).toString('hex')}`).toString();

/** What of `bytes` base64 shows of them whatever stands before and after: without the digits that others have a part in. */
const base64Parts = (bytes: Uint8Array): readonly (readonly [string, string])[] =>
  [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const partial = ((before + bytes.length) * 8) % 6 === 0 ? 0 : 1;
    return [`base64 after ${before}`, text.slice(before === 0 ? 0 : before + 1, text.length - partial)];
  });

/**
 * Forms of `bytes`: each half of them, raw, in hex, in base64 at every alignment and as lists of numbers, all of that in
 * both byte orders; and the whole of them as one decimal number.
 */
export function canary(name: string, bytes: Uint8Array): Canary {
  const forms = new Map<string, Buffer>();
  for (const [order, ordered] of [
    ['as it is', bytes],
    ['reversed', bytes.toReversed()],
  ] as const) {
    forms.set(`decimal, ${order}`, Buffer.from(wholeNumber(ordered)));
    for (let at = 0; at < ordered.length; at += PART) {
      const part = ordered.subarray(at, at + PART);
      const put = (form: string, value: Uint8Array | string): void =>
        void forms.set(`${form}, ${order}, from byte ${at}`, Buffer.from(value as string));
      const inHex = Buffer.from(part).toString('hex');
      put('raw', part);
      put('hex', inHex);
      put('upper hex', inHex.toUpperCase());
      put('numbers', [...part].join(','));
      put('spaced numbers', [...part].join(', '));
      put('hex numbers', [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' '));
      put('members', [...part].map((byte, i) => `"${at + i}":${byte}`).join(','));
      for (const [form, text] of base64Parts(part)) {
        put(form, text);
        put(`${form} for addresses`, text.replaceAll('+', '-').replaceAll('/', '_'));
      }
    }
  }
  return { name, forms };
}

/** A share, and what signs as well: a signer holds a taproot share negated where the group key's Y is odd (BIP-340). */
export function shareCanaries(name: string, share: Uint8Array, scheme: string): readonly Canary[] {
  const as = canary(name, share);
  if (scheme !== 'Schnorr') return [as];
  const { Fn } = secp256k1.Point;
  return [as, canary(`${name}, negated`, Fn.toBytes(Fn.neg(Fn.fromBytes(Uint8Array.from(share)))))];
}

/** Says which canaries bytes hold, how written, each once. */
export type Search = (bytes: Uint8Array) => string[];

type Sought = { readonly form: Buffer; readonly found: string };

/** Looks for all forms of `canaries` at once: a look at each byte, and a closer one where a form may begin. */
export function searchFor(canaries: readonly Canary[]): Search {
  const byStart = new Map<number, Sought[]>();
  const begins = new Uint8Array(1 << 24);
  for (const { name, forms } of canaries)
    for (const [how, form] of forms) {
      const start = form.readUIntBE(0, 3);
      begins[start] = 1;
      byStart.set(start, [...(byStart.get(start) ?? []), { form, found: `${name} (${how})` }]);
    }
  return (given) => {
    const bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
    const found = new Set<string>();
    let last3 = 0;
    for (let at = 0; at < bytes.length; at++) {
      last3 = ((last3 << 8) | (bytes[at] as number)) & 0xffffff;
      if (begins[last3] === 0 || at < 2) continue;
      for (const sought of byStart.get(last3) ?? [])
        if (sought.form.equals(bytes.subarray(at - 2, at - 2 + sought.form.length))) found.add(sought.found);
    }
    return [...found];
  };
}

/** Every file below `folder`, by path. */
export function filesBelow(folder: string): ReadonlyMap<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path, readFileSync(path)]),
  );
}
