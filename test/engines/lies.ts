import type { SchemeName, SigningInput } from '../../signer/scheme/scheme.ts';
import type { Attempt } from '../ecdsa-parties.ts';
import { flipped } from '../flipped.ts';
import type { Dice } from '../simulation/dice.ts';

/** One bit that arrives changed while a quorum signs. */
export type Lie = {
  readonly what: string;
  readonly liar: number;
  /** Who makes the signature in the end. */
  readonly aggregator: number;
  /** Whose commitment it is in; the liar's unless given. */
  readonly owner?: number;
  /** Who must notice before giving a share. */
  readonly victims: readonly number[];
  readonly how: Pick<Attempt, 'told' | 'tamper'>;
  /** What the aggregator goes by. */
  readonly heard?: (input: SigningInput) => SigningInput;
  readonly shares?: (shares: ReadonlyMap<number, Uint8Array>) => ReadonlyMap<number, Uint8Array>;
};

/** A bit of any message that members of `quorum` send while they sign, drawn by `dice`. */
export const drawLie = (scheme: SchemeName, quorum: readonly number[], dice: Dice): Lie =>
  scheme === 'ECDSA' ? ecdsaLie(quorum, dice) : frostLie(quorum, dice);

const anyBit = (dice: Dice): number => dice.below(2 ** 31);

function frostLie(quorum: readonly number[], dice: Dice): Lie {
  const liar = dice.pick(quorum);
  const others = quorum.filter((i) => i !== liar);
  const what = dice.pick(['hiding', 'binding', 'share', 'message', 'list'] as const);
  const bit = anyBit(dice);
  const about = { what: `bit ${bit} of the ${what} of ${liar}`, liar, aggregator: dice.pick(others), victims: [] };
  switch (what) {
    case 'hiding':
    case 'binding': {
      const heard = (input: SigningInput): SigningInput => withCommitment(input, liar, what, bit);
      return { ...about, heard, how: { told: (i, input) => (i === liar ? input : heard(input)) } };
    }
    case 'message':
      return {
        ...about,
        how: { told: (i, input) => (i === liar ? { ...input, message: flipped(input.message, bit) } : input) },
      };
    case 'share':
      return { ...about, how: {}, shares: (shares) => withShare(shares, liar, bit) };
    case 'list': {
      // A coordinator that tells one member of another list than the one it goes by.
      const owner = dice.pick(quorum);
      const victim = dice.pick(others);
      const part = dice.pick(['hiding', 'binding'] as const);
      return {
        ...about,
        what: `bit ${bit} of the ${part} of ${owner} as ${liar} tells ${victim}`,
        aggregator: liar,
        owner,
        how: { told: (i, input) => (i === victim ? withCommitment(input, owner, part, bit) : input) },
      };
    }
  }
}

function ecdsaLie(quorum: readonly number[], dice: Dice): Lie {
  const liar = dice.pick(quorum);
  const others = quorum.filter((i) => i !== liar);
  const bit = anyBit(dice);
  const step = dice.below(10);
  const about = { liar, aggregator: dice.pick(others), victims: [] };
  if (step === 0) {
    // Differs for all: nobody has the session that another has.
    const told = (i: number, input: SigningInput): SigningInput =>
      i === liar ? input : withCommitment(input, liar, 'hiding', bit);
    return { ...about, what: `bit ${bit} of the contribution of ${liar}`, how: { told }, victims: quorum };
  }
  if (step === 1)
    return {
      ...about,
      what: `bit ${bit} of the signature share of ${liar}`,
      how: {},
      shares: (shares) => withShare(shares, liar, bit),
    };
  const of = 1 + (step % 2);
  const victims = dice.chance(0.5) ? others : [dice.pick(others)];
  return {
    ...about,
    what: `bit ${bit} of message ${of} of ${liar} to ${victims.join(', ')}`,
    victims,
    how: {
      tamper: (bytes, { round, from, to }) =>
        round === of && from === liar && victims.includes(to) ? flipped(bytes, bit) : bytes,
    },
  };
}

function withCommitment(input: SigningInput, of: number, part: 'hiding' | 'binding', bit: number): SigningInput {
  const own = input.commitments.get(of)!;
  return { ...input, commitments: new Map(input.commitments).set(of, { ...own, [part]: flipped(own[part], bit) }) };
}

const withShare = (shares: ReadonlyMap<number, Uint8Array>, of: number, bit: number): ReadonlyMap<number, Uint8Array> =>
  new Map(shares).set(of, flipped(shares.get(of)!, bit));
