/** What is known of one of a wallet's other signers. */
export type OtherSigner = {
  readonly holder: string;
  /** It serves; unknown is no. */
  readonly serves: boolean;
  /** A template was written whose pod has not been ready yet. */
  readonly changing: boolean;
};

/**
 * What the change of a signer's template has to wait for, in words; "" where it may begin. One signer of a wallet changes
 * at a time, and one that serves only while `threshold` others do, so that a template which does not start stops at the
 * first signer. One that does not serve is never worse for a change, and nothing else may mend it.
 */
export function waitsFor({
  threshold,
  serves,
  others,
}: {
  readonly threshold: number;
  readonly serves: boolean;
  /** The signers of all the wallet's other holders. */
  readonly others: readonly OtherSigner[];
}): string {
  const changing = others.filter((other) => other.changing).map(({ holder }) => holder);
  if (changing.length > 0)
    return `signers change one after the other, and ${changing.join(', ')} changed and is not ready yet`;
  const serving = others.filter((other) => other.serves).length;
  if (!serves || serving >= threshold) return '';
  return others.length < threshold
    ? 'no signature can do without this signer, so it changes when somebody deletes its pod'
    : `signing needs ${threshold} signers, and of the ${others.length} others ${serving} serve`;
}
