import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { docs } from '../../cli/check/docs.ts';
import { headings } from './headings.ts';

/* Where `holdfast check` sends people there is something to read. */

const root = join(import.meta.dirname, '../..');
const page = 'docs/reference/checks.md';

/** Whether `doc` is a file of the repository and a heading in it. */
const isThere = (doc: string): boolean => {
  const [file = '', heading = ''] = doc.split('#');
  return existsSync(join(root, file)) && headings(readFileSync(join(root, file), 'utf8')).includes(heading);
};

it('a page or a heading that is not there is found', () => {
  expect([`${page}#node`, `${page}#nothing`, 'docs/nothing.md#node', page].map(isThere)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

it.each(Object.values(docs))('%s is there', (doc) => {
  expect(isThere(doc)).toBe(true);
});

it('each check that has a heading of its own is one that sends people there', () => {
  const text = readFileSync(join(root, page), 'utf8');
  const own = [...text.matchAll(/^### (.*)$/gm)].map(([, id]) => `${page}#${id}`);
  expect(own.length).toBeGreaterThan(15);
  expect(own.filter((doc) => !Object.values<string>(docs).includes(doc))).toEqual([]);
});
