import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, digest, fromUtf8, utf8 } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type { Decoded, Payload } from '../effect.ts';
import { shown } from './text.ts';

const mostBytes = 65_535;
const eip191 = 0x19;

/**
 * Reads a personal message: text, which is signed with EIP-191's prefix before it (version 0x45), so that no signature
 * over one ever serves for a transaction or typed data. The payload is the text alone.
 */
export function decodePersonalMessage({ data }: Payload): Decoded {
  if (data.length === 0) throw new Refused('Malformed', 'message: has no text');
  if (data.length > mostBytes)
    throw new Refused('Malformed', `message: want at most ${mostBytes} bytes of text, got ${data.length}`);
  if (data[0] === eip191)
    throw new Refused(
      'Malformed',
      'message: begins with 0x19 like what is signed: want the text alone, the prefix is added',
    );
  // Contracts take a hash with this prefix for its owner's consent (Safe's eth_sign, OpenZeppelin's
  // toEthSignedMessageHash), and 32 bytes that look like text can be searched for among hashes.
  if (data.length === 32)
    throw new Refused('Undecodable', 'message: 32 bytes could be the hash of anything: want text of another length');
  const text = readText(data);
  const cut = text.length > 1_024 ? ` (cut here; ${text.length} characters, ${digest(data)})` : '';
  return {
    effects: [{ kind: 'Message', chain: '', text: `signs the message ${shown(text)}${cut}` }],
    fees: [],
    messages: [keccak_256(concat(utf8(`\u0019Ethereum Signed Message:\n${data.length}`), data))],
  };
}

function readText(data: Uint8Array): string {
  let text: string;
  try {
    text = fromUtf8(data);
  } catch {
    throw new Refused('Malformed', 'message: the text is not UTF-8');
  }
  const control = /[\p{Cc}--[\t\n\r]]/v.exec(text)?.[0];
  if (control === undefined) return text;
  throw new Refused('Malformed', `message: want text, got control character ${shown(control)}`);
}
