import { randomBytes } from 'node:crypto';
import { NETWORK, p2tr, Transaction } from '@scure/btc-signer';
import { RLP } from 'micro-eth-signer/core/rlp.js';
import { concat } from '../../common/bytes.ts';

/** A Solana transfer of `lamports`, unsigned, as wire bytes: what a payments service sends most. */
export function solanaTransfer(from: Uint8Array, to: Uint8Array, lamports: bigint): Uint8Array {
  const systemProgram = new Uint8Array(32);
  const data = new Uint8Array(12);
  new DataView(data.buffer).setUint32(0, 2, true); // SystemInstruction::Transfer
  new DataView(data.buffer).setBigUint64(4, lamports, true);
  return concat(
    Uint8Array.of(1),
    new Uint8Array(64), // the signature to be
    Uint8Array.of(1, 0, 1), // one signer, none of them read-only, one read-only program
    Uint8Array.of(3),
    from,
    to,
    systemProgram,
    Uint8Array.from(randomBytes(32)), // recent blockhash
    Uint8Array.of(1, 2, 2, 0, 1, data.length),
    data,
  );
}

/**
 * Makes PSBTs that each spend another output of the wallet by its taproot key path; what remains is the fee. Only the first
 * is built, which takes milliseconds that are not what is measured; the others are it with another outpoint.
 */
export function bitcoinPayments(internalKey: Uint8Array, to: string, sats: bigint, fee: bigint): () => Uint8Array {
  const txid = new Uint8Array(32).fill(0xa5);
  const transaction = new Transaction();
  transaction.addInput({
    txid,
    index: 0,
    witnessUtxo: { script: p2tr(internalKey, undefined, NETWORK).script, amount: sats + fee },
    tapInternalKey: internalKey,
  });
  transaction.addOutputAddress(to, sats, NETWORK);
  const psbt = transaction.toPSBT();
  const at = Buffer.from(psbt).indexOf(txid);
  return () => {
    const another = Uint8Array.from(psbt);
    another.set(randomBytes(32), at);
    return another;
  };
}

/** An EIP-1559 transfer of `wei` on the main network, unsigned. Each has another nonce. */
export function ethereumTransfers(to: Uint8Array, wei: bigint): () => Uint8Array {
  const [priorityFee, fee, gas] = [1_000_000_000n, 30_000_000_000n, 21_000n];
  let nonce = 0n;
  return () =>
    concat(Uint8Array.of(2), RLP.encode([1n, nonce++, priorityFee, fee, gas, to, wei, new Uint8Array(), []]));
}

/** An address of nobody: its key is random. */
export const someBitcoinAddress = (): string => {
  // Any X of a point will do: half of all 32-byte strings are one.
  for (;;) {
    try {
      const { address } = p2tr(Uint8Array.from(randomBytes(32)), undefined, NETWORK);
      if (address !== undefined) return address;
    } catch {
      continue;
    }
  }
};
