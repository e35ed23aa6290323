import { loadAddon } from '../../signer/native/addon.ts';
import type { KeygenResult } from '../../signer/scheme/scheme.ts';
import type { Checked } from '../engines/checked.ts';
import { enginesOf } from '../engines/engines.ts';
import { Dice } from '../simulation/dice.ts';
import { trials } from './engine-kinds.ts';

/** Runs of one kind with one engine, of one seed after another. */
export type EngineWork = {
  readonly engine: string;
  readonly kind: string;
  readonly seed: number;
  readonly count: number;
};
/** Each run is said to begin, and what came of it. */
export type EngineWord =
  | { readonly begins: number }
  | { readonly seed: number; readonly checked: Checked; readonly seconds: number }
  | 'done';

const { addon } = loadAddon();
const engines = enginesOf(addon);
/** Keys by engine and threshold. */
const keys = new Map<string, Promise<readonly KeygenResult[]>>();

async function runWork(
  { engine: name, kind, seed, count }: EngineWork,
  say: (word: EngineWord) => void,
): Promise<void> {
  const engine = engines.find((e) => e.name === name);
  const trial = trials.find((t) => t.kind === kind);
  if (engine === undefined || trial === undefined) throw new Error(`no engine ${name} or no kind ${kind}`);
  const made = (t: number): Promise<readonly KeygenResult[]> => {
    const known = keys.get(`${name} ${t}`) ?? engine.make(t, 3);
    keys.set(`${name} ${t}`, known);
    return known;
  };
  for (let i = 0; i < count; i++) {
    const of = (seed + i) >>> 0;
    say({ begins: of });
    const started = performance.now();
    const checked = await trial.run(engine, made, new Dice(of));
    say({ seed: of, checked, seconds: (performance.now() - started) / 1000 });
  }
  say('done');
}

process.on('message', (work: EngineWork) => {
  // A failure of a run that no check expects ends the process, and is said to have.
  void runWork(work, (word) => process.send?.(word));
});
