import { HDKey } from '@scure/bip32';
import { HDNodeWallet } from 'ethers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, hex } from '../common/bytes.ts';
import { extendedPublicKey, keyAt, type RootKey } from './child-key.ts';
import { ethereumAddress } from './decode/ethereum-address.ts';

/** BIP-32, test vector 2, chain m and m/0: extended public keys as the standard prints them. */
const m =
  'xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB';
const m0 =
  'xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH';

function root(extended: string): RootKey {
  const { publicKey, chainCode } = HDKey.fromExtendedKey(extended);
  if (publicKey === null || chainCode === null) throw new Error('no public key');
  return { scheme: 'ECDSA', bytes: publicKey, chainCode };
}

describe('a child key', () => {
  it('is the one of BIP-32', () => {
    expect(hex(keyAt(root(m), 'm/0').bytes)).toBe(hex(root(m0).bytes));
    expect(keyAt(root(m), '').bytes).toEqual(root(m).bytes);
    expect(extendedPublicKey(root(m), '')).toBe(m);
    expect(extendedPublicKey(root(m), 'm/0')).toBe(m0);
  });

  it('is what the private parent derives, the second time too', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 64 }),
        fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 3 }),
        (seed, indexes) => {
          const path = `m/${indexes.join('/')}`;
          const parent = HDKey.fromMasterSeed(seed);
          const expected = hex(parent.derive(path).publicKey ?? new Uint8Array());
          for (const _ of [1, 2]) expect(hex(keyAt(root(parent.publicExtendedKey), path).bytes)).toBe(expected);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('has the address that another library derives from the extended public key', () => {
    const parent = HDNodeWallet.fromExtendedKey(extendedPublicKey(root(m), 'm/0'));
    for (const index of [0, 7, 2 ** 31 - 1])
      expect(ethereumAddress(keyAt(root(m), `m/0/${index}`).bytes)).toBe(parent.deriveChild(index).address);
  });

  it.each([
    ['EdDSA', 'm/0', /EdDSA have no children/],
    ['Schnorr', 'm/0', /Schnorr have no children/],
    ['ECDSA', "m/44'/0", /want non-hardened children/],
    ['ECDSA', 'm/x', /want non-hardened children/],
  ] as const)('is refused for %s at %s', (scheme, path, why) => {
    expect(() => keyAt({ ...root(m), scheme }, path)).toThrow(why);
    expect(() => extendedPublicKey({ ...root(m), scheme }, path)).toThrow(why);
  });

  it('does not change with what a caller does to its bytes', () => {
    const key = root(m);
    keyAt(key, 'm/7').bytes.fill(0);
    expect(hex(keyAt(key, 'm/7').bytes)).not.toBe('00'.repeat(33));
    expect(keyAt({ ...key, bytes: fromHex(hex(key.bytes)) }, 'm/7').bytes).toHaveLength(33);
  });
});
