import type { DKG_Round1, DKG_Round2, DKG_Secret, Signers } from '@noble/curves/abstract/frost.js';
import { secretCopy } from '../../common/bytes.ts';
import { checkedBroadcasts, checkedShares, checkParties, othersOf, type Parties } from './frost-shapes.ts';
import { frostSuite, type FrostSuite } from './frost-suite.ts';
import { Culprit, type FrostScheme, type KeygenResult, type Round1 } from './scheme.ts';

type Step = 'new' | 'round1' | 'round2' | 'closed';

/** One party's distributed key generation, synchronous: the steps of {@link KeygenRun} over @noble/curves. */
export class FrostKeygen {
  readonly #suite: FrostSuite;
  readonly #parties: Parties;
  readonly #signers: Signers;
  #step: Step = 'new';
  #own: DKG_Round1 | undefined;
  #secret: DKG_Secret | undefined;
  #others: readonly DKG_Round1[] = [];

  constructor(scheme: FrostScheme, identifier: number, threshold: number, parties: number) {
    checkParties(identifier, threshold, parties);
    this.#suite = frostSuite(scheme);
    this.#parties = { me: identifier, threshold, parties };
    this.#signers = { min: threshold, max: parties };
  }

  round1(): Round1 {
    this.#advance('new', 'round1');
    const run = this.#suite.frost.DKG.round1(this.#name(this.#parties.me), this.#signers);
    this.#own = run.public;
    this.#secret = run.secret;
    return { commitment: run.public.commitment.map((c) => c.slice()), proof: run.public.proofOfKnowledge.slice() };
  }

  round2(others: ReadonlyMap<number, Round1>): Map<number, Uint8Array> {
    const secret = this.#advance('round1', 'round2');
    this.#others = checkedBroadcasts(this.#suite.scheme, this.#parties, others).map(([identifier, r]) => ({
      identifier: this.#name(identifier),
      commitment: r.commitment.map((c) => Uint8Array.from(c)),
      proofOfKnowledge: Uint8Array.from(r.proof),
    }));
    const shares = attempt(
      () => this.#suite.frost.DKG.round2(secret, [...this.#others]),
      () => new Culprit(this.#wrongBroadcasts(), 'proof of knowledge or commitment is wrong'),
    );
    return new Map(othersOf(this.#parties).map((i) => [i, secretCopy(shares[this.#name(i)]!.signingShare)]));
  }

  round3(shares: ReadonlyMap<number, Uint8Array>): KeygenResult {
    const secret = this.#advance('round2', 'closed');
    try {
      const received: DKG_Round2[] = checkedShares(this.#parties, shares).map(([identifier, share]) => ({
        identifier: this.#name(identifier),
        signingShare: secretCopy(share),
      }));
      const key = attempt(
        () => this.#suite.frost.DKG.round3(secret, [...this.#others], received),
        () => new Culprit(this.#wrongShares(received), 'share does not match its commitment'),
      );
      for (const { signingShare } of received) signingShare.fill(0);
      const groupKey = key.public.commitments[0]!;
      const constants = [this.#own!, ...this.#others].map((r) => r.commitment[0]!);
      return {
        key: {
          identifier: this.#parties.me,
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

  /** Who is to blame for a failed round 2: each package alone among packages made here, so the blame is certain. */
  #wrongBroadcasts(): number[] {
    const { DKG } = this.#suite.frost;
    const good = new Map(othersOf(this.#parties).map((i) => [i, DKG.round1(this.#name(i), this.#signers)]));
    const wrong = othersOf(this.#parties).filter((suspect, at) => {
      const probe = DKG.round1(this.#name(this.#parties.me), this.#signers).secret;
      const packages = othersOf(this.#parties).map((i) => (i === suspect ? this.#others[at]! : good.get(i)!.public));
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
    return othersOf(this.#parties).filter((_, at) => {
      const { commitment } = this.#others[at]!;
      const secret = { identifier: this.#name(this.#parties.me), signingShare: received[at]!.signingShare };
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
