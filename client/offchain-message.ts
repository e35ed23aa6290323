import { concat, utf8 } from '../common/bytes.ts';

const signingDomain = concat(Uint8Array.of(0xff), utf8('solana offchain'));
const restrictedAscii = 0;
const limitedUtf8 = 1;
const extendedUtf8 = 2;
const limitedBytes = 1232;
const mostBytes = 65_535;

/**
 * `text` as an Ed25519 key signs it: Solana's off-chain message format, version 0, for no application, with the 32-byte
 * `publicKey` as its one signer. Throws on empty text and beyond 65535 bytes.
 */
export function offchainMessage(text: string, publicKey: Uint8Array): Uint8Array {
  const body = utf8(text);
  if (body.length === 0 || body.length > mostBytes)
    throw new Error(`message: want 1 to ${mostBytes} bytes of text, got ${body.length}`);
  const short = body.length <= limitedBytes;
  const format = !short ? extendedUtf8 : /^[ -~]+$/.test(text) ? restrictedAscii : limitedUtf8;
  const application = new Uint8Array(32);
  const length = Uint8Array.of(body.length & 0xff, body.length >> 8);
  return concat(signingDomain, Uint8Array.of(0), application, Uint8Array.of(format, 1), publicKey, length, body);
}
