import { expect, it } from 'vitest';
import { toAbandon } from './standings.ts';

const at = (...of: readonly (readonly [attempt: number, abandoned: number])[]) =>
  of.map(([attempt, abandoned], i) => ({
    holder: ['infrastructure', 'client', 'backup'][i] ?? '',
    attempt,
    abandoned,
  }));

it.each([
  ['nothing before the first attempt', at([0, 0], [0, 0], [0, 0]), { first: 1, last: 0 }],
  ['an attempt that some have begun', at([1, 0], [1, 0], [0, 0]), { first: 1, last: 1 }],
  ['one that some signed off', at([3, 2], [3, 3], [3, 2]), { first: 2, last: 3 }],
  ['one that all signed off, so that all its signatures are there', at([3, 3], [3, 3], [2, 3]), { first: 3, last: 3 }],
  ['what one signed off that nobody began', at([2, 2], [2, 3], [2, 2]), { first: 2, last: 3 }],
])('an attempt begins after %s is signed off', (_, standings, expected) => {
  expect(toAbandon(standings)).toEqual(expected);
});

it.each([
  ['an attempt that cannot have begun', at([1, 0], [2, 0], [1, 0]), 'client says that attempt 2 has begun'],
  ['a number without end', at([1, 0], [1, 0], [2 ** 64, 2 ** 64]), 'backup says that attempt 18446744073709552000'],
  ['a sign-off taken back', at([3, 3], [3, 1], [3, 3]), 'client that only 1 are signed off: one of them is wrong'],
])('%s is nothing to follow, and who says so is named', (_, standings, message) => {
  expect(() => toAbandon(standings)).toThrow(message);
});
