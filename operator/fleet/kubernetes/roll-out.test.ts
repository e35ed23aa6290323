import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waitsFor } from './roll-out.ts';
import type { OtherSigner } from './roll-out.ts';

const other = (holder: string, over: Partial<OtherSigner> = {}): OtherSigner => ({
  holder,
  serves: true,
  changing: false,
  ...over,
});
const down = { serves: false };
const changing = { serves: false, changing: true };

describe('the change of a template', () => {
  it.each([
    ['of 2 of 3, all of which serve', 2, true, [other('a'), other('b')], ''],
    ['while another signer is down', 2, true, [other('a'), other('b', down)], 'of the 2 others 1 serve'],
    ['while another signer changes', 2, true, [other('a'), other('b', changing)], 'b changed and is not ready'],
    ['of 3 of 5 while one is down', 3, true, [other('a'), other('b'), other('c'), other('d', down)], ''],
    ['of 2 of 2', 2, true, [other('a')], 'somebody deletes its pod'],
    ['of 2 of 2, of one whose pod was deleted', 2, false, [other('a')], ''],
    ['of one that does not serve, below quorum', 2, false, [other('a', down), other('b', down)], ''],
    ['of one that does not serve, while another changes', 2, false, [other('a', changing), other('b')], 'a changed'],
  ])('%s', (_, threshold, serves, others, says) => {
    const waits = waitsFor({ threshold, serves, others });
    if (says === '') expect(waits).toBe('');
    else expect(waits).toContain(says);
  });
});

/** A signer of the model: the template it should have, the one its pod has, and whether the pod is ready. */
type Modelled = { wanted: number; written: number; ready: boolean; readyAt: number };

const serves = (signer: Modelled): boolean => signer.ready;
const isChanging = (signer: Modelled): boolean => signer.written !== signer.readyAt;

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('ensure' as const), at: fc.nat(8) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('start' as const), at: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), at: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('change' as const), at: fc.nat(8) }) },
);
const wallet = fc
  .integer({ min: 2, max: 9 })
  .chain((n) => fc.record({ n: fc.constant(n), threshold: fc.integer({ min: 2, max: n }) }));

/** Begins the change of a signer, where it may. */
function ensure(signers: readonly Modelled[], at: number, threshold: number): boolean {
  const signer = signers[at]!;
  const others = signers
    .filter((each) => each !== signer)
    .map((each, i): OtherSigner => ({ holder: String(i), serves: serves(each), changing: isChanging(each) }));
  if (signer.written === signer.wanted || waitsFor({ threshold, serves: serves(signer), others }) !== '') return false;
  signer.written = signer.wanted;
  signer.ready = false;
  return true;
}

const fresh = (n: number): Modelled[] =>
  Array.from({ length: n }, () => ({ wanted: 0, written: 0, ready: true, readyAt: 0 }));

describe('whatever happens meanwhile', () => {
  it('one signer changes at a time, and no change takes a wallet below its threshold', () => {
    fc.assert(
      fc.property(wallet, fc.array(step, { maxLength: 80 }), ({ n, threshold }, steps) => {
        const signers = fresh(n);
        let template = 0;
        for (const { kind, at } of steps) {
          const signer = signers[at % n]!;
          const before = signers.filter(serves).length;
          switch (kind) {
            case 'ensure':
              if (ensure(signers, at % n, threshold))
                expect(signers.filter(serves).length).toBeGreaterThanOrEqual(Math.min(before, threshold));
              break;
            case 'start':
              signer.ready = true;
              signer.readyAt = signer.written;
              break;
            case 'crash':
              signer.ready = false;
              break;
            case 'change':
              template++;
              for (const each of signers) each.wanted = template;
              break;
          }
          expect(signers.filter(isChanging).length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('all signers have the new template in the end where a signature can do without one, and every pod starts', () => {
    fc.assert(
      fc.property(wallet, fc.array(fc.nat(8), { maxLength: 5 }), ({ n, threshold }, crashed) => {
        const signers = fresh(n);
        for (const at of crashed) signers[at % n]!.ready = false;
        for (const signer of signers) signer.wanted = 1;
        for (let round = 0; round < n; round++) {
          for (let at = 0; at < n; at++) ensure(signers, at, threshold);
          for (const signer of signers) {
            signer.ready = true;
            signer.readyAt = signer.written;
          }
        }
        if (threshold < n) expect(signers.map(({ readyAt }) => readyAt)).toEqual(Array(n).fill(1));
      }),
    );
  });
});
