import { randomBytes } from 'node:crypto';
import { hex as toHex } from '../../common/bytes.ts';
import { Transaction, p2tr } from '@scure/btc-signer';
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
