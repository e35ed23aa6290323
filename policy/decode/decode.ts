import { quote } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type { Decoded, Format, Payload, PublicKey, SchemeName } from '../effect.ts';
import { evmChains } from '../evm-chains.ts';
import { decodeDigest } from './digest.ts';
import { decodePersonalMessage } from './ethereum-message.ts';
import { decodeEthereum } from './ethereum-transaction.ts';
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
  if (format === 'Message') return decodeMessage(payload, key);
  const family = families.get(chain.split(':', 1)[0] ?? '');
  if (family === undefined || !family.known.has(chain))
    throw new Refused(
      'Unsupported',
      `chain ${quote(chain)} is not in this version: want a Solana, Bitcoin or EVM network`,
    );
  if (format !== family.format)
    throw new Refused('Malformed', `chain ${chain}: want format ${family.format}, got ${format}`);
  if (!family.schemes.includes(key.scheme))
    throw new Refused(
      'Malformed',
      `chain ${chain}: want a key of scheme ${family.schemes.join(' or ')}, this one is ${key.scheme}`,
    );
  return bounded(family.decode(payload, key));
}

function decodeMessage(payload: Payload, key: PublicKey): Decoded {
  const { chain } = payload;
  if (key.scheme === 'Schnorr') throw new Refused('Unsupported', 'messages by Schnorr keys are not in this version');
  // Nothing in its bytes is bound to a chain: a rule by chain would judge what the initiator claims.
  if (chain !== '')
    throw new Refused('Malformed', `a message belongs to no chain: leave chain empty, got ${quote(chain)}`);
  return key.scheme === 'EdDSA' ? decodeOffchain(payload, key) : decodePersonalMessage(payload);
}

/** Chains whose transactions are alike. */
type Family = {
  /** By CAIP-2 chain. */
  readonly known: { has(chain: string): boolean };
  readonly format: Format;
  readonly schemes: readonly SchemeName[];
  readonly decode: (payload: Payload, key: PublicKey) => Decoded;
};

const families: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['solana', { known: solanaChains, format: 'Transaction', schemes: ['EdDSA'], decode: decodeSolana }],
  ['bip122', { known: bitcoinNetworks, format: 'PSBT', schemes: ['Schnorr', 'ECDSA'], decode: decodePsbt }],
  ['eip155', { known: evmChains, format: 'Transaction', schemes: ['ECDSA'], decode: decodeEthereum }],
]);

const mostEffects = 64;

// No effect at all would pass every rule, and what is not judged must not be signed.
function bounded(decoded: Decoded): Decoded {
  const { length } = decoded.effects;
  if (length === 0) throw new Refused('Undecodable', 'transaction: does nothing that a rule could judge');
  if (length > mostEffects)
    throw new Refused('Unsupported', `transaction: want at most ${mostEffects} effects, got ${length}`);
  return decoded;
}
