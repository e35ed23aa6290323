import { getAddressDecoder } from '@solana/kit';
import { p2tr, TEST_NETWORK } from '@scure/btc-signer';
import { computeAddress } from 'ethers';
import { describe, expect, test } from 'vitest';
import { fromHex, hex } from '../common/bytes.ts';
import vectors from '../test/vectors/bip86/addresses.json' with { type: 'json' };
import { addressesOf, taprootAddress } from './address.ts';
import { ecdsaKey } from './decode/testing/ethereum.ts';

describe('addresses', () => {
  test('of an Ed25519 key are those of Solana', () => {
    const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
    expect(addressesOf('EdDSA', key)).toEqual({ solana: getAddressDecoder().decode(key) });
    expect(addressesOf('EdDSA', new Uint8Array(32))).toEqual({ solana: '11111111111111111111111111111111' });
  });

  test.each(vectors)('of a taproot key encode it untweaked: $address', (vector) => {
    expect(addressesOf('Schnorr', fromHex(vector.output_key))).toEqual({ bitcoin: vector.address });
    expect(hex(p2tr(fromHex(vector.internal_key)).tweakedPubkey)).toBe(vector.output_key);
    expect(taprootAddress(fromHex(vector.output_key), TEST_NETWORK)).toMatch(/^tb1p/);
  });

  test('of an ECDSA key are those of Ethereum', () => {
    const { publicKey, ethers } = ecdsaKey('ours');
    expect(addressesOf('ECDSA', publicKey)).toEqual({ ethereum: computeAddress(ethers) });
  });
});
