import { keyAt, type RootKey } from './child-key.ts';
import { decode } from './decode/decode.ts';
import type { Decoded, Effect, Payload, PublicKey } from './effect.ts';

/** A payload as it would be signed at a path: by the key itself for "", else by its child, which every effect names. */
export type DecodedAt = Decoded & {
  /** Of the key that signs. */
  readonly publicKey: PublicKey;
};

/** Decodes `payload` for the key at `path` below `root`. Throws Refused as {@link keyAt} and {@link decode} do. */
export function decodeAt(payload: Payload, root: RootKey, path: string): DecodedAt {
  const publicKey = keyAt(root, path);
  return { ...atPath(decode(payload, publicKey), path), publicKey };
}

/** What was decoded for the key at `path` already. */
export const atPath = (decoded: Decoded, path: string): Decoded =>
  path === '' ? decoded : { ...decoded, effects: decoded.effects.map((effect): Effect => ({ ...effect, path })) };
