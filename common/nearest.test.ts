import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

test.each([
  ['payrol', 'payroll'],
  ['PAYROLL', 'payroll'],
  ['vendr', 'vendor'],
  ['paryol', undefined],
  ['pay', undefined],
  ['payrollpayroll', undefined],
  ['', undefined],
  ['x'.repeat(65), undefined],
])('%j was meant to be %j', (typed, meant) => {
  expect(nearest(typed, ['vendor', 'payroll', 'x'.repeat(65)])).toBe(meant);
});

test('the nearest of several is told', () => {
  expect(nearest('abcdefgx', ['abcdexyz', 'abcdefgh', 'abcdefyz'])).toBe('abcdefgh');
});
