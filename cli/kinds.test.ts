import { expect, test } from 'vitest';
import { UserError } from '../common/errors.ts';
import { kinds } from '../operator/api/resource.ts';
import { kindsNamed } from './kinds.ts';

test.each(['Wallet', 'wallet', 'wallets', 'wal', 'WALLETS'])('%s means wallets', (word) => {
  expect(kindsNamed(word)).toEqual(['Wallet']);
});

test('the category means all', () => {
  expect(kindsNamed('holdfast')).toEqual(kinds);
});

test.each([
  ['walets', 'did you mean wallets?'],
  ['signingrequest5', 'did you mean signingrequests?'],
  ['polcy', 'kinds are wallets, signers, signingpolicies, signingrequests, approvals'],
])('%s is unknown, with a hint', (word, hint) => {
  let hints: readonly string[] = [];
  expect(() => {
    try {
      kindsNamed(word);
    } catch (error) {
      hints = error instanceof UserError ? error.hints : [];
      throw error;
    }
  }).toThrow(`unknown kind ${JSON.stringify(word)}`);
  expect(hints).toContain(hint);
});
