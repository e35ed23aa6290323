import { base58 } from '@scure/base';
import { digest, equal, fromUtf8, utf8 } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type { Decoded, Payload, PublicKey } from '../effect.ts';
import { BytesReader } from './bytes-reader.ts';
import { shown } from './text.ts';

/**
 * What every off-chain message begins with. Its first byte would be version 127 of a transaction message, which Solana
 * keeps free, so that no signature over one ever serves as one over the other.
 */
export const signingDomain = Uint8Array.of(0xff, ...utf8('solana offchain'));

// Message formats of version 0.
const restrictedAscii = 0;
const limitedUtf8 = 1;
const extendedUtf8 = 2;
const limitedBytes = 1232; // fits a hardware wallet
const mostBytes = 65_535;

/** Reads an off-chain message of Solana's specification, version 0 or 1, that names `key` as signer. */
export function decodeOffchain({ data }: Payload, key: PublicKey): Decoded {
  const reader = new BytesReader(data);
  if (data.length < signingDomain.length || !equal(reader.take(signingDomain.length, 'message'), signingDomain))
    throw new Refused(
      'Malformed',
      'message: want the Solana off-chain format, which begins with 0xff and "solana offchain"; anything else could be a transaction',
    );
  const version = reader.u8('message: version');
  if (version > 1) throw new Refused('Unsupported', `message: want version 0 or 1 of the format, got ${version}`);
  const { text, application } = version === 0 ? readVersion0(reader, key) : readVersion1(reader, key);
  const cut = text.length > 1_024 ? ` (cut here; ${text.length} characters, ${digest(utf8(text))})` : '';
  return {
    effects: [{ kind: 'Message', chain: '', text: `signs the message ${shown(text)}${cut}${application}` }],
    fees: [],
    messages: [Uint8Array.from(data)],
  };
}

type Read = { readonly text: string; readonly application: string };

function readVersion0(reader: BytesReader, key: PublicKey): Read {
  const domain = reader.take(32, 'message: application domain');
  const format = reader.u8('message: format');
  readSigners(reader, key);
  const length = reader.u16('message: length');
  if (length !== reader.left)
    throw new Refused('Malformed', `message: says ${length} bytes of text, ${reader.left} follow`);
  if (format > extendedUtf8) throw new Refused('Malformed', `message: want format 0, 1 or 2, got ${format}`);
  if ((format === restrictedAscii || format === limitedUtf8) && length > limitedBytes)
    throw new Refused('Malformed', `message: want at most ${limitedBytes} bytes in format ${format}, got ${length}`);
  const text = readText(reader);
  if (format === restrictedAscii && !/^[ -~]+$/.test(text))
    throw new Refused('Malformed', 'message: format 0 holds printable ASCII only: use format 1 for other text');
  return { text, application: domain.every((byte) => byte === 0) ? '' : ` for application ${base58.encode(domain)}` };
}

function readVersion1(reader: BytesReader, key: PublicKey): Read {
  const signers = readSigners(reader, key);
  if (signers.some((signer, i) => i > 0 && Buffer.compare(signers[i - 1] ?? signer, signer) >= 0))
    throw new Refused('Malformed', 'message: want signers in ascending order');
  if (reader.left > mostBytes)
    throw new Refused('Malformed', `message: want at most ${mostBytes} bytes of text, got ${reader.left}`);
  return { text: readText(reader), application: '' };
}

function readSigners(reader: BytesReader, key: PublicKey): readonly Uint8Array[] {
  const count = reader.u8('message: signers');
  const signers = Array.from({ length: count }, (_, i) => reader.take(32, `message: signer ${i}`));
  if (new Set(signers.map((signer) => base58.encode(signer))).size < count)
    throw new Refused('Malformed', 'message: a signer is named twice');
  if (!signers.some((signer) => equal(signer, key.bytes)))
    throw new Refused('Malformed', `message: ${base58.encode(key.bytes)}, the key asked, is not among its signers`);
  return signers;
}

function readText(reader: BytesReader): string {
  const bytes = reader.rest();
  if (bytes.length === 0) throw new Refused('Malformed', 'message: has no text');
  try {
    return fromUtf8(bytes);
  } catch {
    throw new Refused('Malformed', 'message: the text is not UTF-8');
  }
}
