import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { keyOf, keyString, kinds } from '../api/resource.ts';
import type { Draft, Key, Kind, Resource } from '../api/resource.ts';
import { openFolderStore } from './folder-store.ts';
import type { FolderStore } from './folder-store.ts';
import { problemText } from './manifest.ts';
import { objectFiles, readObject } from './object-files.ts';
import { approval, policy, wallet } from './testing/drafts.ts';
import { manifest } from './testing/folder.ts';

const third = [...wallet().spec.holders, { name: 'third', role: 'Client' as const }];
const objects: readonly Draft[] = [
  wallet('a'),
  wallet('a', { policyRef: { name: 'other' } }),
  wallet('a', { holders: third, threshold: 3 }),
  wallet('a', { threshold: 7 }),
  wallet('b'),
  wallet('b', { keys: [{ name: 'bitcoin', scheme: 'Schnorr' }] }),
  policy(),
  policy('treasury', { rules: [{ name: 'all', verdict: 'Deny', match: {} }] }),
  policy('treasury', { rules: [] }),
  approval(),
  approval('pay-42-alice', 'bob'),
];
const names = ['one.yaml', 'two.yaml'];

type Step =
  | { readonly do: 'write'; readonly file: string; readonly text: string; readonly replace: boolean }
  | { readonly do: 'move' | 'copy'; readonly file: string; readonly to: string }
  | { readonly do: 'delete'; readonly file: string; readonly finish: boolean }
  | { readonly do: 'look' | 'restart' };

const file = fc.constantFrom(...names);
const documents = fc.array(fc.constantFrom(...objects), { maxLength: 3 }).map(manifest);
const text = fc.oneof(
  { weight: 6, arbitrary: documents },
  {
    weight: 1,
    arbitrary: fc
      .tuple(documents, fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([whole, part]) => whole.slice(0, Math.floor(whole.length * part))),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '{', '# nothing\n', '- a\n', 'kind: Wallet\n') },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), file, text, replace: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('move' as const, 'copy' as const), file, to: file }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), file, finish: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('look' as const, 'restart' as const) }) },
);

/** What random edits seldom come to. */
const deletedAndOtherwise: Step[] = [
  { do: 'write', file: 'one.yaml', text: manifest([wallet('a'), approval()]), replace: false },
  { do: 'look' },
  { do: 'delete', file: 'one.yaml', finish: true },
  {
    do: 'write',
    file: 'two.yaml',
    text: manifest([wallet('a', { holders: third, threshold: 3 }), approval('pay-42-alice', 'bob')]),
    replace: false,
  },
];

function edit(folder: string, change: Step): void {
  const at = (name: string): string => join(folder, name);
  if (change.do === 'write') {
    writeFileSync(at(change.replace ? '.new' : change.file), change.text);
    if (change.replace) renameSync(at('.new'), at(change.file));
  } else if (change.do === 'delete') rmSync(at(change.file), { force: true });
  else if ((change.do === 'move' || change.do === 'copy') && change.file !== change.to && existsSync(at(change.file)))
    (change.do === 'move' ? renameSync : copyFileSync)(at(change.file), at(change.to));
}

const open = (folder: string, stateDir?: string): Promise<FolderStore> =>
  openFolderStore(folder, { quietMs: 15, rescanMs: 3_600_000, stateDir });

async function inForce(store: FolderStore): Promise<ReadonlyMap<string, Resource>> {
  const all = (await Promise.all(kinds.map((kind) => store.list(kind)))).flat();
  return new Map(all.map((object) => [keyString(keyOf<Kind>(object)), object]));
}

/** What a Wallet's or an Approval's author can never change. */
const fixed = (object: Resource): string =>
  object.kind === 'Wallet'
    ? JSON.stringify([object.spec.threshold, object.spec.holders])
    : object.kind === 'Approval'
      ? JSON.stringify(object.spec)
      : '';

/** Lets go what is being deleted; of Wallets only founded ones leave anything to be held to. */
async function finishDeletions(store: FolderStore): Promise<void> {
  for (const object of (await inForce(store)).values()) {
    if (object.metadata.deletionTimestamp === undefined) continue;
    if (object.kind === 'Wallet') await store.writeStatus(object, { genesis: `sha256:${'0'.repeat(64)}` });
    await store.remove(keyOf<Kind>(object));
  }
}

it(
  'ends, after any edits, where a fresh store begins, but for what cannot change and what is kept of wrong files',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const folder = mkdtempSync(join(tmpdir(), 'holdfast-edits-'));
        let store = await open(folder);
        try {
          const first = new Map<string, string>();
          const hold = async (): Promise<void> => {
            await store.rescan();
            for (const [name, object] of await inForce(store)) {
              expect(fixed(object)).toBe(first.get(name) ?? fixed(object));
              first.set(name, fixed(object));
            }
          };
          for (const change of steps) {
            edit(folder, change);
            if (change.do === 'look' || (change.do === 'delete' && change.finish)) await hold();
            if (change.do === 'delete' && change.finish) await finishDeletions(store);
            if (change.do === 'restart') {
              await store.close();
              store = await open(folder);
              await hold();
            }
          }
          await hold();
          await finishDeletions(store);

          const stateDir = mkdtempSync(join(tmpdir(), 'holdfast-fresh-'));
          const fresh = await open(folder, stateDir);
          const expected = await inForce(fresh);
          const problems = store.problems();
          const held = problems.filter(
            ({ message }) => message.includes('cannot change') || message.includes('cannot be removed'),
          );
          expect(problems.filter((problem) => !held.includes(problem)).map(problemText)).toEqual(
            fresh.problems().map(problemText),
          );
          await fresh.close();
          rmSync(stateDir, { recursive: true });

          const found = await inForce(store);
          const isHeld = (name: string): boolean => held.some(({ key }) => key && keyString(key) === name);
          for (const [name, object] of expected)
            if (!isHeld(name)) {
              expect(found.get(name)?.spec).toEqual(object.spec);
              expect(found.get(name)?.metadata).not.toHaveProperty('deletionTimestamp');
            }
          for (const [name, object] of found)
            if (!expected.has(name)) {
              const key: Key = keyOf<Kind>(object);
              const from = (await readObject(objectFiles(join(folder, '.holdfast')), key))?.file;
              expect(
                problems.some((problem) => problem.file === from || (problem.key && keyString(problem.key) === name)),
              ).toBe(true);
            }
        } finally {
          await store.close();
          rmSync(folder, { recursive: true });
        }
      }),
      { numRuns: 25, examples: [[deletedAndOtherwise]] },
    );
  },
);
