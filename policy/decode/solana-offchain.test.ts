import { address, getAddressDecoder, getOffchainMessageEncoder } from '@solana/kit';
import type { Address, OffchainMessage } from '@solana/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, utf8 } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import { decode } from './decode.ts';
import { signingDomain } from './solana-offchain.ts';
import { refusal } from './testing/refusal.ts';

const key = { scheme: 'EdDSA', bytes: Uint8Array.from({ length: 32 }, (_, i) => i + 1) } as const;
const ours = getAddressDecoder().decode(key.bytes);
const other = address('SysvarC1ock11111111111111111111111111111111');
const none = address('11111111111111111111111111111111');

const read = (data: Uint8Array, chain = '') => decode({ chain, format: 'Message', data }, key);
const encode = (message: unknown): Uint8Array =>
  Uint8Array.from(getOffchainMessageEncoder().encode(message as OffchainMessage));
const version0 = (text: string, format = 1, signers = [ours], applicationDomain: Address = none): Uint8Array =>
  encode({
    version: 0,
    applicationDomain,
    content: { format, text },
    requiredSignatories: signers.map((signer) => ({ address: signer })),
  });
const version1 = (text: string, signers = [ours]): Uint8Array =>
  encode({ version: 1, content: text, requiredSignatories: signers.map((signer) => ({ address: signer })) });

describe('an off-chain message', () => {
  test('is one effect with its text, and its very bytes are signed', () => {
    const data = version0('log in to example.org', 0);
    expect(read(data)).toEqual({
      effects: [{ kind: 'Message', chain: '', text: 'signs the message "log in to example.org"' }],
      fees: [],
      messages: [data],
    });
  });

  test('names its application, and may have other signers', () => {
    const decoded = read(version0('héllo', 1, [other, ours], other));
    expect(decoded.effects).toEqual([
      { kind: 'Message', chain: '', text: `signs the message "héllo" for application ${other}` },
    ]);
  });

  test.each(['solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1', 'bip122:000000000019d6689c085ae165831e93', 'eip155:1', 'x'])(
    'is on no chain, whatever the initiator claims: %s',
    (chain) => {
      expect(refusal(() => read(version0('hello'), chain)).message).toContain('leave chain empty');
    },
  );

  test('of version 1 is read too', () => {
    expect(read(version1('second line\nof two')).effects[0]?.text).toBe('signs the message "second line\\nof two"');
  });

  test('shows what has no glyph, and says when it is cut', () => {
    expect(read(version0('pay \u202eecila\u2028')).effects[0]?.text).toBe(
      String.raw`signs the message "pay \u{202e}ecila\u{2028}"`,
    );
    const text = read(version0('x'.repeat(5_000), 2)).effects[0]?.text ?? '';
    expect(text).toMatch(/^signs the message "x{1024}\.\.\." \(cut here; 5000 characters, sha256:[0-9a-f]{64}\)$/);
  });

  test('encoded by Solana Kit reads back as its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }), fc.boolean(), (text, first) => {
        const data = first ? version0(text) : version1(text);
        const { effects, messages } = read(data);
        expect(messages).toEqual([data]);
        expect(effects[0]?.text).toContain('signs the message "');
      }),
    );
  });

  test('damaged anywhere is refused or still one message of these bytes', () => {
    const data = version0('a message to damage', 1, [other, ours]);
    fc.assert(
      fc.property(fc.nat(data.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Uint8Array.from(data);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        try {
          expect(read(damaged).messages).toEqual([damaged]);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
        }
      }),
    );
  });
});

const parts = (over: {
  version?: number;
  format?: number;
  signers?: readonly Uint8Array[];
  length?: number;
  text?: Uint8Array;
}): Uint8Array => {
  const { version = 0, format = 1, signers = [key.bytes], text = utf8('hello') } = over;
  const { length = text.length } = over;
  return concat(
    signingDomain,
    Uint8Array.of(version),
    new Uint8Array(32),
    Uint8Array.of(format, signers.length, ...signers.flatMap((signer) => [...signer])),
    Uint8Array.of(length & 0xff, length >> 8),
    text,
  );
};
const low = new Uint8Array(32).fill(0);
const version1Of = (signers: readonly Uint8Array[]): Uint8Array =>
  concat(signingDomain, Uint8Array.of(1, signers.length), ...signers, utf8('x'));

describe('a message is refused', () => {
  test.each([
    ['without the signing domain', utf8('hello'), 'want the Solana off-chain format'],
    ['that is empty', new Uint8Array(), 'want the Solana off-chain format'],
    ['that ends after its domain', signingDomain, 'message: version: want 1 bytes, 0 are left'],
    ['of version 2', parts({ version: 2 }), 'want version 0 or 1'],
    ['of format 3', parts({ format: 3 }), 'want format 0, 1 or 2, got 3'],
    ['without signers', parts({ signers: [] }), 'the key asked, is not among its signers'],
    ['by others', parts({ signers: [low] }), 'the key asked, is not among its signers'],
    ['with one signer twice', parts({ signers: [key.bytes, key.bytes] }), 'named twice'],
    ['longer than it says', parts({ length: 4 }), 'says 4 bytes of text, 5 follow'],
    ['shorter than it says', parts({ length: 6 }), 'says 6 bytes of text, 5 follow'],
    ['without text', parts({ text: new Uint8Array() }), 'has no text'],
    ['that is no UTF-8', parts({ text: Uint8Array.of(0xc3, 0x28) }), 'the text is not UTF-8'],
    ['with a line break in ASCII', parts({ format: 0, text: utf8('a\nb') }), 'printable ASCII only'],
    ['too long for its format', parts({ text: new Uint8Array(1_233).fill(65) }), 'want at most 1232 bytes'],
    ['of version 1 with signers in disorder', version1Of([key.bytes, low]), 'want signers in ascending order'],
    [
      'of version 1 without an end to its text',
      concat(signingDomain, Uint8Array.of(1, 1), key.bytes, new Uint8Array(65_536).fill(65)),
      'want at most 65535 bytes of text',
    ],
  ])('%s', (_, data, message) => {
    const refused = refusal(() => read(data));
    expect(refused.message).toContain(message);
    expect(['Malformed', 'Unsupported']).toContain(refused.reason);
  });
});
