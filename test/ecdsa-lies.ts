import { expect } from 'vitest';
import { concat, fromHex } from '../common/bytes.ts';
import { Banned, Culprit, Suspects } from '../signer/scheme/scheme.ts';
import { flipped } from './flipped.ts';

export const failure = (done: Promise<unknown>): Promise<Error> =>
  done.then(
    () => expect.unreachable('should have failed'),
    (error: unknown) => error as Error,
  );

/** How an error blames: `Culprit 2`, `Banned 2`, `Suspects 1 2`, or `nobody`. */
export function blame(error: unknown): string {
  if (error instanceof Banned) return `Banned ${error.identifier}`;
  if (error instanceof Culprit || error instanceof Suspects) return `${error.name} ${error.identifiers.join(' ')}`;
  expect(error).toBeInstanceOf(Error);
  return 'nobody';
}

/** What a liar makes of its message. */
export type Change = (bytes: Uint8Array) => Uint8Array;

/** `bytes` with `part` at `at`. */
export const put = (bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array =>
  concat(bytes.subarray(0, at), part, bytes.subarray(at + part.length));

/** The lowest bit of byte `at` changed. */
export const bit =
  (at: number): Change =>
  (bytes) =>
    flipped(bytes, at * 8);

/** The order of secp256k1, behind its length: no scalar. */
export const order = concat(
  Uint8Array.of(32),
  fromHex('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'),
);
