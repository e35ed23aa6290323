import { readFile } from 'node:fs/promises';
import { addAbortSignal } from 'node:stream';
import { offchainMessage } from '../client/offchain-message.ts';
import { equal, fromHex, fromUtf8, quote, utf8 } from '../common/bytes.ts';
import { UserError, messageOf } from '../common/errors.ts';
import type { Payload, PublicKey, SchemeName } from '../policy/effect.ts';
import { signingDomain } from '../policy/decode/solana-offchain.ts';
import { chainNamed } from './chains.ts';
import { exitCodes } from './exit-codes.ts';
import type { PayloadOptions } from './payload-options.ts';

/** As many bytes as a request takes. */
const mostBytes = 262_144;
/** The networks that transactions are for unless another is named. */
const mainChains: Readonly<Record<SchemeName, string>> = {
  EdDSA: chainNamed('solana'),
  Schnorr: chainNamed('bitcoin'),
  ECDSA: chainNamed('ethereum'),
};
const psbtMagic = Uint8Array.of(0x70, 0x73, 0x62, 0x74, 0xff);

/** The payload that the options describe, for `key`. Files hold raw bytes, hex or base64; - is stdin. */
export async function readPayload(options: PayloadOptions, key: PublicKey, signal: AbortSignal): Promise<Payload> {
  const { transaction, psbt, message, digest, chain } = options;
  const chainOr = (fallback: string): string => (chain === undefined ? fallback : chainNamed(chain));
  if (chain !== undefined && (message !== undefined || digest !== undefined))
    throw new UserError(
      '--chain: what a message or digest is for is not in its bytes, so it belongs to no chain',
      ['leave --chain out'],
      exitCodes.usage,
    );
  if (transaction !== undefined) {
    const data = await readBytes('--transaction', transaction, signal);
    return { chain: chainOr(mainChains[key.scheme]), format: 'Transaction', data };
  }
  if (psbt !== undefined) {
    const data = await readBytes('--psbt', psbt, signal);
    if (!equal(data.subarray(0, psbtMagic.length), psbtMagic))
      throw new UserError('--psbt: want a PSBT, which begins with "psbt" and 0xff', [
        'a finished transaction is no PSBT',
      ]);
    return { chain: chainOr(chainNamed('bitcoin')), format: 'PSBT', data };
  }
  if (message !== undefined) return { chain: '', format: 'Message', data: await readMessage(message, key, signal) };
  if (digest !== undefined) return { chain: '', format: 'Digest', data: hexBytes('--digest', digest) };
  throw noPayload('sign');
}

/** None of the options that say what it is about. */
export const noPayload = (verb: string, others = ''): UserError =>
  new UserError(
    `nothing to ${verb}: give one of --transaction, --psbt, --message and --digest${others}`,
    [],
    exitCodes.usage,
  );

/**
 * Text becomes an off-chain message of an Ed25519 key, which is all that these sign besides transactions. For an ECDSA
 * key it stays as it is: signers put EIP-191's prefix before it.
 */
async function readMessage(given: string, key: PublicKey, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = given.startsWith('@')
    ? await readInput('--message', given.slice(1), signal, 'give the text itself, @FILE, or @- for stdin')
    : utf8(given);
  if (key.scheme === 'ECDSA' || equal(bytes.subarray(0, signingDomain.length), signingDomain)) return bytes;
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    throw new UserError('--message: want text in UTF-8, or an off-chain message of Solana', [
      'for raw bytes: --digest HEX',
    ]);
  }
  return offchainMessage(text, key.bytes);
}

async function readBytes(option: string, given: string, signal: AbortSignal): Promise<Uint8Array> {
  if (/^(?:0x)?(?:[0-9a-fA-F]{2}){16,}$/.test(given)) return hexBytes(option, given);
  const file = await readFileOrSay(option, given, signal);
  const text = Buffer.from(file).toString('latin1').trim();
  if (/^(?:0x)?(?:[0-9a-fA-F]{2})+$/.test(text)) return hexBytes(option, text);
  const decoded = Buffer.from(text.replaceAll(/\s/g, ''), 'base64');
  const wasBase64 = /^[A-Za-z0-9+/\s]+={0,2}$/.test(text) && decoded.toString('base64') === text.replaceAll(/\s/g, '');
  return wasBase64 ? Uint8Array.from(decoded) : file;
}

/** A file; what names none but is in hex was meant as the bytes. */
async function readFileOrSay(option: string, given: string, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await readInput(option, given, signal, 'give a file, - for stdin, or the bytes in hex');
  } catch (error) {
    const digits = /^(?:0x)?(?<digits>[0-9a-fA-F]+)$/.exec(given)?.groups?.['digits'];
    if (digits === undefined || !(error instanceof UserError)) throw error;
    const what =
      digits.length % 2 > 0
        ? `${digits.length} digits of hex are no whole bytes`
        : `${digits.length / 2} bytes in hex are too short`;
    throw new UserError(`${option}: ${quote(given, 40)} names no file, and ${what}`, error.hints, exitCodes.usage);
  }
}

const hexBytes = (option: string, text: string): Uint8Array => {
  const digits = text.replace(/^0x/, '').toLowerCase();
  if (digits === '' || digits.length % 2 > 0 || !/^[0-9a-f]+$/.test(digits))
    throw new UserError(`${option}: want whole bytes in hex, got ${quote(text)}`, [], exitCodes.usage);
  return fromHex(digits, option);
};

/** A file, or stdin for -; bounded, so that a device is no way to fill memory. */
async function readInput(option: string, path: string, signal: AbortSignal, hint: string): Promise<Uint8Array> {
  try {
    if (path !== '-') return bounded(option, await readFile(path));
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of addAbortSignal(signal, process.stdin) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > 2 * mostBytes + 2) break;
    }
    return bounded(option, Buffer.concat(chunks));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UserError) throw error;
    throw new UserError(`${option}: cannot read ${quote(path, 200)}: ${messageOf(error)}`, [hint]);
  }
}

function bounded(option: string, bytes: Buffer): Uint8Array {
  if (bytes.length === 0) throw new UserError(`${option}: the input is empty`);
  // In hex a payload is twice as long.
  if (bytes.length > 2 * mostBytes + 2) throw new UserError(`${option}: want at most ${mostBytes} bytes, got more`);
  return Uint8Array.from(bytes);
}
