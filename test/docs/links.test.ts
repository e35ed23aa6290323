import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { headings, withoutFences } from './headings.ts';

const root = join(import.meta.dirname, '../..');
const markdown = (folder: string, recursive: boolean): string[] =>
  readdirSync(join(root, folder), { recursive, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(root, folder, name));
const files = [
  ...markdown('.', false),
  ...markdown('docs', true),
  ...markdown('examples', true),
  ...markdown('charts', true),
];

it.each(files.map((file) => [relative(root, file), file] as const))('%s links to what is there', (_, file) => {
  expect(broken(file, readFileSync(file, 'utf8'))).toEqual([]);
});

it('a link to no file, to no heading, and to a test under a name that it does not have are found', () => {
  const page = join(root, 'docs/security/page.md');
  const text = [
    '# A page: of `two` words',
    '[file](../nothing.md) [heading](#nothing) [other](../../README.md#nothing)',
    '[takes its steps in another order](../../test/scheme-suite.ts)',
    '[good](../README.md) [good](#a-page-of-two-words) [good](../../README.md#try-it) [web](https://example.com/x)',
    '[takes its steps in order](../../test/scheme-suite.ts) `[code](nothing.md)`',
    '```',
    '[code](nothing.md)',
    '```',
  ].join('\n');
  expect(broken(page, text)).toEqual([
    '../nothing.md: no such file',
    '#nothing: no such heading',
    '../../README.md#nothing: no such heading',
    '../../test/scheme-suite.ts: has no test named "takes its steps in another order"',
  ]);
});

/** Links of a page that lead nowhere. Pages on security link each test by words of its name, so that a rename shows. */
function broken(file: string, text: string): string[] {
  const found: string[] = [];
  for (const [, words = '', target = ''] of prose(text).matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = '', heading] = target.split('#');
    const to = path === '' ? file : resolve(dirname(file), path);
    if (to !== file && !existsSync(to)) found.push(`${target}: no such file`);
    else if (heading !== undefined && !headings(to === file ? text : readFileSync(to, 'utf8')).includes(heading))
      found.push(`${target}: no such heading`);
    else if (file.includes('/docs/security/') && /(\.test|-suite)\.ts$/.test(to) && statSync(to).isFile())
      if (!readFileSync(to, 'utf8').includes(words)) found.push(`${target}: has no test named "${words}"`);
  }
  return found;
}

const prose = (text: string): string => withoutFences(text).replaceAll(/(?<!\[)`[^`\n]*`(?!\])/g, '');
