import type { Arbitrary } from 'fast-check';
import { Refused, UserError } from '../../common/errors.ts';
import { PolicyInvalid } from '../../policy/policy-invalid.ts';

/** One way in for bytes of a peer, a user or a disk. */
export type Decoder = {
  readonly name: string;
  /** Inputs that it takes. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Reads `bytes` as the program does; throws where they are refused. Gives back the one encoding of what it read, or
   * undefined where the format has more than one.
   */
  readonly decode: (bytes: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** More inputs, made from the structure of the format. */
  readonly structured?: Arbitrary<Uint8Array>;
  /** Errors that its callers expect beside those of {@link isRefusal}. */
  readonly refuses?: (error: unknown) => boolean;
  /** The largest input to make; 16 KiB unless said. */
  readonly mostBytes?: number;
};

/**
 * Errors that decoders throw on purpose. A TypeError, RangeError or SyntaxError is the mark of a mistake: something
 * was used before it was checked.
 */
export const isRefusal = (error: unknown): boolean =>
  error instanceof Refused ||
  error instanceof UserError ||
  error instanceof PolicyInvalid ||
  (error instanceof Error && Object.getPrototypeOf(error) === Error.prototype);
