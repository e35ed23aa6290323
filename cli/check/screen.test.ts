import fc from 'fast-check';
import { expect, test } from 'vitest';
import { width } from '../table.ts';
import { docs } from './docs.ts';
import { countLevels, error, levels, note, ok } from './finding.ts';
import type { Finding } from './finding.ts';
import { screen } from './screen.ts';

const plain = (_style: string, text: string): string => text;

test('a finding says what, what to do and where to read on', () => {
  const findings = [
    ok('node', 'Node 24'),
    error('disk', 'disk: 1 MB free', { mend: 'make room', run: 'rm x', docs: docs.disk }),
  ];
  expect(
    screen(
      [
        { title: 'This machine', findings },
        { title: 'Nothing', findings: [] },
      ],
      plain,
    ),
  ).toEqual([
    'This machine',
    '  ok       Node 24',
    '  error    disk: 1 MB free',
    '           -> make room',
    '              rm x',
    `              ${docs.disk}`,
    '',
    '1 ok, 1 error',
  ]);
});

test('levels are counted', () => {
  const advice = { mend: 'x', docs: docs.disk };
  const groups = [{ title: '', findings: [note('a', '', advice), note('b', '', advice), ok('c', '')] }];
  expect(countLevels(groups)).toEqual({ ok: 1, note: 2, warning: 0, error: 0 });
  expect(screen(groups, plain).at(-1)).toBe('1 ok, 2 notes');
});

const word = fc.stringMatching(/^[!-~]{1,20}$/);
const sentence = fc.array(word, { minLength: 1, maxLength: 40 }).map((words) => words.join(' '));
const finding = fc.record({
  id: fc.constant('x'),
  level: fc.constantFrom(...levels),
  what: sentence,
  mend: sentence,
  docs: fc.constantFrom(...Object.values(docs)),
}) as fc.Arbitrary<Finding>;

test('no line is wider than 80 columns, painted or not, and no word of a finding is lost', () => {
  const painted = (_style: string, text: string): string => `\u001B[31m${text}\u001B[0m`;
  fc.assert(
    fc.property(fc.array(finding, { maxLength: 5 }), fc.constantFrom(plain, painted), (findings, paint) => {
      const lines = screen([{ title: 'Title', findings }], paint);
      for (const line of lines) expect(width(line)).toBeLessThanOrEqual(80);
      const text = lines.join('\n').replaceAll(/\s+/g, ' ');
      for (const { what } of findings) expect(text).toContain(what);
    }),
  );
});
