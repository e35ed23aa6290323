const FIRST = 1_000;
const MOST = 30_000;
const JITTER = 0.2;

/** A signer that ran for so long has recovered. Milliseconds. */
export const RECOVERED = 60_000;

/** Milliseconds before the next start, after `failures` in a row before this one. `random` is in [0, 1). */
export const backoff = (failures: number, random: number): number =>
  Math.min(MOST, Math.round(FIRST * 2 ** failures * (1 - JITTER + 2 * JITTER * random)));
