import { expect, test } from 'vitest';
import { table } from './table.ts';

test('columns are as wide as their widest cell, three spaces apart, and no line ends in spaces', () => {
  expect(
    table(
      ['Name', 'Ready'],
      [
        ['treasury', 'True'],
        ['a', ''],
      ],
    ),
  ).toEqual(['NAME       READY', 'treasury   True', 'a']);
});

test('colours take no room', () => {
  const red = '\u001B[31mno\u001B[39m';
  expect(
    table(
      ['A', 'B'],
      [
        [red, 'x'],
        ['yes', 'y'],
      ],
    ),
  ).toEqual(['A     B', `${red}    x`, 'yes   y']);
});
