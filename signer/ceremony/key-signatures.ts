import { messageOf } from '../../common/errors.ts';
import type { HolderSignature } from '../../proto/gen/signer/v1/signer.ts';
import type { KeyRow } from '../state/store.ts';

/** Holders' signatures in the text that a key's row keeps. */
export const signaturesText = (signatures: readonly HolderSignature[]): string =>
  JSON.stringify(Object.fromEntries(signatures.map(({ holder, signature }) => [holder, signature])));

/** Holders' signatures as a key's row keeps them, not verified. Throws naming the key where the row holds none. */
export function signaturesOf({ name, signatures }: Pick<KeyRow, 'name' | 'signatures'>): HolderSignature[] {
  let value: unknown;
  try {
    value = JSON.parse(signatures);
  } catch (error) {
    throw wrong(name, messageOf(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, 'it is no JSON object');
  return Object.entries(value).map(([holder, signature]: [string, unknown]) => {
    if (typeof signature !== 'string') throw wrong(name, 'a member is no text');
    return { holder, signature };
  });
}

const wrong = (key: string, what: string): Error =>
  new Error(`the signer's state holds no key ${JSON.stringify(key)} as expected: signatures of its holders: ${what}`);
