import { randomBytes } from 'node:crypto';
import { concat, hex as toHex } from '../../common/bytes.ts';
import { Transaction, p2tr } from '@scure/btc-signer';
import { RLP } from 'micro-eth-signer/core/rlp.js';
import { getTransferSolInstruction } from '@solana-program/system';
import {
  address,
  appendTransactionMessageInstruction,
  blockhash,
  compileTransaction,
  createNoopSigner,
  createTransactionMessage,
  getBase58Decoder,
  getTransactionEncoder,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit';

/*
 * Payments as a service would build them, with the chains' own libraries. No network is asked: the blockhash and the
 * coins that are spent are made up, all else is what a network would take.
 */

/** A SOL transfer of `lamports`, unsigned, as wire bytes. */
export function solanaTransfer(from: string, to: string, lamports: bigint): Uint8Array {
  const recent = blockhash(getBase58Decoder().decode(randomBytes(32)));
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayer(address(from), m),
    (m) => setTransactionMessageLifetimeUsingBlockhash({ blockhash: recent, lastValidBlockHeight: 0n }, m),
    (m) =>
      appendTransactionMessageInstruction(
        getTransferSolInstruction({
          source: createNoopSigner(address(from)),
          destination: address(to),
          amount: lamports,
        }),
        m,
      ),
  );
  return Uint8Array.from(getTransactionEncoder().encode(compileTransaction(message)));
}

/** An EIP-1559 transaction on the main network that sends `wei`, unsigned; with `data` it calls `to`. */
export function ethereumTransaction({ to, wei = 0n, data = '' }: EthereumPayment): Uint8Array {
  const [nonce, priorityFee, fee, gas] = [0n, 1_000_000_000n, 30_000_000_000n, data === '' ? 21_000n : 65_000n];
  return concat(Uint8Array.of(2), RLP.encode([1n, nonce, priorityFee, fee, gas, to, wei, `0x${data}`, []]));
}

type EthereumPayment = { readonly to: string; readonly wei?: bigint; readonly data?: string };

/** A transfer of an ERC-20 token: its contract is called. Amounts in the token's smallest unit. */
export const tokenTransfer = (token: string, to: string, amount: bigint): Uint8Array =>
  ethereumTransaction({
    to: token,
    data: `a9059cbb${to.slice(2).toLowerCase().padStart(64, '0')}${amount.toString(16).padStart(64, '0')}`,
  });

/** A PSBT that spends two coins of the taproot key `internalKey` and returns what is left to it. Amounts in satoshi. */
export function bitcoinPayment(options: {
  /** x-only: the key before the taproot tweak. */
  readonly internalKey: Uint8Array;
  readonly to: string;
  readonly amount: bigint;
  readonly fee: bigint;
}): Uint8Array {
  const { internalKey, to, amount, fee } = options;
  const own = p2tr(internalKey);
  const coins = [amount / 2n + fee, amount];
  const transaction = new Transaction();
  for (const coin of coins)
    transaction.addInput({
      txid: toHex(randomBytes(32)),
      index: 0,
      witnessUtxo: { script: own.script, amount: coin },
      tapInternalKey: own.tapInternalKey,
    });
  transaction.addOutputAddress(to, amount);
  transaction.addOutput({ script: own.script, amount: coins.reduce((sum, coin) => sum + coin) - amount - fee });
  return transaction.toPSBT();
}
