import { SigHash, Transaction } from '@scure/btc-signer';
import { PSBTGlobal, PSBTInput, PSBTOutput } from '@scure/btc-signer/psbt.js';
import { CompactSizeLen, RawOldTx, RawTx } from '@scure/btc-signer/script.js';
import * as P from 'micro-packed';
import { concat, equal, hex, sha256, utf8 } from '../../common/bytes.ts';
import { messageOf, Refused } from '../../common/errors.ts';
import { formatAmount } from '../amount.ts';
import type { Decoded, Effect, Payload, PublicKey } from '../effect.ts';
import { lockText } from './bitcoin-locks.ts';
import { addressOf } from './bitcoin-script.ts';
import type { SpentInput } from './bitcoin-sighash.ts';
import { spendingOf } from './bitcoin-spending.ts';
import type { Spending } from './bitcoin-spending.ts';
import { bitcoinNetworks } from './networks.ts';
import type { BitcoinNetwork } from './networks.ts';

const mostInputs = 64;
const mostOutputs = 64;
const mostSatoshis = 2_100_000_000_000_000n;

// What an input may say, whatever spends it. All but the outpoint, sequence, hash type and previous output are claims that
// nobody needs.
const inputFields: ReadonlySet<string> = new Set([
  ...['txid', 'index', 'sequence', 'requiredTimeLocktime', 'requiredHeightLocktime', 'sighashType'],
  ...['witnessUtxo', 'nonWitnessUtxo'],
]);
const signedFields: ReadonlySet<string> = new Set([
  ...['partialSig', 'finalScriptSig', 'finalScriptWitness', 'tapKeySig', 'tapScriptSig'],
]);
const globalFields: ReadonlySet<string> = new Set([
  ...['unsignedTx', 'version', 'xpub'],
  ...['txVersion', 'fallbackLocktime', 'inputCount', 'outputCount', 'txModifiable'],
]);
const outputFields: ReadonlySet<string> = new Set([
  ...['amount', 'script', 'redeemScript', 'witnessScript', 'bip32Derivation'],
  ...['tapInternalKey', 'tapTree', 'tapBip32Derivation'],
]);

/**
 * Reads a PSBT, version 0 or 2, that spends outputs of `key` and nothing else. Nothing in a transaction says for which
 * network it is: the chain decides how addresses are written, not where it is valid.
 */
export function decodePsbt({ chain, data }: Payload, key: PublicKey): Decoded {
  const network = bitcoinNetworks.get(chain);
  if (network === undefined) throw new Refused('Unsupported', `chain ${chain} is not in this version`);
  const spending = spendingOf(key);
  const { script: own, by } = spending;
  const { psbt, maps } = parse(data, spending);
  // The library reads a version 0 that is written out like one that is not.
  const global = new Set(fieldsOf(maps[0], PSBTGlobal));
  if (global.has('unsignedTx') && global.has('version')) throw notCanonical();
  checkFields(maps[0], PSBTGlobal, globalFields, 'PSBT', by);
  const { unsignedTx } = psbt;
  const unsigned = RawOldTx.decode(unsignedTx);
  checkShape(unsigned);
  if (maps.length !== 1 + unsigned.inputs.length + unsigned.outputs.length) throw notCanonical();
  const inputs = unsigned.inputs.map((_, i) => readInput(psbt, maps, i, { spending, network }));
  const effects = unsigned.outputs.map(({ amount, script }, i): Effect => {
    checkFields(maps[1 + inputs.length + i], PSBTOutput, outputFields, `output ${i}`, by);
    return { ...effectOf(script, amount, { chain, network, own, at: `output ${i}` }, lockText(unsigned)), chain };
  });
  const spent = sum(inputs.map(({ amount }) => amount));
  const paid = sum(unsigned.outputs.map(({ amount }) => amount));
  if (spent > mostSatoshis || paid > spent)
    throw new Refused('Malformed', `PSBT: spends ${btc(spent)} and pays ${btc(paid)}, which no transaction can`);
  return {
    effects,
    fees: [{ chain, asset: `${chain}/slip44:0`, amount: spent - paid }],
    messages: spending.sighashes(unsignedTx, inputs),
    finish: (signatures) => {
      const { signatureBytes } = spending;
      if (signatures.length !== inputs.length || signatures.some(({ length }) => length !== signatureBytes))
        throw new Error(`PSBT: want ${inputs.length} signatures of ${signatureBytes} bytes, one an input`);
      const witnesses = inputs.map(({ sighash }, i) => spending.witness(signatures[i] ?? new Uint8Array(), sighash));
      return {
        transaction: RawTx.encode({ ...unsigned, segwitFlag: true, witnesses }),
        id: hex(sha256(sha256(unsignedTx)).reverse()),
      };
    },
  };
}

// BIP-174: maps of pairs of a key, whose first byte is its type, and a value; a key of no bytes ends a map.
const rawPsbt = P.struct({
  magic: P.magicBytes(concat(utf8('psbt'), Uint8Array.of(0xff))),
  maps: P.array(null, P.array(P.NULL, P.tuple([P.bytes(CompactSizeLen), P.bytes(CompactSizeLen)]))),
});
type RawMap = ReturnType<typeof rawPsbt.decode>['maps'][number];

/**
 * The PSBT of bytes that are its only encoding, and its maps as they are written. Each value has one encoding that the
 * library reads, so that what is left to compare is the order of keys: writing it all again to compare the bytes would cost
 * as much as reading it, points on the curve among it.
 */
function parse(
  data: Uint8Array,
  { mostBytes, needsPrevious }: Spending,
): { readonly psbt: Transaction; readonly maps: readonly RawMap[] } {
  if (data.length > mostBytes)
    throw new Refused(
      'Malformed',
      `PSBT: want at most ${mostBytes} bytes, got ${data.length}${needsPrevious ? '' : ': taproot inputs need no previous transactions'}`,
    );
  try {
    const psbt = Transaction.fromPSBT(Uint8Array.from(data), {
      unknown: 'strict',
      proprietary: 'strict',
      allowMissingTxModifiable: false,
      // Scripts are compared here with the one that the key's own is; what the PSBT says of them does not matter.
      disableScriptCheck: true,
    });
    const { maps } = rawPsbt.decode(data);
    if (maps.every((map) => ascending(map.map(([key = new Uint8Array()]) => key)))) return { psbt, maps };
  } catch (error) {
    throw new Refused('Malformed', `PSBT: ${messageOf(error).slice(0, 300)}`);
  }
  throw notCanonical();
}

const ascending = (keys: readonly Uint8Array[]): boolean =>
  keys.every((key, i) => i === 0 || Buffer.compare(keys[i - 1] ?? key, key) < 0);

const notCanonical = (): Refused =>
  new Refused('Malformed', 'PSBT: want its fields by ascending type, each in its shortest form');

function checkShape({ version, inputs, outputs }: ReturnType<typeof RawOldTx.decode>): void {
  if (version < 1 || version > 3)
    throw new Refused('Unsupported', `PSBT: want transaction version 1 to 3, got ${version}`);
  if (inputs.length === 0 || outputs.length === 0)
    throw new Refused('Malformed', `PSBT: has ${inputs.length} inputs and ${outputs.length} outputs`);
  if (inputs.length > mostInputs || outputs.length > mostOutputs)
    throw new Refused(
      'Unsupported',
      `PSBT: want at most ${mostInputs} inputs and ${mostOutputs} outputs, got ${inputs.length} and ${outputs.length}`,
    );
  if (new Set(inputs.map(({ txid, index }) => `${hex(txid)}:${index}`)).size < inputs.length)
    throw new Refused('Malformed', 'PSBT: spends one output twice');
}

/** Amount and hash type of input `i`, which must be unsigned and spend an output of the key. */
function readInput(
  psbt: Transaction,
  maps: readonly RawMap[],
  i: number,
  { spending, network }: { readonly spending: Spending; readonly network: BitcoinNetwork },
): SpentInput {
  const { script: own, hashTypes } = spending;
  const at = `input ${i}`;
  const input = psbt.getInput(i);
  const map = maps[1 + i];
  if (fieldsOf(map, PSBTInput).some((field) => signedFields.has(field)))
    throw new Refused('Malformed', `${at}: is signed already: send the PSBT without signatures`);
  const { witnessUtxo, nonWitnessUtxo, sighashType = hashTypes[0] } = input;
  if (witnessUtxo === undefined) throw new Refused('Malformed', `${at}: want its previous output in witnessUtxo`);
  if (!equal(witnessUtxo.script, own))
    throw new Refused(
      'Malformed',
      `${at}: spends an output of ${holderOf(witnessUtxo.script, network)}, not of this key's own ${holderOf(own, network)}`,
    );
  checkFields(map, PSBTInput, new Set([...inputFields, ...spending.fields]), at, spending.by);
  if (witnessUtxo.amount === 0n || witnessUtxo.amount > mostSatoshis)
    throw new Refused('Malformed', `${at}: spends ${btc(witnessUtxo.amount)}, which no output holds`);
  // Where there is one, the library has compared its id with the outpoint and its output with witnessUtxo.
  if (spending.needsPrevious && nonWitnessUtxo === undefined)
    throw new Refused(
      'Malformed',
      `${at}: want the transaction that it spends in nonWitnessUtxo, which proves its amount`,
    );
  const sighash = hashTypes.find((type) => type === sighashType);
  if (sighash === undefined)
    throw new Refused(
      'Unsupported',
      `${at}: want hash type ${hashTypes.map((type) => (type === SigHash.ALL ? 'ALL' : 'DEFAULT')).join(' or ')}, got ${sighashType}`,
    );
  return { amount: witnessUtxo.amount, sighash };
}

/** Whose outputs of `script` are, as people know them. */
const holderOf = (script: Uint8Array, network: BitcoinNetwork): string =>
  addressOf(script, network)?.address ?? `script ${hex(script).slice(0, 80)}`;

type Table = typeof PSBTGlobal | typeof PSBTInput | typeof PSBTOutput;
const names = new Map(
  [PSBTGlobal, PSBTInput, PSBTOutput].map((table: Table) => [
    table,
    new Map(Object.entries(table).map(([name, [type]]) => [type, name])),
  ]),
);

/** Names of the fields of `map` as they are written: the library leaves out some that are empty. */
const fieldsOf = (map: RawMap = [], table: Table): string[] =>
  map.map(([key]) => names.get(table)?.get(key?.[0] ?? -1) ?? 'unknown');

function checkFields(map: RawMap | undefined, table: Table, known: ReadonlySet<string>, at: string, by: string): void {
  const other = fieldsOf(map, table).find((field) => !known.has(field));
  if (other !== undefined) throw new Refused('Unsupported', `${at}: has ${other}, which ${by} does not need`);
}

type Place = {
  readonly chain: string;
  readonly network: BitcoinNetwork;
  readonly own: Uint8Array;
  readonly at: string;
};

function effectOf(
  script: Uint8Array,
  amount: bigint,
  { chain, network, own, at }: Place,
  locks: string,
): Omit<Effect, 'chain'> {
  if (amount > mostSatoshis) throw new Refused('Malformed', `${at}: pays ${btc(amount)}, more than there will ever be`);
  const asset = `${chain}/slip44:0`;
  const addressed = addressOf(script, network);
  if (addressed === undefined)
    return { kind: 'Call', asset, amount, text: `pays ${btc(amount)} to ${scriptText(script)}${locks}` };
  const { address, dust } = addressed;
  if (amount < dust)
    throw new Refused('Malformed', `${at}: pays ${amount} satoshis to ${address}: below ${dust} nobody relays it`);
  const destination = `${chain}:${address}`;
  return equal(script, own)
    ? { kind: 'Transfer', asset, amount, destination, change: true, text: `keeps ${btc(amount)} as change${locks}` }
    : { kind: 'Transfer', asset, amount, destination, text: `sends ${btc(amount)} to ${address}${locks}` };
}

const opReturn = 0x6a;

function scriptText(script: Uint8Array): string {
  const bytes = script.length > 256 ? `${hex(script.subarray(0, 256))}... (${script.length} bytes)` : hex(script);
  return script[0] === opReturn
    ? `nobody and writes the data of OP_RETURN script ${bytes}`
    : `a script that has no address, ${bytes}`;
}

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n);
const btc = (satoshis: bigint): string => `${formatAmount(satoshis, 8)} BTC`;
