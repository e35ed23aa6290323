import { hashMessage, verifyMessage, computeAddress, Signature } from 'ethers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHex, hex, utf8 } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import vectors from '../../test/vectors/ethereum/eip191.json' with { type: 'json' };
import type { Decoded } from '../effect.ts';
import { decode } from './decode.ts';
import { hexOf, legacy, ours, signHash, transaction, unsigned } from './testing/ethereum.ts';
import { refusal } from './testing/refusal.ts';

const read = (data: Uint8Array, chain = ''): Decoded =>
  decode({ chain, format: 'Message', data }, { scheme: 'ECDSA', bytes: ours.publicKey });

describe('a personal message', () => {
  test.each(vectors)('of EIP-191 has the hash that others publish: $text', ({ text, hash }) => {
    expect(read(utf8(text))).toEqual({
      effects: [{ kind: 'Message', chain: '', text: `signs the message "${text}"` }],
      fees: [],
      messages: [fromHex(hash)],
    });
  });

  test('is hashed as ethers does, whatever it says, and its signature verifies there', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (text) => {
        fc.pre(utf8(text).length !== 32 && !/[\p{Cc}]/u.test(text));
        const [message = new Uint8Array()] = read(utf8(text)).messages;
        expect(hexOf(message)).toBe(hashMessage(text));
        const signature = signHash(message);
        const compact = Signature.from({
          r: hexOf(signature.subarray(0, 32)),
          s: hexOf(signature.subarray(32, 64)),
          yParity: signature[64] === 1 ? 1 : 0,
        });
        expect(verifyMessage(text, compact)).toBe(computeAddress(ours.ethers));
      }),
      { numRuns: 50 },
    );
  });

  test('may have lines, shows what has no glyph, and says when it is cut', () => {
    expect(read(utf8('example.org wants you\n\nURI: x')).effects[0]?.text).toBe(
      String.raw`signs the message "example.org wants you\n\nURI: x"`,
    );
    expect(read(utf8('pay \u202eecila\u2028')).effects[0]?.text).toBe(
      String.raw`signs the message "pay \u{202e}ecila\u{2028}"`,
    );
    expect(read(utf8('x'.repeat(5_000))).effects[0]?.text).toMatch(
      /^signs the message "x{1024}\.\.\." \(cut here; 5000 characters, sha256:[0-9a-f]{64}\)$/,
    );
  });

  test.each([unsigned(transaction()), unsigned(legacy())])(
    'never has the hash of a transaction, nor is one read as text',
    (data) => {
      expect(refusal(() => read(data)).reason).toBe('Malformed');
    },
  );
});

describe('a personal message is refused', () => {
  test.each([
    ['without text', new Uint8Array(), 'has no text'],
    ['that is no UTF-8', Uint8Array.of(0xc3, 0x28), 'the text is not UTF-8'],
    ['with its prefix', utf8('\u0019Ethereum Signed Message:\n5hello'), 'want the text alone'],
    ['that is what is signed of typed data', Uint8Array.of(0x19, 1, ...new Uint8Array(64)), 'want the text alone'],
    ['with an escape', utf8('a\u001b[2Jb'), String.raw`got control character "\u001b"`],
    ['with a zero byte', utf8('a\0b'), 'got control character'],
    ['with a C1 control', utf8('a\u009bb'), String.raw`got control character "\u{9b}"`],
    ['too long', new Uint8Array(65_536).fill(65), 'want at most 65535 bytes of text'],
  ])('%s', (_, data, message) => {
    expect(refusal(() => read(data))).toEqual({
      reason: 'Malformed',
      message: expect.stringContaining(message) as string,
    });
  });

  test('of the length of a hash, also where that is text', () => {
    for (const data of [utf8('a'.repeat(32)), new Uint8Array(32).fill(7)])
      expect(refusal(() => read(data))).toEqual({
        reason: 'Undecodable',
        message: 'message: 32 bytes could be the hash of anything: want text of another length',
      });
  });

  test('on a chain, whatever the initiator claims', () => {
    expect(refusal(() => read(utf8('hello'), 'eip155:1')).message).toContain('leave chain empty');
  });

  test('of any bytes, or is one effect and one hash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
        try {
          const { effects, messages } = read(data);
          expect([effects.length, messages.map(hex)]).toEqual([1, [hashMessage(data).slice(2)]]);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
        }
      }),
    );
  });
});
