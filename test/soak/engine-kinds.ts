import type { KeygenResult } from '../../signer/scheme/scheme.ts';
import { flippedKeygen } from '../engines/checked-keygen.ts';
import { flippedSigning } from '../engines/checked-signing.ts';
import type { Checked } from '../engines/checked.ts';
import { endedKeygen } from '../engines/ended-keygen.ts';
import { endedSigning } from '../engines/ended-signing.ts';
import type { Engine } from '../engines/engines.ts';
import { parallelSignings } from '../engines/parallel-signings.ts';
import type { Dice } from '../simulation/dice.ts';
import type { EngineKind } from './options.ts';

/**
 * What is done with an engine again and again. `made` gives keys that serve for many runs. What goes wrong is drawn by the
 * dice, and so is the same with the same seed; keys and nonces are the engine's own, and never are.
 */
export type Trial = {
  readonly kind: Exclude<EngineKind, 'signatures'>;
  readonly name: string;
  /** As a run counts it. */
  readonly fault: string;
  readonly run: (engine: Engine, made: Made, dice: Dice) => Promise<Checked>;
};
/** By threshold, of three parties. */
type Made = (t: number) => Promise<readonly KeygenResult[]>;

export const trials: readonly Trial[] = [
  {
    kind: 'flipped-signings',
    name: 'bits flipped in signing',
    fault: 'flipped bit',
    // Where a quorum is as large as the threshold, a third member is there for nobody to blame.
    run: async (engine, made, dice) =>
      flippedSigning(engine, await made(engine.scheme === 'ECDSA' && dice.chance(0.25) ? 3 : 2), dice),
  },
  {
    kind: 'flipped-keygens',
    name: 'bits flipped in key generation',
    fault: 'flipped bit',
    run: (engine, _, dice) => flippedKeygen(engine, dice),
  },
  {
    kind: 'parallel-signings',
    name: 'a dozen signings at once',
    fault: 'flipped bit',
    run: async (engine, made, dice) => parallelSignings(engine, await made(2), dice),
  },
  {
    kind: 'ended-signings',
    name: 'ended while signing',
    fault: 'ended session',
    run: async (engine, made, dice) => endedSigning(engine, await made(2), dice),
  },
  {
    kind: 'ended-keygens',
    name: 'ended in key generation',
    fault: 'ended session',
    run: (engine, _, dice) => endedKeygen(engine, dice),
  },
];

/** Of what the addon does: JavaScript takes ten times as long and more. */
const share: Readonly<Record<Engine['kind'], number>> = { addon: 1, mixed: 0.2, noble: 0.1 };

/** How often `engine` does what the addon does `count` times. */
export const runsOf = (engine: Engine, count: number): number => Math.ceil(count * share[engine.kind]);
