import { describe, expect, test } from 'vitest';
import { concat } from '../../common/bytes.ts';
import type { SchemeName } from '../effect.ts';
import { decode } from './decode.ts';
import { signingDomain } from './solana-offchain.ts';
import { refusal } from './testing/refusal.ts';

const bytes = new Uint8Array(32).fill(7);
const digestOf = (data: Uint8Array, scheme: SchemeName, chain = '') =>
  decode({ chain, format: 'Digest', data }, { scheme, bytes });

describe('a digest', () => {
  test.each([
    ['EdDSA', 32],
    ['EdDSA', 64],
    ['Schnorr', 32],
    ['ECDSA', 32],
  ] as const)('of an %s key with %i bytes is one effect of no chain and signed as it is', (scheme, length) => {
    const data = new Uint8Array(length).fill(0xab);
    const decoded = digestOf(data, scheme);
    expect(decoded).toEqual({
      effects: [
        { kind: 'Digest', chain: '', text: `signs the raw bytes ${'ab'.repeat(length)}, whatever they stand for` },
      ],
      fees: [],
      messages: [data],
    });
  });

  test.each([
    ['EdDSA', 0, 'digest: want 32 or 64 bytes for EdDSA, got 0'],
    ['EdDSA', 31, 'digest: want 32 or 64 bytes for EdDSA, got 31'],
    ['EdDSA', 69, 'digest: want 32 or 64 bytes for EdDSA, got 69'],
    ['Schnorr', 33, 'digest: want 32 bytes for Schnorr, got 33'],
    ['Schnorr', 64, 'digest: want 32 bytes for Schnorr, got 64'],
    ['ECDSA', 0, 'digest: want 32 bytes for ECDSA, got 0'],
    ['ECDSA', 64, 'digest: want 32 bytes for ECDSA, got 64'],
  ] as const)('of an %s key with %i bytes is refused, since it could be a transaction', (scheme, length, message) => {
    expect(refusal(() => digestOf(new Uint8Array(length), scheme))).toEqual({ reason: 'Malformed', message });
  });

  test('names no chain', () => {
    expect(refusal(() => digestOf(bytes, 'EdDSA', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'))).toMatchObject({
      reason: 'Malformed',
      message: expect.stringContaining('leave chain empty') as string,
    });
  });

  test('that begins like an off-chain message is refused', () => {
    const data = concat(signingDomain, new Uint8Array(64 - signingDomain.length));
    expect(refusal(() => digestOf(data, 'EdDSA'))).toMatchObject({
      reason: 'Malformed',
      message: expect.stringContaining('use format Message') as string,
    });
  });
});

describe('a key', () => {
  test.each([
    ['EdDSA', 'Transaction', 'eip155:1', 'chain eip155:1: want a key of scheme ECDSA, this one is EdDSA'],
    ['ECDSA', 'Transaction', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'want a key of scheme EdDSA'],
    ['ECDSA', 'PSBT', 'eip155:1', 'chain eip155:1: want format Transaction, got PSBT'],
    ['Schnorr', 'Transaction', 'eip155:1', 'want a key of scheme ECDSA, this one is Schnorr'],
  ] as const)('of scheme %s signs for its own chains only: format %s on %s', (scheme, format, chain, message) => {
    expect(refusal(() => decode({ chain, format, data: bytes }, { scheme, bytes }))).toEqual({
      reason: 'Malformed',
      message: expect.stringContaining(message) as string,
    });
  });
});

describe('what this version does not know', () => {
  test.each([
    ['ECDSA', 'TypedData', 'eip155:1', 'format TypedData is not in this version'],
    ['ECDSA', 'Transaction', 'eip155:5', 'chain "eip155:5" is not in this version'],
    ['Schnorr', 'Message', '', 'messages by Schnorr keys are not in this version'],
    ['EdDSA', 'Transaction', 'cosmos:hub-4', 'chain "cosmos:hub-4" is not in this version'],
  ] as const)('is refused for a key of %s: format %s on chain "%s"', (scheme, format, chain, message) => {
    expect(refusal(() => decode({ chain, format, data: bytes }, { scheme, bytes }))).toMatchObject({
      reason: 'Unsupported',
      message: expect.stringContaining(message) as string,
    });
  });
});
