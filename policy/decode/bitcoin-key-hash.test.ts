import { secp256k1 } from '@noble/curves/secp256k1.js';
import { Transaction } from '@scure/btc-signer';
import { RawTx } from '@scure/btc-signer/script.js';
import { hash160 } from '@scure/btc-signer/utils.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, hex } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import { verifyEcdsa } from '../../statement/secp256k1.ts';
import vector from '../../test/vectors/bip143/p2wpkh.json' with { type: 'json' };
import { keyHashAddress, taprootAddress } from '../address.ts';
import { keyHashScript } from './bitcoin-script.ts';
import { keyHashSighashes } from './bitcoin-sighash.ts';
import { decodePsbtBy, paidTo, scriptOf, spendingByHash } from './testing/bitcoin-key-hash.ts';
import { decodePsbtFor, mainnet, ours as taproot, pay, simple, spending } from './testing/bitcoin.ts';
import { ecdsaKey, ours, signHash } from './testing/ethereum.ts';
import { refusal } from './testing/refusal.ts';

const other = ecdsaKey('other');
const own = scriptOf(ours);
const theirs = pay(60_000n, scriptOf(other));
const asset = `${mainnet}/slip44:0`;
type Options = Parameters<typeof spendingByHash>[3];
const psbt = (options: Options = {}, amounts = [100_000n], outputs = [theirs]): Uint8Array =>
  spendingByHash(ours, amounts, outputs, options).toPSBT();

describe('P2WPKH', () => {
  test('is signed over the sighash of BIP-143, whose signature verifies', () => {
    const keyHash = hash160(fromHex(vector.publicKey));
    expect(hex(keyHashScript(keyHash))).toBe(vector.scriptPubKey);
    const amounts = [0, vector.amountSats].map((sats) => ({ amount: BigInt(sats) }));
    const sighash = keyHashSighashes(fromHex(vector.unsigned), keyHash, amounts)[vector.input];
    expect(hex(sighash ?? keyHash)).toBe(vector.sigHash);
    const signature = secp256k1.Signature.fromBytes(fromHex(vector.signature).slice(0, -1), 'der').toBytes();
    const ids = [0, 1].map((id) => concat(signature, Uint8Array.of(id)));
    expect(ids.filter((each) => verifyEcdsa(fromHex(vector.publicKey), sighash ?? keyHash, each))).toHaveLength(1);
  });

  test.each(vector.addresses)('has the address of BIP-84 and BIP-173: $address', ({ publicKey, address }) => {
    expect(keyHashAddress(fromHex(publicKey))).toBe(address);
  });
});

describe('a PSBT of an ECDSA key', () => {
  test.each([0, 2])('of version %i is read as what it pays, keeps and costs', (PSBTVersion) => {
    const decoded = decodePsbtBy(ours, psbt({ PSBTVersion }, [100_000n, 100_000n], [theirs, pay(139_000n, own)]));
    expect(decoded.effects).toEqual([
      {
        kind: 'Transfer',
        chain: mainnet,
        asset,
        amount: 60_000n,
        destination: `${mainnet}:${keyHashAddress(other.publicKey)}`,
        text: `sends 0.0006 BTC to ${keyHashAddress(other.publicKey)}`,
      },
      {
        kind: 'Transfer',
        chain: mainnet,
        asset,
        amount: 139_000n,
        destination: `${mainnet}:${keyHashAddress(ours.publicKey)}`,
        change: true,
        text: 'keeps 0.00139 BTC as change',
      },
    ]);
    expect(decoded.fees).toEqual([{ chain: mainnet, asset, amount: 1_000n }]);
  });

  test('is signed and finished as the library itself does, whatever it spends and pays', () => {
    const shape = fc.record({
      amounts: fc.array(fc.bigInt(1_000n, 1_000_000_000n), { minLength: 1, maxLength: 4 }),
      parts: fc.integer({ min: 1, max: 3 }),
      sighashType: fc.constantFrom(undefined, 1),
      sequence: fc.constantFrom(0xffffffff, 0xfffffffd, 0, 144),
      lockTime: fc.constantFrom(0, 1, 800_000, 1_800_000_000),
      PSBTVersion: fc.constantFrom(0, 2),
      version: fc.constantFrom(1, 2, 3),
    });
    fc.assert(
      fc.property(shape, ({ amounts, parts, sighashType, sequence, ...options }) => {
        const total = amounts.reduce((sum, one) => sum + one, 0n);
        const outputs = Array.from({ length: parts }, () => pay((total - 10n) / BigInt(parts), scriptOf(other)));
        fc.pre(outputs.every((output) => output.amount >= 330n));
        const input = { sequence, ...(sighashType !== undefined && { sighashType }) };
        const transaction = spendingByHash(ours, amounts, outputs, { ...options, input });
        const decoded = decodePsbtBy(ours, transaction.toPSBT());
        // BIP-143's script code is the P2PKH script of the key.
        const code = concat(fromHex('76a914'), hash160(ours.publicKey), fromHex('88ac'));
        expect(decoded.messages).toEqual(amounts.map((amount, i) => transaction.preimageWitnessV0(i, code, 1, amount)));
        const finished = decoded.finish?.(decoded.messages.map((message) => signHash(message)));
        transaction.sign(ours.secret, [1]);
        transaction.finalize();
        expect(hex(finished?.transaction ?? code)).toBe(hex(transaction.extract()));
        expect(finished?.id).toBe(transaction.id);
      }),
      { numRuns: 15 },
    );
  });

  test('has of each input the sighash that the library makes, also of as many as there may be', () => {
    const amounts = Array.from({ length: 64 }, (_, i) => 100_000n + BigInt(i));
    const outputs = Array.from({ length: 64 }, (_, i) => pay(1_000n + BigInt(i), i % 2 === 0 ? own : taproot.script));
    const transaction = spendingByHash(ours, amounts, outputs, { input: { sequence: 7 }, lockTime: 5 });
    const code = concat(fromHex('76a914'), hash160(ours.publicKey), fromHex('88ac'));
    expect(decodePsbtBy(ours, transaction.toPSBT()).messages).toEqual(
      amounts.map((amount, i) => transaction.preimageWitnessV0(i, code, 1, amount)),
    );
  });

  test('may say of its keys what it likes: only scripts count', () => {
    const input: Options = {
      input: { bip32Derivation: [[other.publicKey, { fingerprint: 1, path: [0] }]] },
    };
    expect(decodePsbtBy(ours, psbt(input)).messages).toEqual(decodePsbtBy(ours, psbt()).messages);
  });

  test.each([
    ['none', []],
    ['two', [new Uint8Array(65), new Uint8Array(65)]],
    ['one without its recovery id', [new Uint8Array(64)]],
  ])('is not finished by %s', (_, signatures) => {
    expect(() => decodePsbtBy(ours, psbt()).finish?.(signatures)).toThrow('want 1 signatures of 65 bytes');
  });
});

describe('a PSBT of an ECDSA key is refused', () => {
  const claiming = (amount: bigint): Uint8Array => {
    // The library would not write it: the amount in witnessUtxo follows its type and length.
    const data = Buffer.from(psbt());
    data.writeBigUInt64LE(amount, data.indexOf('01011f', 'hex') + 3);
    return Uint8Array.from(data);
  };
  const otherThanSpent = (): Uint8Array => {
    const data = psbt();
    // Ids are written backwards.
    const at = Buffer.from(data).indexOf(Buffer.from(paidTo(ours, [100_000n]).txid, 'hex').reverse());
    return data.with(at, (data[at] ?? 0) ^ 1);
  };
  const only = (field: 'witnessUtxo' | 'nonWitnessUtxo'): Uint8Array => {
    const transaction = spendingByHash(ours, [], [theirs]);
    const { txid, raw } = paidTo(ours, [100_000n]);
    const previous = { witnessUtxo: { script: own, amount: 100_000n }, nonWitnessUtxo: raw };
    transaction.addInput({ txid, index: 0, [field]: previous[field] });
    return transaction.toPSBT();
  };
  const signed = (): Uint8Array => {
    const transaction = spendingByHash(ours, [100_000n], [theirs]);
    transaction.sign(ours.secret, [1]);
    return transaction.toPSBT();
  };
  test.each<[string, () => Uint8Array, string, string]>([
    ['without what it spends', () => only('witnessUtxo'), 'Malformed', 'in nonWitnessUtxo, which proves'],
    ['without the output of it', () => only('nonWitnessUtxo'), 'Malformed', 'in witnessUtxo'],
    ['with another transaction than it spends', otherThanSpent, 'Malformed', 'wrong txid'],
    ['with another amount', () => claiming(1_000_000n), 'Malformed', 'witnessUtxo different from nonWitnessUtxo'],
    ['that is signed', signed, 'Malformed', 'input 0: is signed already'],
    [
      "that spends another's output",
      () => spendingByHash(other, [100_000n], [theirs]).toPSBT(),
      'Malformed',
      `input 0: spends an output of ${keyHashAddress(other.publicKey)}, not of this key's own ${keyHashAddress(ours.publicKey)}`,
    ],
    [
      'that spends an output by taproot',
      () => simple(),
      'Malformed',
      `spends an output of ${taprootAddress(taproot.output)}, not of this key's own ${keyHashAddress(ours.publicKey)}`,
    ],
    [
      'with a field of taproot',
      () => psbt({ input: { tapInternalKey: taproot.internal } }),
      'Unsupported',
      'has tapInternalKey, which a P2WPKH output does not need',
    ],
    ['with a script', () => psbt({ input: { redeemScript: own } }), 'Unsupported', 'input 0: has redeemScript'],
    ['larger than a request', () => concat(psbt(), new Uint8Array(262_144)), 'Malformed', 'want at most 262144 bytes'],
    ...[0, 2, 3, 0x80, 0x81, 0x82, 0x83, 4].map((sighashType): [string, () => Uint8Array, string, string] => [
      `of hash type ${sighashType}`,
      () => psbt({ input: { sighashType } }),
      'Unsupported',
      `want hash type ALL, got ${sighashType}`,
    ]),
  ])('%s', (_, make, reason, words) => {
    const data = make();
    const refused = refusal(() => decodePsbtBy(ours, data));
    expect(refused.message).toContain(words);
    expect(refused.reason).toBe(reason);
  });

  test('by a taproot key', () => {
    expect(refusal(() => decodePsbtFor(taproot, psbt())).message).toContain(
      `not of this key's own ${taprootAddress(taproot.output)}`,
    );
    const { txid, raw } = paidTo(ours, [100_000n]);
    const mixed = spending(taproot, [100_000n], [pay(90_000n)]);
    mixed.addInput({ txid, index: 0, witnessUtxo: { script: own, amount: 100_000n }, nonWitnessUtxo: raw });
    expect(refusal(() => decodePsbtFor(taproot, mixed.toPSBT())).message).toContain(
      'input 1: spends an output of bc1q',
    );
    expect(refusal(() => decodePsbtBy(ours, mixed.toPSBT())).message).toContain('input 0: spends an output of bc1p');
  });

  test('damaged anywhere, or is another PSBT that says what it does', () => {
    const base = psbt({}, [100_000n, 50_000n], [theirs, pay(80_000n, own)]);
    const damage = fc.tuple(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat(900));
    fc.assert(
      fc.property(damage, ([changes, cut]) => {
        const damaged = Uint8Array.from(cut < base.length ? base : base.subarray(0, cut - base.length));
        for (const [at, byte] of changes) if (damaged.length > 0) damaged[at % damaged.length] = byte;
        let decoded;
        try {
          decoded = decodePsbtBy(ours, damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
          return;
        }
        const read = Transaction.fromPSBT(damaged, { allowMissingTxModifiable: false, disableScriptCheck: true });
        expect(read.toPSBT()).toEqual(damaged);
        const signatures = decoded.messages.map((message) => signHash(message));
        const finished = RawTx.decode(decoded.finish?.(signatures).transaction ?? damaged);
        expect(decoded.effects.map(({ amount }) => amount)).toEqual(finished.outputs.map(({ amount }) => amount));
        expect(decoded.messages).toHaveLength(finished.inputs.length);
      }),
      { numRuns: 100 },
    );
  });
});
