import { computeAddress, getAddress } from 'ethers';
import { addr } from 'micro-eth-signer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import vectors from '../../test/vectors/ethereum/eip55.json' with { type: 'json' };
import { checksummed, ethereumAddress, ethereumAddressProblem } from './ethereum-address.ts';
import { bytesOf, ecdsaKey, hexOf } from './testing/ethereum.ts';

describe('an address', () => {
  test.each(vectors)('of EIP-55 is written so and accepted: %s', (address) => {
    expect(checksummed(bytesOf(address))).toBe(address);
    for (const same of [address, address.toLowerCase(), `0x${address.slice(2).toUpperCase()}`])
      expect(ethereumAddressProblem(same)).toBeUndefined();
  });

  test('is written as ethers and micro-eth-signer write it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
        const address = checksummed(bytes);
        expect(address).toBe(getAddress(hexOf(bytes)));
        expect(address).toBe(addr.addChecksum(hexOf(bytes)));
        expect(ethereumAddressProblem(address)).toBeUndefined();
      }),
    );
  });

  test('of a key is what ethers computes', () => {
    for (const name of ['ours', 'other', 'third']) {
      const key = ecdsaKey(name);
      expect(ethereumAddress(key.publicKey)).toBe(computeAddress(key.ethers));
    }
    expect(() => ethereumAddress(new Uint8Array(33))).toThrow();
  });

  test('with one letter in the other case is refused', () => {
    for (const address of vectors)
      for (const [i, letter] of [...address].entries()) {
        if (i < 2 || !/[a-fA-F]/.test(letter)) continue;
        const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
        const wrong = `${address.slice(0, i)}${other}${address.slice(i + 1)}`;
        const digits = wrong.slice(2);
        if (digits === digits.toLowerCase() || digits === digits.toUpperCase()) continue;
        expect(ethereumAddressProblem(wrong)).toContain('EIP-55');
      }
  });

  test.each(['', '0x', '0xabc', `0X${'a'.repeat(40)}`, 'a'.repeat(40), `0x${'g'.repeat(40)}`, `0x${'a'.repeat(41)}`])(
    'is 0x and 40 digits, not %s',
    (text) => {
      expect(ethereumAddressProblem(text)).toBe('want 0x and 40 hex digits');
    },
  );
});
