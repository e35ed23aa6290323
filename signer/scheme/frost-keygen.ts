import type { DKG_Round1, DKG_Round2, DKG_Secret, Signers } from '@noble/curves/abstract/frost.js';
import { secretCopy } from '../../common/bytes.ts';
import { frostSuite, MAX_PARTIES, SCALAR_LENGTH, SIGNATURE_LENGTH, type FrostSuite } from './frost-suite.ts';
import { Culprit, type FrostScheme, type KeygenResult, type Round1 } from './scheme.ts';

/** Throws unless `t` of `n` parties with this identifier among them make sense. */
export function checkParties(identifier: number, threshold: number, parties: number): void {
  if (!Number.isInteger(parties) || parties < 2 || parties > MAX_PARTIES)
    throw new Error(`want 2 to ${MAX_PARTIES} parties, got ${parties}`);
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > parties)
    throw new Error(`want a threshold of 2 to ${parties}, got ${threshold}`);
  if (!Number.isInteger(identifier) || identifier < 1 || identifier > parties)
    throw new Error(`want an identifier of 1 to ${parties}, got ${identifier}`);
}

type Step = 'new' | 'round1' | 'round2' | 'closed';

/** One party's distributed key generation, synchronous: the steps of {@link KeygenRun} over @noble/curves. */
export class FrostKeygen {
  readonly #suite: FrostSuite;
  readonly #me: number;
  readonly #signers: Signers;
  #step: Step = 'new';
  #own: DKG_Round1 | undefined;
  #secret: DKG_Secret | undefined;
  #others: readonly DKG_Round1[] = [];

  constructor(scheme: FrostScheme, identifier: number, threshold: number, parties: number) {
    checkParties(identifier, threshold, parties);
    this.#suite = frostSuite(scheme);
    this.#me = identifier;
    this.#signers = { min: threshold, max: parties };
  }

  round1(): Round1 {
    this.#advance('new', 'round1');
    const run = this.#suite.frost.DKG.round1(this.#name(this.#me), this.#signers);
    this.#own = run.public;
    this.#secret = run.secret;
    return { commitment: run.public.commitment.map((c) => c.slice()), proof: run.public.proofOfKnowledge.slice() };
  }

  round2(others: ReadonlyMap<number, Round1>): Map<number, Uint8Array> {
    const secret = this.#advance('round1', 'round2');
    this.#others = this.#fromAll(others, 'broadcasts').map(([identifier, r]) => this.#package(identifier, r));
    const shares = attempt(
      () => this.#suite.frost.DKG.round2(secret, [...this.#others]),
      () => new Culprit(this.#wrongBroadcasts(), 'proof of knowledge or commitment is wrong'),
    );
    return new Map(this.#identifiers().map((i) => [i, secretCopy(shares[this.#name(i)]!.signingShare)]));
  }

  round3(shares: ReadonlyMap<number, Uint8Array>): KeygenResult {
    const secret = this.#advance('round2', 'closed');
    try {
      const received: DKG_Round2[] = this.#fromAll(shares, 'shares').map(([identifier, share]) => {
        exactLength(share, SCALAR_LENGTH, `share of identifier ${identifier}`);
        return { identifier: this.#name(identifier), signingShare: secretCopy(share) };
      });
      const key = attempt(
        () => this.#suite.frost.DKG.round3(secret, [...this.#others], received),
        () => new Culprit(this.#wrongShares(received), 'share does not match its commitment'),
      );
      for (const { signingShare } of received) signingShare.fill(0);
      const groupKey = key.public.commitments[0]!;
      const constants = [this.#own!, ...this.#others].map((r) => r.commitment[0]!);
      return {
        key: {
          identifier: this.#me,
          threshold: this.#signers.min,
          share: key.secret.signingShare,
          groupKey,
          verificationShares: Array.from(
            { length: this.#signers.max },
            (_, i) => key.public.verifyingShares[this.#name(i + 1)]!,
          ),
        },
        internalKey: this.#suite.internalKey(constants, groupKey),
      };
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#step = 'closed';
    if (this.#secret !== undefined) this.#suite.frost.DKG.clean(this.#secret);
    this.#secret = undefined;
  }

  /** Moves on, before anything is judged: a step that fails is not repeated with other input. */
  #advance(from: 'new', to: Step): void;
  #advance(from: Step, to: Step): DKG_Secret;
  #advance(from: Step, to: Step): DKG_Secret | undefined {
    if (this.#step !== from) throw new Error(`keygen is at step ${this.#step}, want ${from}`);
    this.#step = to;
    return this.#secret;
  }

  #name(identifier: number): string {
    return this.#suite.frost.Identifier.fromNumber(identifier);
  }

  /** Everybody else's identifier, ascending. */
  #identifiers(): number[] {
    return Array.from({ length: this.#signers.max }, (_, i) => i + 1).filter((i) => i !== this.#me);
  }

  /** One entry from each other party and from nobody else. */
  #fromAll<T>(from: ReadonlyMap<number, T>, what: string): [number, T][] {
    const wanted = this.#identifiers();
    if (from.size !== wanted.length || !wanted.every((i) => from.has(i)))
      throw new Error(`want ${what} of identifiers ${wanted.join(', ')}, got ${[...from.keys()].join(', ')}`);
    return wanted.map((i) => [i, from.get(i)!]);
  }

  #package(identifier: number, { commitment, proof }: Round1): DKG_Round1 {
    // More entries than t would raise the threshold for everybody, fewer would lower it.
    if (commitment.length !== this.#signers.min)
      throw new Error(`want ${this.#signers.min} commitments of identifier ${identifier}, got ${commitment.length}`);
    for (const point of commitment)
      exactLength(point, this.#suite.pointLength, `commitment of identifier ${identifier}`);
    exactLength(proof, SIGNATURE_LENGTH, `proof of identifier ${identifier}`);
    return {
      identifier: this.#name(identifier),
      commitment: commitment.map((c) => Uint8Array.from(c)),
      proofOfKnowledge: Uint8Array.from(proof),
    };
  }

  /** Who is to blame for a failed round 2: each package alone among packages made here, so the blame is certain. */
  #wrongBroadcasts(): number[] {
    const { DKG } = this.#suite.frost;
    const good = new Map(this.#identifiers().map((i) => [i, DKG.round1(this.#name(i), this.#signers)]));
    const wrong = this.#identifiers().filter((suspect, at) => {
      const probe = DKG.round1(this.#name(this.#me), this.#signers).secret;
      const packages = this.#identifiers().map((i) => (i === suspect ? this.#others[at]! : good.get(i)!.public));
      try {
        DKG.round2(probe, packages);
        return false;
      } catch {
        return true;
      } finally {
        DKG.clean(probe);
      }
    });
    for (const { secret } of good.values()) DKG.clean(secret);
    return wrong;
  }

  #wrongShares(received: readonly DKG_Round2[]): number[] {
    return this.#identifiers().filter((_, at) => {
      const { commitment } = this.#others[at]!;
      const secret = { identifier: this.#name(this.#me), signingShare: received[at]!.signingShare };
      try {
        this.#suite.frost.validateSecret(secret, {
          signers: this.#signers,
          commitments: commitment,
          verifyingShares: {},
        });
        return false;
      } catch {
        return true;
      }
    });
  }
}

/** Runs `step`; where it throws and somebody is certainly to blame, throws that instead. */
function attempt<T>(step: () => T, blame: () => Culprit): T {
  try {
    return step();
  } catch (error) {
    const culprit = blame();
    throw culprit.identifiers.length > 0 ? culprit : error;
  }
}

/** Throws unless `bytes` has exactly `length` bytes. */
export function exactLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new Error(`${what}: want ${length} bytes, got ${bytes.length}`);
}
