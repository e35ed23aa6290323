import { createHash } from 'node:crypto';
import { p2tr, Transaction } from '@scure/btc-signer';
import { pubSchnorr } from '@scure/btc-signer/utils.js';
import { concat, hex } from '../../../common/bytes.ts';
import { decode } from '../decode.ts';
import { taprootScript } from '../bitcoin-script.ts';
import type { Decoded } from '../../effect.ts';

export const mainnet = 'bip122:000000000019d6689c085ae165831e93';

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(
    createHash('sha256')
      .update(concat(...parts))
      .digest(),
  );

/** A taproot key made from its name, without scripts: secret and public internal key, public output key, its script. */
export function taprootKey(name: string) {
  const secret = sha256(Buffer.from(name));
  const internal = pubSchnorr(secret);
  const { tweakedPubkey: output } = p2tr(internal);
  return { secret, internal, output, script: taprootScript(output) };
}

export type TaprootKey = ReturnType<typeof taprootKey>;
type Input = NonNullable<Parameters<Transaction['addInput']>[0]>;
type Output = { readonly script: Uint8Array; readonly amount: bigint };

/** An unsigned transaction that spends outputs of `key`, one of each amount, to `outputs`. */
export function spending(
  key: TaprootKey,
  amounts: readonly bigint[],
  outputs: readonly Output[],
  { input = {}, ...options }: ConstructorParameters<typeof Transaction>[0] & { input?: Input } = {},
): Transaction {
  const transaction = new Transaction({ allowUnknownOutputs: true, disableScriptCheck: true, ...options });
  for (const [index, amount] of amounts.entries())
    transaction.addInput({
      txid: hex(sha256(key.secret)),
      index,
      witnessUtxo: { script: key.script, amount },
      ...input,
    });
  for (const output of outputs) transaction.addOutput(output);
  return transaction;
}

export const ours = taprootKey('ours');
export const other = taprootKey('other');
export const pay = (amount: bigint, script: Uint8Array = other.script): Output => ({ script, amount });

/** A PSBT of {@link spending}; by {@link simple} one that pays 99000 satoshis of 100000. */
export const psbt = (...args: Parameters<typeof spending>): Uint8Array => spending(...args).toPSBT();
export const simple = (input: Input = {}, options: ConstructorParameters<typeof Transaction>[0] = {}): Uint8Array =>
  psbt(ours, [100_000n], [pay(99_000n)], { input, ...options });

export const decodePsbtFor = (key: TaprootKey, data: Uint8Array, chain = mainnet): Decoded =>
  decode({ chain, format: 'PSBT', data }, { scheme: 'Schnorr', bytes: key.output });

export type SighashTransaction = {
  readonly version: number;
  readonly lockTime: number;
  readonly inputs: readonly { readonly txid: Uint8Array; readonly index: number; readonly sequence: number }[];
  readonly outputs: readonly Output[];
};

const little = (value: bigint, bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const sized = (script: Uint8Array): Uint8Array => concat(Uint8Array.of(script.length), script);

/**
 * The sighash of BIP-341 for a key path and hash type 0 or 1, written from its section "Common signature message" as a
 * second opinion. Scripts of up to 252 bytes.
 */
export function bip341Sighash(
  { version, lockTime, inputs, outputs }: SighashTransaction,
  spent: readonly Output[],
  index: number,
  hashType: 0 | 1,
): Uint8Array {
  const tag = sha256(Buffer.from('TapSighash'));
  return sha256(
    tag,
    tag,
    Uint8Array.of(0, hashType),
    little(BigInt(version), 4),
    little(BigInt(lockTime), 4),
    sha256(...inputs.map((input) => concat(Uint8Array.from(input.txid).reverse(), little(BigInt(input.index), 4)))),
    sha256(...spent.map(({ amount }) => little(amount, 8))),
    sha256(...spent.map(({ script }) => sized(script))),
    sha256(...inputs.map(({ sequence }) => little(BigInt(sequence), 4))),
    sha256(...outputs.map(({ amount, script }) => concat(little(amount, 8), sized(script)))),
    Uint8Array.of(0),
    little(BigInt(index), 4),
  );
}
