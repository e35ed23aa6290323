import fc from 'fast-check';
import { expect } from 'vitest';
import type { Checked } from './checked.ts';
import { Dice } from '../simulation/dice.ts';

/** That nothing is wrong with `runs` of `run`, whatever the dice say; gives how many signed and how many did not. */
export async function holdsForAny(runs: number, run: (dice: Dice) => Promise<Checked>) {
  const all = { signed: 0, refused: 0 };
  const property = fc.asyncProperty(fc.nat({ max: 2 ** 32 - 1 }), async (seed) => {
    const { signed, refused, violations } = await run(new Dice(seed));
    expect(violations).toEqual([]);
    all.signed += signed;
    all.refused += refused;
  });
  await fc.assert(property, { numRuns: runs });
  return all;
}
