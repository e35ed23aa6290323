import { quote } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type { Decoded, Payload, PublicKey } from '../effect.ts';
import { decodeDigest } from './digest.ts';
import { bitcoinNetworks, solanaChains } from './networks.ts';
import { decodeOffchain } from './solana-offchain.ts';
import { decodePsbt } from './bitcoin-psbt.ts';
import { decodeSolana } from './solana-transaction.ts';

/**
 * What a payload does and which bytes `key` would sign for it, from its bytes alone. Throws {@link Refused}: Malformed
 * where it breaks its format or fits neither key nor chain, Undecodable where what it does cannot be proven, Unsupported
 * where this version does not know it.
 */
export function decode(payload: Payload, key: PublicKey): Decoded {
  const { chain, format } = payload;
  if (format === 'TypedData') throw new Refused('Unsupported', 'format TypedData is not in this version');
  if (format === 'Digest') return decodeDigest(payload, key);
  if (key.scheme === 'ECDSA') throw new Refused('Unsupported', 'transactions of ECDSA keys are not in this version');
  if (format === 'Message') return decodeMessage(payload, key);
  const family = chain.split(':', 1)[0] ?? '';
  if (family === 'eip155') throw new Refused('Unsupported', `chain ${chain}: EVM chains are not in this version`);
  return bounded(decodeTransaction(payload, key, family));
}

function decodeMessage(payload: Payload, key: PublicKey): Decoded {
  const { chain } = payload;
  if (key.scheme !== 'EdDSA')
    throw new Refused('Unsupported', `messages by ${key.scheme} keys are not in this version`);
  // Nothing in its bytes is bound to a chain: a rule by chain would judge what the initiator claims.
  if (chain !== '')
    throw new Refused('Malformed', `a message belongs to no chain: leave chain empty, got ${quote(chain)}`);
  return decodeOffchain(payload, key);
}

function decodeTransaction(payload: Payload, key: PublicKey, family: string): Decoded {
  const { chain, format } = payload;
  const [scheme, known, own] =
    family === 'solana'
      ? (['EdDSA', solanaChains.has(chain), 'Transaction'] as const)
      : (['Schnorr', bitcoinNetworks.has(chain), 'PSBT'] as const);
  if (!known)
    throw new Refused('Unsupported', `chain ${quote(chain)} is not in this version: want a Solana or Bitcoin network`);
  if (format !== own) throw new Refused('Malformed', `chain ${chain}: want format ${own}, got ${format}`);
  if (key.scheme !== scheme)
    throw new Refused('Malformed', `chain ${chain}: want a key of scheme ${scheme}, this one is ${key.scheme}`);
  return family === 'solana' ? decodeSolana(payload, key) : decodePsbt(payload, key);
}

const mostEffects = 64;

// No effect at all would pass every rule, and what is not judged must not be signed.
function bounded(decoded: Decoded): Decoded {
  const { length } = decoded.effects;
  if (length === 0) throw new Refused('Undecodable', 'transaction: does nothing that a rule could judge');
  if (length > mostEffects)
    throw new Refused('Unsupported', `transaction: want at most ${mostEffects} effects, got ${length}`);
  return decoded;
}
