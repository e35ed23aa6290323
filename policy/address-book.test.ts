import { afterAll, expect, it, vi } from 'vitest';
import { AddressBook } from './address-book.ts';
import type * as Derivation from './decode/associated-token-account.ts';
import { address, account, mint, solana, tokenProgram, usdc } from './testing/policies.ts';

// Unit tests share modules: what is imported here has to see the counter, and no other file.
const derived = vi.hoisted(() => {
  vi.resetModules();
  return { times: 0 };
});
afterAll(() => void vi.resetModules());
vi.mock('./decode/associated-token-account.ts', async (original) => {
  const real = await original<typeof Derivation>();
  return {
    ...real,
    associatedTokenAccount: (...args: Parameters<typeof real.associatedTokenAccount>) => {
      derived.times += 1;
      return real.associatedTokenAccount(...args);
    },
  };
});

const bookOf = (owners: number): AddressBook =>
  new AddressBook([{ name: 'staff', addresses: Array.from({ length: owners }, (_, i) => account(i + 1)) }], [usdc]);
const going = (of: { mint: string; program: string }, destination = account(99)) => ({
  chain: solana,
  destination,
  derived: of,
});

it('derives token accounts once for each token of the policy and program, and for no other', () => {
  const book = bookOf(3);
  derived.times = 0;
  for (let i = 0; i < 20; i++) {
    book.find(going({ mint: address(100 + i), program: tokenProgram }));
    book.find(going({ mint, program: address(100 + i) }));
  }
  expect(derived.times).toBe(0);
  for (let i = 0; i < 20; i++) book.find(going({ mint, program: tokenProgram }, account(100 + i)));
  expect(derived.times).toBe(3);
});

it('derives ahead in slices, after which nothing is left to derive', () => {
  const book = bookOf(70);
  derived.times = 0;
  let before = 0;
  for (const _ of book.prepare()) {
    expect(derived.times - before).toBeLessThanOrEqual(32);
    before = derived.times;
  }
  expect(derived.times).toBe(140);
  book.find(going({ mint, program: tokenProgram }));
  expect(derived.times).toBe(140);
});
