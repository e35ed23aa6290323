import { ed25519 } from '@noble/curves/ed25519.js';

/** Points that are kept: group keys, and the commitments of what is under way. */
const MOST = 1_024;
/** By encoding, the latest used last. */
const known = new Map<string, KnownPoint>();
/** Apart from the points, which the library freezes. */
const torsionFree = new WeakMap<KnownPoint, boolean>();

/**
 * A point of edwards25519 that is parsed once and remembers whether it lies in the prime-order subgroup. FROST parses the
 * same bytes in every step, and that check is most of what a step costs. What is kept is a function of public bytes;
 * every other check is the library's, at each parsing.
 */
export class KnownPoint extends ed25519.Point {
  static override fromBytes(bytes: Uint8Array): KnownPoint {
    if (!(bytes instanceof Uint8Array)) throw new Error('point: want bytes');
    const key = Buffer.from(bytes).toString('latin1');
    const point = known.get(key) ?? KnownPoint.#parse(bytes);
    known.delete(key);
    known.set(key, point);
    if (known.size > MOST) known.delete(known.keys().next().value ?? '');
    return point;
  }

  /** Takes an encoding that this process got by multiplying the base point, which is in the subgroup. */
  static made(bytes: Uint8Array): void {
    torsionFree.set(KnownPoint.fromBytes(bytes), true);
  }

  /** FROST wants points of this class, and sums of them are plain ones. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof ed25519.Point;
  }

  static #parse(bytes: Uint8Array): KnownPoint {
    const { X, Y, Z, T } = ed25519.Point.fromBytes(bytes);
    return new KnownPoint(X, Y, Z, T);
  }

  override isTorsionFree(): boolean {
    const isFree = torsionFree.get(this) ?? super.isTorsionFree();
    torsionFree.set(this, isFree);
    return isFree;
  }
}
