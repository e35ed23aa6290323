import { quote } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type { Decoded, Payload, PublicKey } from '../effect.ts';
import { decodeDigest } from './digest.ts';
import { solanaChains } from './networks.ts';
import { decodeOffchain } from './solana-offchain.ts';

/**
 * What a payload does and which bytes `key` would sign for it, from its bytes alone. Throws {@link Refused}: Malformed
 * where it breaks its format or fits neither key nor chain, Undecodable where what it does cannot be proven, Unsupported
 * where this version does not know it.
 */
export function decode(payload: Payload, key: PublicKey): Decoded {
  const { chain, format } = payload;
  if (key.scheme === 'ECDSA') throw new Refused('Unsupported', 'ECDSA keys are not in this version');
  if (format === 'TypedData') throw new Refused('Unsupported', 'format TypedData is not in this version');
  if (format === 'Digest') return decodeDigest(payload, key);
  const family = chain.split(':', 1)[0] ?? '';
  if (family === 'eip155') throw new Refused('Unsupported', `chain ${chain}: EVM chains are not in this version`);
  if (format === 'Message') {
    if (key.scheme !== 'EdDSA')
      throw new Refused('Unsupported', `messages by ${key.scheme} keys are not in this version`);
    if (chain !== '' && !solanaChains.has(chain))
      throw new Refused('Unsupported', `message: want chain "" or a Solana cluster, got ${quote(chain)}`);
    return decodeOffchain(payload, key);
  }
  throw new Refused('Unsupported', `format ${format} on chain ${quote(chain)} is not in this version`);
}
