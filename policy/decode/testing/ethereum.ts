import { secp256k1 } from '@noble/curves/secp256k1.js';
import { Interface, SigningKey, Transaction } from 'ethers';
import type { TransactionLike } from 'ethers';
import { concat, fromHex, hex, sha256, utf8 } from '../../../common/bytes.ts';
import type { Decoded } from '../../effect.ts';
import { decode } from '../decode.ts';
import { refusal } from './refusal.ts';

export const ethereum = 'eip155:1';
export const eth = `${ethereum}/slip44:60`;
export const usdc = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48';

/** A secp256k1 key made from its name. */
export function ecdsaKey(name: string) {
  const secret = sha256(utf8(name));
  return { secret, publicKey: secp256k1.getPublicKey(secret), ethers: new SigningKey(secret) };
}

export type EcdsaKey = ReturnType<typeof ecdsaKey>;
export const ours = ecdsaKey('ours');

/** r, s and recovery id over a hash of 32 bytes, as a quorum of holders would make them. */
export function signHash(hash: Uint8Array, { secret }: EcdsaKey = ours): Uint8Array {
  const [recoveryId = 0, ...scalars] = secp256k1.sign(hash, secret, { prehash: false, format: 'recovered' });
  return concat(Uint8Array.from(scalars), Uint8Array.of(recoveryId));
}

export const payroll = '0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb';
const tokens = new Interface(['function transfer(address,uint256)', 'function approve(address,uint256)']);
export const tokenData = (name: 'transfer' | 'approve', account: string, amount: bigint): string =>
  tokens.encodeFunctionData(name, [account, amount]);

/** A transaction of EIP-1559 as ethers reads it: of 1 ETH to payroll, but for `change`. */
export const transaction = (change: TransactionLike = {}): Transaction =>
  Transaction.from({
    type: 2,
    chainId: 1,
    nonce: 7,
    maxPriorityFeePerGas: 1_000_000_000n,
    maxFeePerGas: 30_000_000_000n,
    gasLimit: 21_000n,
    to: payroll,
    value: 10n ** 18n,
    ...change,
  });

/** The same as a legacy one with EIP-155's chain id. */
export const legacy = (change: TransactionLike = {}): Transaction =>
  Transaction.from({
    type: 0,
    chainId: 1,
    nonce: 7,
    gasPrice: 20_000_000_000n,
    gasLimit: 21_000n,
    to: payroll,
    value: 10n ** 18n,
    ...change,
  });

export const bytesOf = (text: string): Uint8Array => fromHex(text.slice(2).toLowerCase());
export const unsigned = (made: Transaction): Uint8Array => bytesOf(made.unsignedSerialized);
export const hexOf = (bytes: Uint8Array): string => `0x${hex(bytes)}`;

export const decodeFor = (data: Uint8Array, chain = ethereum, key: Uint8Array = ours.publicKey): Decoded =>
  decode({ chain, format: 'Transaction', data }, { scheme: 'ECDSA', bytes: key });

/** What {@link transaction} changed so is refused for. */
export const refused = (change: TransactionLike): { reason: string; message: string } =>
  refusal(() => decodeFor(unsigned(transaction(change))));
