import { MAX_PARTIES, SCALAR_LENGTH, SIGNATURE_LENGTH } from './frost-suite.ts';
import { type FrostScheme, POINT_BYTES, type Round1, type SigningInput } from './scheme.ts';

/**
 * What has to hold of FROST's messages before any arithmetic, whichever engine does that: who is in them, and how long
 * everything is. Nobody is to blame for what is wrong here: whoever received it has checked it before.
 */
export type Parties = { readonly me: number; readonly threshold: number; readonly parties: number };

/** Throws unless `t` of `n` parties with this identifier among them make sense. */
export function checkParties(identifier: number, threshold: number, parties: number): void {
  if (!Number.isInteger(parties) || parties < 2 || parties > MAX_PARTIES)
    throw new Error(`want 2 to ${MAX_PARTIES} parties, got ${parties}`);
  if (!Number.isInteger(threshold) || threshold < 2 || threshold > parties)
    throw new Error(`want a threshold of 2 to ${parties}, got ${threshold}`);
  if (!Number.isInteger(identifier) || identifier < 1 || identifier > parties)
    throw new Error(`want an identifier of 1 to ${parties}, got ${identifier}`);
}

/** Throws unless `bytes` has exactly `length` bytes. */
export function exactLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new Error(`${what}: want ${length} bytes, got ${bytes.length}`);
}

/** Everybody else's identifier, ascending. */
export const othersOf = ({ me, parties }: Parties): number[] =>
  Array.from({ length: parties }, (_, i) => i + 1).filter((i) => i !== me);

/** One broadcast from each other party and from nobody else, ascending by identifier. */
export function checkedBroadcasts(
  scheme: FrostScheme,
  parties: Parties,
  others: ReadonlyMap<number, Round1>,
): [number, Round1][] {
  const broadcasts = fromAll(parties, others, 'broadcasts');
  for (const [identifier, { commitment, proof }] of broadcasts) {
    // More entries than t would raise the threshold for everybody, fewer would lower it.
    if (commitment.length !== parties.threshold)
      throw new Error(`want ${parties.threshold} commitments of identifier ${identifier}, got ${commitment.length}`);
    for (const point of commitment) exactLength(point, POINT_BYTES[scheme], `commitment of identifier ${identifier}`);
    exactLength(proof, SIGNATURE_LENGTH, `proof of identifier ${identifier}`);
  }
  return broadcasts;
}

/** One secret share from each other party and from nobody else, ascending by identifier. */
export function checkedShares(parties: Parties, shares: ReadonlyMap<number, Uint8Array>): [number, Uint8Array][] {
  const checked = fromAll(parties, shares, 'shares');
  for (const [identifier, share] of checked) exactLength(share, SCALAR_LENGTH, `share of identifier ${identifier}`);
  return checked;
}

/** The commitments of a quorum, ascending by identifier. */
export function checkedCommitments(
  scheme: FrostScheme,
  { threshold, parties }: Parties,
  { commitments }: SigningInput,
): { readonly identifier: number; readonly hiding: Uint8Array; readonly binding: Uint8Array }[] {
  const sorted = [...commitments].sort(([a], [b]) => a - b);
  if (sorted.length < threshold || !sorted.every(([i]) => Number.isInteger(i) && i >= 1 && i <= parties))
    throw new Error(
      `want commitments of ${threshold} to ${parties} identifiers, got ${sorted.map(([i]) => i).join(', ')}`,
    );
  return sorted.map(([identifier, { hiding, binding }]) => {
    exactLength(hiding, POINT_BYTES[scheme], `hiding commitment of identifier ${identifier}`);
    exactLength(binding, POINT_BYTES[scheme], `binding commitment of identifier ${identifier}`);
    return { identifier, hiding, binding };
  });
}

/** Throws unless `shares` has one signature share of each member of the quorum. */
export function checkSignatureShares({ commitments }: SigningInput, shares: ReadonlyMap<number, Uint8Array>): void {
  if (shares.size !== commitments.size || ![...shares.keys()].every((i) => commitments.has(i)))
    throw new Error('want one signature share for each commitment');
  for (const [identifier, share] of shares)
    exactLength(share, SCALAR_LENGTH, `signature share of identifier ${identifier}`);
}

function fromAll<T>(parties: Parties, from: ReadonlyMap<number, T>, what: string): [number, T][] {
  const wanted = othersOf(parties);
  if (from.size !== wanted.length || !wanted.every((i) => from.has(i)))
    throw new Error(`want ${what} of identifiers ${wanted.join(', ')}, got ${[...from.keys()].join(', ')}`);
  return wanted.map((i) => [i, from.get(i) as T]);
}
