import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { conditionReasons, eventReasons } from './reasons.ts';

test('what the reference calls later is given nowhere, and all else is', () => {
  const sources = globSync('../**/*.ts', { cwd: import.meta.dirname })
    .filter((file) => !/\.test\.ts$|testing\/|api\/reasons\.ts$|^reasons\.ts$/.test(file))
    .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'));
  const given = new Set(
    sources.flatMap((source) => [...source.matchAll(/'([A-Z][A-Za-z]+)'/g)].map(([, word]) => word)),
  );
  // The name of the condition is the name of its reason.
  given.delete('Recorded');
  const later = ([, meaning]: readonly [string, string]): boolean => meaning.startsWith('Later: ');
  const all = [...Object.entries(conditionReasons), ...Object.entries(eventReasons)];
  const names = (entries: typeof all): readonly string[] => entries.map(([reason]) => reason);
  expect(names(all.filter(later)).filter((reason) => given.has(reason))).toEqual([]);
  expect(names(all.filter((entry) => !later(entry))).filter((reason) => !given.has(reason))).toEqual([]);
});
