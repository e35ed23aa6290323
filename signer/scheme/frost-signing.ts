import type { FrostPublic, FrostSecret, NonceCommitments, Nonces } from '@noble/curves/abstract/frost.js';
import { equal, secretCopy } from '../../common/bytes.ts';
import { checkedCommitments, checkParties, checkSignatureShares, exactLength, type Parties } from './frost-shapes.ts';
import { frostSuite, SCALAR_LENGTH, type FrostSuite } from './frost-suite.ts';
import {
  BadCommitment,
  Culprit,
  type FreshCommitment,
  type FrostScheme,
  type KeyShare,
  type SigningInput,
} from './scheme.ts';

/** Unused nonces a key may have: some pools of every peer, so that asking for more cannot fill memory. */
const MAX_NONCES = 4096;

/** Nonces and what was told of them. */
type Committed = { readonly nonces: Nonces; readonly hiding: Uint8Array; readonly binding: Uint8Array };

/** An opened share, synchronous: {@link SigningKey} over @noble/curves. Keeps its own copy of the share. */
export class FrostSigning {
  readonly #suite: FrostSuite;
  readonly #parties: Parties;
  readonly #secret: FrostSecret;
  readonly #public: FrostPublic;
  readonly #nonces = new Map<number, Committed>();
  #made = 0;
  #closed = false;

  constructor(scheme: FrostScheme, key: KeyShare) {
    const suite = frostSuite(scheme);
    checkParties(key.identifier, key.threshold, key.verificationShares.length);
    exactLength(key.share, SCALAR_LENGTH, 'share');
    for (const [what, point] of [
      ['group key', key.groupKey],
      ...key.verificationShares.map((v, i) => [`verification share ${i + 1}`, v] as const),
    ] as const) {
      exactLength(point, suite.pointLength, what);
      suite.checkPoint(point);
    }
    if (!equal(suite.verificationShare(key.share), key.verificationShares[key.identifier - 1]!))
      throw new Error(`share does not match verification share ${key.identifier}`);
    const name = suite.frost.Identifier.fromNumber;
    this.#suite = suite;
    this.#parties = { me: key.identifier, threshold: key.threshold, parties: key.verificationShares.length };
    const { share, groupKey, verificationShares } = suite.forSigning({ ...key, share: secretCopy(key.share) });
    this.#secret = { identifier: name(key.identifier), signingShare: share };
    this.#public = {
      signers: { min: key.threshold, max: verificationShares.length },
      // Of the polynomial's commitments signing reads only the constant term, the group key.
      commitments: [Uint8Array.from(groupKey)],
      verifyingShares: Object.fromEntries(verificationShares.map((v, i) => [name(i + 1), Uint8Array.from(v)])),
    };
  }

  commit(count: number): FreshCommitment[] {
    this.#mustBeOpen();
    if (!Number.isInteger(count) || count < 1 || this.#nonces.size + count > MAX_NONCES)
      throw new Error(`want 1 to ${MAX_NONCES - this.#nonces.size} more nonces, got ${count}`);
    return Array.from({ length: count }, () => {
      const { nonces, commitments } = this.#suite.frost.commit(this.#secret);
      const nonce = ++this.#made;
      const { hiding, binding } = commitments;
      // Copies: what the caller does to its bytes must not pass for what was made here.
      this.#nonces.set(nonce, { nonces, hiding: Uint8Array.from(hiding), binding: Uint8Array.from(binding) });
      return { nonce, hiding, binding };
    });
  }

  sign(nonce: number, input: SigningInput): Uint8Array {
    this.#mustBeOpen();
    const committed = this.#nonces.get(nonce);
    // Gone before anything else happens: no way through this method uses a nonce twice.
    this.#nonces.delete(nonce);
    if (committed === undefined) throw new Error(`nonce ${nonce} is unknown or used`);
    const { nonces, hiding, binding } = committed;
    try {
      this.#suite.made(hiding);
      this.#suite.made(binding);
      const list = this.#list(input);
      return this.#blamingCommitments(input, () =>
        this.#suite.frost.signShare(this.#secret, this.#public, nonces, list, input.message),
      );
    } finally {
      erase(nonces);
    }
  }

  discard(nonces: readonly number[]): void {
    for (const nonce of nonces) {
      const committed = this.#nonces.get(nonce);
      this.#nonces.delete(nonce);
      if (committed !== undefined) erase(committed.nonces);
    }
  }

  aggregate(input: SigningInput, shares: ReadonlyMap<number, Uint8Array>): Uint8Array {
    this.#mustBeOpen();
    const list = this.#list(input);
    checkSignatureShares(input, shares);
    const unreadable = [...shares].filter(([, share]) => fails(() => this.#suite.checkScalar(share)));
    if (unreadable.length > 0) throw wrongShares(unreadable.map(([identifier]) => identifier));
    const named = Object.fromEntries(
      [...shares].map(([i, share]) => [this.#suite.frost.Identifier.fromNumber(i), share]),
    );
    try {
      return this.#blamingCommitments(input, () =>
        Uint8Array.from(this.#suite.frost.aggregate(this.#public, list, input.message, named)),
      );
    } catch (error) {
      const cheaters = cheatersOf(error);
      const culprits = [...shares.keys()].filter((i) => cheaters.includes(this.#suite.frost.Identifier.fromNumber(i)));
      throw culprits.length > 0 ? wrongShares(culprits) : error;
    }
  }

  close(): void {
    this.#closed = true;
    this.discard([...this.#nonces.keys()]);
    this.#secret.signingShare.fill(0);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new Error('key share is closed');
  }

  #list(input: SigningInput): NonceCommitments[] {
    return checkedCommitments(this.#suite.scheme, this.#parties, input).map(({ identifier, hiding, binding }) => ({
      identifier: this.#suite.frost.Identifier.fromNumber(identifier),
      hiding: Uint8Array.from(hiding),
      binding: Uint8Array.from(binding),
    }));
  }

  /** Points are parsed once, by `step`; only where that fails are they looked at one by one. */
  #blamingCommitments(input: SigningInput, step: () => Uint8Array): Uint8Array {
    try {
      return step();
    } catch (error) {
      const bad = [...input.commitments].filter(([, c]) =>
        fails(() => {
          this.#suite.checkPoint(c.hiding);
          this.#suite.checkPoint(c.binding);
        }),
      );
      throw bad.length > 0 ? new BadCommitment(bad.map(([identifier]) => identifier)) : error;
    }
  }
}

const wrongShares = (identifiers: readonly number[]): Culprit =>
  new Culprit(identifiers, `signature shares of identifiers ${identifiers.join(', ')} are wrong`);

/** Identifiers that @noble/curves names when an aggregate does not verify. */
const cheatersOf = (error: unknown): readonly unknown[] =>
  error instanceof Error && 'cheaters' in error && Array.isArray(error.cheaters) ? error.cheaters : [];

function fails(check: () => void): boolean {
  try {
    check();
    return false;
  } catch {
    return true;
  }
}

function erase({ hiding, binding }: Nonces): void {
  hiding.fill(0);
  binding.fill(0);
}
