/** How far a holder says it is with a key: the last attempt that it began, and the last that it signed off. */
export type Standing = { readonly holder: string; readonly attempt: number; readonly abandoned: number };

/**
 * Which attempts are to be signed off before the next can begin: from the last that all signed off to the last that any
 * began or signed off, two at most. Throws, with who says so, where the holders' numbers cannot all be true.
 */
export function toAbandon(standings: readonly Standing[]): { readonly first: number; readonly last: number } {
  const least = standings.reduce((a, b) => (b.abandoned < a.abandoned ? b : a));
  const most = standings.reduce((a, b) => (lastOf(b) > lastOf(a) ? b : a));
  if (lastOf(most) > least.abandoned + 1)
    throw new Error(
      `${most.holder} says that attempt ${lastOf(most)} has begun, ${least.holder} that only ${least.abandoned} are signed off: one of them is wrong`,
    );
  return { first: Math.max(1, least.abandoned), last: lastOf(most) };
}

const lastOf = ({ attempt, abandoned }: Standing): number => Math.max(attempt, abandoned);
