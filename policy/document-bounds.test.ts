import { describe, expect, it } from 'vitest';
import { policyDocument } from './document.ts';
import { account, address, mint, solana, specOf } from './testing/policies.ts';

const allow = { name: 'a', verdict: 'Allow', match: {} };

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
