import { expect, it } from 'vitest';
import { BadCommitment, Banned, Culprit, Suspects } from '../../signer/scheme/scheme.ts';
import { wrongBlame } from './wrong-blame.ts';

it('is none where the liar is blamed, or nobody', () => {
  for (const error of [new Error('left'), new Culprit([2], ''), new Banned(2, ''), new BadCommitment([2])])
    expect(wrongBlame(error, 1, 2)).toBe('');
  expect(wrongBlame(new Suspects([2, 3], ''), 1, 2)).toBe('');
  expect(wrongBlame(new BadCommitment([3]), 1, 2, 3)).toBe('');
  expect(wrongBlame(new Error('left'), 1, undefined)).toBe('');
});

it('is any blame of somebody who did not lie', () => {
  for (const error of [new Culprit([2, 3], 'x'), new Culprit([], 'x'), new Banned(3, 'x'), new BadCommitment([3])])
    expect(wrongBlame(error, 1, 2)).toContain(`1 failed with ${error.name}: `);
  expect(wrongBlame(new Suspects([3], 'x'), 1, 2)).toContain('blames 3');
  expect(wrongBlame(new Suspects([1, 2], 'x'), 1, 2)).toContain('blames 1, 2');
  expect(wrongBlame(new Culprit([2], 'x'), 1, undefined)).toContain('blames 2');
});

it('is a panic, whoever is blamed, and what is no error', () => {
  expect(wrongBlame(new Suspects([2], 'the library panicked over messages of others'), 1, 2)).toContain('panicked');
  expect(wrongBlame('no luck', 1, 2)).toContain('no error: no luck');
});
