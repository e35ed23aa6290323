import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { reasons as requestReasons } from '../../common/reasons.ts';
import { conditionReasons } from '../../operator/api/reasons.ts';

/* What docs/how-to/troubleshoot.md has people look for is what the program and the chart say. */

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/how-to/troubleshoot.md'), 'utf8');
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
const sources = globSync(['{operator,signer,hsm,common}/**/*.ts', 'charts/holdfast/templates/**/*.yaml'], { cwd: root })
  .filter((file) => !file.endsWith('.test.ts'))
  .map((file) => oneLine(readFileSync(join(root, file), 'utf8')));

/** Whether a source has these words in this order; "…" is for what it fills in. */
const said = (message: string): boolean => {
  const parts = message.split('…').map((part) => part.trim());
  return sources.some((text) => {
    let from = 0;
    return parts.every((part) => (from = text.indexOf(part, from) + 1) > 0);
  });
};

it('messages are quoted as they are', () => {
  expect(said('is not ready: if that lasts, … says how')).toBe(false);
  const quoted = [...page.matchAll(/^> (.*)$/gm)].map(([, message = '']) => message);
  expect(quoted.length).toBeGreaterThan(5);
  expect(quoted.filter((message) => !said(message))).toEqual([]);
});

it('reasons are those that there are', () => {
  const known = new Set([...Object.keys(requestReasons), ...Object.keys(conditionReasons)]);
  const tables = page.split(/\n\n/).filter((part) => /^\| (?:reason|what it says) \|/.test(part));
  const named = tables.flatMap((table) =>
    [...table.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) => cell.match(/\w+/g) ?? []),
  );
  expect(named.length).toBeGreaterThan(25);
  expect(named.filter((reason) => !known.has(reason))).toEqual([]);
});
