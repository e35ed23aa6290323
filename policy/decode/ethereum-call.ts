import { keccak_256 } from '@noble/hashes/sha3.js';
import { hex } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import { formatAmount } from '../amount.ts';
import type { NativeAsset } from '../caip.ts';
import type { Effect } from '../effect.ts';
import { checksummed } from './ethereum-address.ts';

/** What a transaction asks of the chain. */
export type EthereumCall = {
  /** CAIP-2, and what its coin is. */
  readonly chain: string;
  readonly native: NativeAsset;
  /** 20 bytes, or none to deploy a contract. */
  readonly to: Uint8Array;
  /** In wei. */
  readonly value: bigint;
  readonly data: Uint8Array;
};

/**
 * What a call does: its value moves to where it is sent, and its data is a function of a token that is understood, or
 * else a Call of its own, beside whatever value it moves. Where a key has code of its own (EIP-7702) what others make
 * that do is not seen here; the key signs no such thing.
 */
export function callEffects(call: EthereumCall): readonly Effect[] {
  const { chain, native, to, value, data } = call;
  if (to.length === 0) return [deployed(call)];
  const address = checksummed(to);
  refuseNobody(to, 'to');
  const token = tokenFunctions.get(hex(data.subarray(0, 4)));
  if (token !== undefined) return [tokenEffect(call, token)];
  const moved: Effect = {
    kind: 'Transfer',
    chain,
    asset: native.id,
    amount: value,
    destination: `${chain}:${address}`,
    text: `sends ${units(value, native)} to ${address}`,
  };
  if (data.length === 0) return [moved];
  const called: Effect = {
    kind: 'Call',
    chain,
    destination: `${chain}:${address}`,
    text: `calls ${data.length < 4 ? '' : `function 0x${hex(data.subarray(0, 4))} of `}${address} with ${dataText(data)}`,
  };
  return value === 0n ? [called] : [moved, called];
}

function deployed({ chain, native, value, data }: EthereumCall): Effect {
  if (value > 0n)
    throw new Refused('Unsupported', `transaction: gives ${units(value, native)} to a contract that it deploys`);
  if (data.length === 0) throw new Refused('Malformed', 'transaction: goes nowhere and deploys nothing');
  return { kind: 'Deploy', chain, text: `deploys a contract with ${dataText(data)}` };
}

const units = (wei: bigint, { decimals, symbol }: NativeAsset): string => `${formatAmount(wei, decimals)} ${symbol}`;

function dataText(data: Uint8Array): string {
  if (data.length <= 256) return `data 0x${hex(data)}`;
  return `data 0x${hex(data.subarray(0, 256))}... (${data.length} bytes, keccak256 0x${hex(keccak_256(data))})`;
}

/** Functions of a token (ERC-20) that take an address and an amount, by selector. */
const tokenFunctions: ReadonlyMap<string, 'transfer' | 'approve'> = new Map([
  ['a9059cbb', 'transfer'],
  ['095ea7b3', 'approve'],
]);
const mostUint256 = 2n ** 256n - 1n;

/** The two words after the selector: 12 zeros and an address, an amount (Solidity's ABI specification, strict mode). */
function tokenEffect({ chain, native, to, value, data }: EthereumCall, name: 'transfer' | 'approve'): Effect {
  if (data.length !== 68)
    throw new Refused('Malformed', `${name}: want a selector and two words, 68 bytes of data, got ${data.length}`);
  if (data.subarray(4, 16).some((byte) => byte !== 0))
    throw new Refused('Malformed', `${name}: want 12 zeros before the address, got 0x${hex(data.subarray(4, 16))}`);
  // The functions take no value: what came with it would be lost or the call would fail.
  if (value > 0n)
    throw new Refused('Malformed', `${name}: sends ${units(value, native)} along, which a token does not take`);
  const account = data.subarray(16, 36);
  refuseNobody(account, name);
  const [token, other] = [checksummed(to), checksummed(account)];
  const amount = BigInt(`0x${hex(data.subarray(36))}`);
  const moved = { chain, asset: `${chain}/erc20:${token}`, amount, destination: `${chain}:${other}` } as const;
  if (name === 'approve') {
    const most = amount === mostUint256 ? 'any amount' : `${amount} base units`;
    return { kind: 'Approve', ...moved, text: `lets ${other} move ${most} of token ${token}` };
  }
  if (other === token)
    throw new Refused('Malformed', `transfer: sends the token to its own contract ${token}, where it is lost`);
  return { kind: 'Transfer', ...moved, text: `sends ${amount} base units of token ${token} to ${other}` };
}

function refuseNobody(address: Uint8Array, title: string): void {
  if (address.every((byte) => byte === 0))
    throw new Refused('Malformed', `${title}: the zero address is nobody's: what goes there is lost`);
}
