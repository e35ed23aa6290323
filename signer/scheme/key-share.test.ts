import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeKeyShare, encodeKeyShare } from './key-share.ts';
import type { KeyShare, SchemeName } from './scheme.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

const anyKey = fc
  .record({
    scheme: fc.constantFrom<SchemeName[]>('EdDSA', 'Schnorr', 'ECDSA'),
    parties: fc.integer({ min: 2, max: 32 }),
  })
  .chain(({ scheme, parties }) => {
    const point = bytes(scheme === 'EdDSA' ? 32 : 33);
    const key: fc.Arbitrary<KeyShare> = fc.record({
      identifier: fc.integer({ min: 1, max: parties }),
      threshold: fc.integer({ min: 2, max: parties }),
      share: scheme === 'ECDSA' ? fc.uint8Array({ minLength: 1, maxLength: 300 }) : bytes(32),
      groupKey: point,
      verificationShares: fc.array(point, { minLength: parties, maxLength: parties }),
    });
    return fc.record({ scheme: fc.constant(scheme), key });
  });

describe('a stored key share', () => {
  it('reads back as it was', () => {
    fc.assert(
      fc.property(anyKey, ({ scheme, key }) => {
        expect(decodeKeyShare(scheme, encodeKeyShare(scheme, key))).toEqual(key);
      }),
    );
  });

  it('has one form: what decodes encodes to the same bytes', () => {
    fc.assert(
      fc.property(anyKey, fc.nat(), fc.integer({ min: 0, max: 255 }), ({ scheme, key }, at, value) => {
        const stored = encodeKeyShare(scheme, key);
        stored[at % stored.length] = value;
        let decoded: KeyShare;
        try {
          decoded = decodeKeyShare(scheme, stored);
        } catch {
          return;
        }
        expect(encodeKeyShare(scheme, decoded)).toEqual(stored);
      }),
    );
  });

  it('is refused cut, extended, of another version or of the other scheme', () => {
    fc.assert(
      fc.property(anyKey, fc.nat(), ({ scheme, key }, cut) => {
        const stored = encodeKeyShare(scheme, key);
        expect(() => decodeKeyShare(scheme, stored.subarray(0, cut % stored.length))).toThrow(/want/);
        expect(() => decodeKeyShare(scheme, Uint8Array.of(...stored, 0))).toThrow(/want/);
        expect(() => decodeKeyShare(scheme, Uint8Array.of(2, ...stored.subarray(1)))).toThrow('want version 1, got 2');
        expect(() => decodeKeyShare(scheme === 'EdDSA' ? 'Schnorr' : 'EdDSA', stored)).toThrow('want scheme');
      }),
    );
  });

  it('keeps no hold of the bytes it was read from', () => {
    const key: KeyShare = {
      identifier: 1,
      threshold: 2,
      share: new Uint8Array(32).fill(1),
      groupKey: new Uint8Array(32).fill(2),
      verificationShares: [new Uint8Array(32).fill(3), new Uint8Array(32).fill(4)],
    };
    const stored = encodeKeyShare('EdDSA', key);
    const decoded = decodeKeyShare('EdDSA', stored);
    stored.fill(0);
    expect(decoded).toEqual(key);
  });
});
