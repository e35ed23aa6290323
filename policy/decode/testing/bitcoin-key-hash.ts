import { Transaction } from '@scure/btc-signer';
import { RawOldTx } from '@scure/btc-signer/script.js';
import { hash160 } from '@scure/btc-signer/utils.js';
import type { Decoded } from '../../effect.ts';
import { keyHashScript } from '../bitcoin-script.ts';
import { decode } from '../decode.ts';
import { mainnet } from './bitcoin.ts';
import type { EcdsaKey } from './ethereum.ts';

type Input = NonNullable<Parameters<Transaction['addInput']>[0]>;
type Output = { readonly script: Uint8Array; readonly amount: bigint };

export const scriptOf = ({ publicKey }: EcdsaKey): Uint8Array => keyHashScript(hash160(publicKey));

/** A transaction that somebody paid `key` with, an output of each amount: its id and its bytes. */
export function paidTo(key: EcdsaKey, amounts: readonly bigint[]): { readonly txid: string; readonly raw: Uint8Array } {
  const raw = RawOldTx.encode({
    version: 2,
    lockTime: 0,
    inputs: [{ txid: new Uint8Array(32).fill(7), index: 0, finalScriptSig: new Uint8Array(), sequence: 0 }],
    outputs: amounts.map((amount) => ({ amount, script: scriptOf(key) })),
  });
  return { txid: Transaction.fromRaw(raw, { allowUnknownOutputs: true }).id, raw };
}

/** An unsigned transaction that spends P2WPKH outputs of `key`, one of each amount, to `outputs`. */
export function spendingByHash(
  key: EcdsaKey,
  amounts: readonly bigint[],
  outputs: readonly Output[],
  { input = {}, ...options }: ConstructorParameters<typeof Transaction>[0] & { input?: Input } = {},
): Transaction {
  const transaction = new Transaction({ allowUnknownOutputs: true, disableScriptCheck: true, ...options });
  const { txid, raw } = paidTo(key, amounts);
  for (const [index, amount] of amounts.entries())
    transaction.addInput({
      txid,
      index,
      witnessUtxo: { script: scriptOf(key), amount },
      nonWitnessUtxo: raw,
      ...input,
    });
  for (const output of outputs) transaction.addOutput(output);
  return transaction;
}

export const decodePsbtBy = ({ publicKey }: EcdsaKey, data: Uint8Array, chain = mainnet): Decoded =>
  decode({ chain, format: 'PSBT', data }, { scheme: 'ECDSA', bytes: publicKey });
