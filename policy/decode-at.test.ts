import { HDKey } from '@scure/bip32';
import { describe, expect, it } from 'vitest';
import { keyAt, type RootKey } from './child-key.ts';
import { decodeAt } from './decode-at.ts';
import { decode } from './decode/decode.ts';
import type { Payload } from './effect.ts';

const { publicKey, chainCode } = HDKey.fromMasterSeed(new Uint8Array(32).fill(7));
const root: RootKey = {
  scheme: 'ECDSA',
  bytes: publicKey ?? new Uint8Array(),
  chainCode: chainCode ?? new Uint8Array(),
};
const payload: Payload = { chain: '', format: 'Digest', data: new Uint8Array(32).fill(1) };

describe('a payload at a path', () => {
  it('is decoded for the child, and every effect names it', () => {
    const { effects, publicKey: signs, messages } = decodeAt(payload, root, 'm/0/5');
    const child = keyAt(root, 'm/0/5');
    expect(signs).toEqual(child);
    expect(messages).toEqual(decode(payload, child).messages);
    expect(effects).toEqual(decode(payload, child).effects.map((effect) => ({ ...effect, path: 'm/0/5' })));
    expect(effects).not.toEqual([]);
  });

  it('is the key itself without one, and no effect names any', () => {
    const { publicKey: signs, ...decoded } = decodeAt(payload, root, '');
    expect(signs).toEqual({ scheme: 'ECDSA', bytes: root.bytes });
    expect(decoded).toEqual(decode(payload, root));
    expect(decoded.effects.map((effect) => Object.hasOwn(effect, 'path'))).toEqual([false]);
  });

  it('is refused where the key has no children', () => {
    expect(() => decodeAt(payload, { scheme: 'EdDSA', bytes: new Uint8Array(32) }, 'm/0')).toThrow('have no children');
  });
});
