import { Dice } from '../../simulation/dice.ts';

/** Random choices that a printed seed repeats: `HOLDFAST_SEED=<seed>` runs a test again with the same ones. */
export class Seeded extends Dice {
  constructor(what: string) {
    super(Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 2 ** 32)));
    console.log(`${what}: HOLDFAST_SEED=${this.seed}`);
  }
}
