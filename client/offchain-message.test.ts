import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decode } from '../policy/decode/decode.ts';
import { offchainMessage } from './offchain-message.ts';

const publicKey = new Uint8Array(32).fill(7);
const effectsOf = (data: Uint8Array) =>
  decode({ chain: '', format: 'Message', data }, { scheme: 'EdDSA', bytes: publicKey }).effects;

test.each(['hello', 'señor ✓', 'x'.repeat(1232), 'x'.repeat(1233), 'y\n'.repeat(20_000)])(
  'signers read the message as it was meant: %j',
  (text) => {
    const [effect, ...more] = effectsOf(offchainMessage(text, publicKey));
    expect(more).toEqual([]);
    expect(effect?.text).toContain(JSON.stringify(text.slice(0, 200)).slice(1, 100));
  },
);

test('any text of a size that fits is taken', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2000 }), (text) => {
      expect(effectsOf(offchainMessage(text, publicKey))).toHaveLength(1);
    }),
  );
});

test('no text and too much of it are refused', () => {
  expect(() => offchainMessage('', publicKey)).toThrow('want 1 to 65535 bytes of text, got 0');
  expect(() => offchainMessage('x'.repeat(65_536), publicKey)).toThrow('got 65536');
});
