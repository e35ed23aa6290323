import { keccak_256 } from '@noble/hashes/sha3.js';
import { RLP } from 'micro-eth-signer/core/rlp.js';
import { concat, hex } from '../../common/bytes.ts';
import { messageOf, Refused } from '../../common/errors.ts';
import { nativeAsset } from '../caip.ts';
import type { Decoded, Payload } from '../effect.ts';
import { callEffects } from './ethereum-call.ts';
import { EthereumFields } from './ethereum-fields.ts';

// What nodes pass on.
const mostBytes = 131_072;
const signatureBytes = 65;
const dynamicFee = 0x02; // EIP-1559

const otherTypes: Readonly<Record<number, string>> = {
  1: 'type 1 (EIP-2930, with an access list)',
  3: 'type 3 (EIP-4844, with blobs)',
  4: 'type 4 (EIP-7702, which puts code in place of accounts)',
};

/** What a transaction does and may cost, whatever its type; `signed` is the whole of it with its signature. */
type Unsigned = {
  readonly chainId: bigint;
  readonly gasLimit: bigint;
  /** The most that a unit of gas may cost, in wei. */
  readonly gasPrice: bigint;
  readonly to: Uint8Array;
  readonly value: bigint;
  readonly data: Uint8Array;
  readonly signed: (parity: bigint, r: bigint, s: bigint) => Uint8Array;
};

/**
 * Reads an unsigned transaction, as it is hashed: one of EIP-1559, or a legacy one with EIP-155's chain id. RLP has one
 * encoding of each value and nothing else is read, so that these bytes are the only ones that do this.
 */
export function decodeEthereum({ chain, data: given }: Payload): Decoded {
  const bytes = Uint8Array.from(given);
  if (bytes.length > mostBytes)
    throw new Refused('Malformed', `transaction: want at most ${mostBytes} bytes, got ${bytes.length}`);
  const native = nativeAsset(chain);
  if (native === undefined)
    throw new Refused('Unsupported', `chain ${chain}: this version does not know what its fees are paid in`);
  const { chainId, gasLimit, gasPrice, to, value, data, signed } = read(bytes);
  if (`eip155:${chainId}` !== chain)
    throw new Refused('Malformed', `transaction: is for chain eip155:${chainId}, and the request for ${chain}`);
  return {
    effects: callEffects({ chain, native, to, value, data }),
    fees: [{ chain, asset: native.id, amount: gasLimit * gasPrice }],
    messages: [keccak_256(bytes)],
    finish: ([signature, ...more]) => {
      if (signature?.length !== signatureBytes || more.length > 0)
        throw new Error(`transaction: want one signature of ${signatureBytes} bytes`);
      const parity = signature[signatureBytes - 1] ?? 0;
      // 2 and 3 stand for points beyond the order, which the chain's signatures have no room for.
      if (parity > 1) throw new Error(`transaction: want recovery id 0 or 1, got ${parity}`);
      const transaction = signed(
        BigInt(parity),
        BigInt(`0x${hex(signature.subarray(0, 32))}`),
        BigInt(`0x${hex(signature.subarray(32, 64))}`),
      );
      return { transaction, id: `0x${hex(keccak_256(transaction))}` };
    },
  };
}

function read(bytes: Uint8Array): Unsigned {
  const [type = 0] = bytes;
  // EIP-2718: a legacy transaction is a list, which begins with 0xc0 or more.
  if (type >= 0xc0) return readLegacy(bytes);
  if (type === dynamicFee) return readDynamicFee(bytes.subarray(1));
  throw new Refused(
    'Unsupported',
    `transaction: want type 2 (EIP-1559) or a legacy one, got ${otherTypes[type] ?? `0x${hex(bytes.subarray(0, 1))} as first byte`}`,
  );
}

function readDynamicFee(bytes: Uint8Array): Unsigned {
  const items = listOf(bytes);
  const fields = new EthereumFields(items, [
    ...['chain id', 'nonce', 'priority fee', 'fee', 'gas limit', 'to', 'value', 'data', 'access list'],
  ]);
  const gasPrice = fields.integer('fee');
  const priority = fields.integer('priority fee');
  if (priority > gasPrice)
    throw new Refused(
      'Malformed',
      `transaction: its priority fee of ${priority} is over its fee of ${gasPrice} in all`,
    );
  const access = fields.list('access list');
  // A list only changes what gas is spent on.
  if (access.length > 0)
    throw new Refused('Unsupported', `transaction: want an empty access list, got one with ${access.length} entries`);
  return {
    chainId: fields.integer('chain id'),
    ...common(fields),
    gasPrice,
    signed: (...signature) => concat(Uint8Array.of(dynamicFee), RLP.encode([...items, ...signature])),
  };
}

function readLegacy(bytes: Uint8Array): Unsigned {
  const items = listOf(bytes);
  if (items.length === 6)
    throw new Refused(
      'Malformed',
      'transaction: names no chain, so a signature would be good on every one: want the chain id as EIP-155 puts it',
    );
  const fields = new EthereumFields(items, [
    ...['nonce', 'gas price', 'gas limit', 'to', 'value', 'data', 'chain id', 'r', 's'],
  ]);
  // EIP-155: where a signature will be, what is signed has zeros.
  if (fields.integer('r') > 0n || fields.integer('s') > 0n)
    throw new Refused('Malformed', 'transaction: is signed already: send it unsigned');
  const chainId = fields.integer('chain id');
  return {
    chainId,
    ...common(fields),
    gasPrice: fields.integer('gas price'),
    signed: (parity, r, s) => RLP.encode([...items.slice(0, 6), 35n + 2n * chainId + parity, r, s]),
  };
}

function common(fields: EthereumFields): Pick<Unsigned, 'gasLimit' | 'to' | 'value' | 'data'> {
  fields.integer('nonce', 8);
  const to = fields.bytes('to');
  if (to.length !== 0 && to.length !== 20)
    throw new Refused('Malformed', `transaction: to: want 20 bytes, or none to deploy a contract, got ${to.length}`);
  return { gasLimit: fields.integer('gas limit', 8), to, value: fields.integer('value'), data: fields.bytes('data') };
}

/** An item of RLP as the library reads it. */
type Item = Uint8Array | Item[];

function listOf(bytes: Uint8Array): Item[] {
  let decoded: Item;
  try {
    decoded = RLP.decode(bytes) as Item;
  } catch (error) {
    throw new Refused('Malformed', `transaction: ${messageOf(error)}`);
  }
  if (Array.isArray(decoded)) return decoded;
  throw new Refused('Malformed', 'transaction: want a list of fields in RLP, got bytes');
}
