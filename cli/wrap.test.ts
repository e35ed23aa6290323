import { expect, test } from 'vitest';
import { wrap } from './wrap.ts';

test('lines end before column 80, where their words do', () => {
  const words = Array.from({ length: 40 }, (_, i) => 'x'.repeat((i % 9) + 1));
  const lines = wrap(`  signed  ${words.join(' ')}`, 10);
  expect(lines.length).toBeGreaterThan(2);
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  for (const line of lines.slice(1)) expect(line).toMatch(/^ {10}x/);
  expect(lines.map((line) => line.trim()).join(' ')).toBe(`signed  ${words.join(' ')}`);
});

test('a word that is longer has a line of its own, and styles take no room', () => {
  const long = 'a'.repeat(100);
  expect(wrap(`  one ${long} two`, 4)).toEqual(['  one', `    ${long}`, '    two']);
  const painted = `\u001B[32msigned\u001B[39m ${'b'.repeat(73)}`;
  expect(wrap(painted, 4)).toEqual([painted]);
  expect(wrap('', 4)).toEqual(['']);
});
