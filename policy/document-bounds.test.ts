import { describe, expect, it } from 'vitest';
import { policyDocument } from './document.ts';
import { PolicyInvalid } from './policy-invalid.ts';
import type { PolicyProblem } from './policy-invalid.ts';
import { account, address, mint, solana, specOf } from './testing/policies.ts';

const allow = { name: 'a', verdict: 'Allow', match: {} };

function problemsOf(spec: unknown): readonly PolicyProblem[] {
  try {
    policyDocument(spec);
  } catch (error) {
    if (error instanceof PolicyInvalid) return error.problems;
  }
  throw new Error('was not found invalid');
}

describe('the accounts and tokens of a policy', () => {
  const specWith = (accounts: number, mints: readonly string[]) =>
    specOf([allow], {
      assets: mints.map((each, i) => ({ name: `T${i}`, id: `${solana}/token:${each}`, decimals: 6 })),
      addressBook: [{ name: 'p', addresses: Array.from({ length: accounts }, (_, i) => account(i)) }],
    });

  it.each([
    [256, []],
    [256, [mint, address(3)]],
    [170, [mint, address(3), address(4)]],
  ])('may be as many as signers can tell apart: %i accounts', (accounts, mints) => {
    expect(policyDocument(specWith(accounts, mints))).toHaveProperty('assets.length', mints.length);
  });

  it('may not be more', () => {
    expect(() => policyDocument(specWith(171, [mint, address(3), address(4)]))).toThrow(
      `policy: addressBook: 171 accounts on ${solana} times 3 tokens in assets are 513 token accounts: ` +
        'want at most 512, so list fewer of either or divide them among wallets',
    );
  });
});

describe('what is wrong with a policy', () => {
  const nearly = (i: number): string => `payee${String(i).padStart(3, '0')}`;

  it.each<[string, () => unknown]>([
    [
      'names that resolve to nothing',
      () => {
        const book = Array.from({ length: 256 }, (_, i) => ({ name: nearly(i), addresses: [account(i)] }));
        const destinations = Array.from({ length: 256 }, (_, i) => `${nearly(i)}x`);
        return specOf([{ ...allow, match: { destinations } }], { addressBook: book });
      },
    ],
    [
      'unknown fields',
      () => ({
        ...specOf([allow]),
        ...Object.fromEntries(
          Array.from({ length: 256 }, (_, i) => [
            `lookupTabl${'abcdefghijklmnop'[i % 16]}${String.fromCodePoint(97 + (i >> 4))}`,
            '',
          ]),
        ),
      }),
    ],
    [
      'words of no list',
      () => specOf(Array.from({ length: 60 }, (_, i) => ({ ...allow, name: `r${i}`, verdict: 'Alow' }))),
    ],
  ])('is told up to a bound, and of the first only what was meant: %s', (_what, spec) => {
    const problems = problemsOf(spec());
    expect(problems).toHaveLength(50);
    expect(problems.findLastIndex(({ message }) => message.includes('did you mean'))).toBe(15);
  });
});
