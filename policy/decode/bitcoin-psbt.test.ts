import { schnorr } from '@noble/curves/secp256k1.js';
import { p2tr, Transaction } from '@scure/btc-signer';
import { RawOldTx, RawTx } from '@scure/btc-signer/script.js';
import { taprootTweakPrivKey } from '@scure/btc-signer/utils.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, hex } from '../../common/bytes.ts';
import vectors from '../../test/vectors/bip341/key-path-spending.json' with { type: 'json' };
import { bip341Sighash, decodePsbtFor, mainnet, other, ours, pay, psbt, simple, spending } from './testing/bitcoin.ts';
import { refusal } from './testing/refusal.ts';

const theirAddress = p2tr(other.internal).address;
const asset = `${mainnet}/slip44:0`;

/** Signatures by the output key over `messages`, as a quorum of holders would make them. */
const signAll = (messages: readonly Uint8Array[]): Uint8Array[] => {
  const secret = taprootTweakPrivKey(ours.secret);
  return messages.map((message) => schnorr.sign(message, secret, new Uint8Array(32)));
};

describe('the second opinion on sighashes', () => {
  const transaction = RawOldTx.decode(fromHex(vectors.rawUnsignedTx));
  const spent = vectors.utxosSpent.map((utxo) => ({
    script: fromHex(utxo.scriptPubKey),
    amount: BigInt(utxo.amountSats),
  }));

  test.each(vectors.inputSpending)('agrees with BIP-341 on input $txinIndex of hash type $hashType', (vector) => {
    const sighash = bip341Sighash(transaction, spent, vector.txinIndex, vector.hashType as 0 | 1);
    expect(hex(sighash)).toBe(vector.sigHash);
    const key = spent[vector.txinIndex]?.script.subarray(2) ?? sighash;
    expect(schnorr.verify(fromHex(vector.witness).subarray(0, 64), sighash, key)).toBe(true);
  });
});

describe('a PSBT', () => {
  test.each([0, 2])('of version %i is read as what it pays, keeps and costs', (PSBTVersion) => {
    const outputs = [pay(60_000n), pay(139_000n, ours.script)];
    const decoded = decodePsbtFor(ours, psbt(ours, [100_000n, 100_000n], outputs, { PSBTVersion }));
    expect(decoded.effects).toEqual([
      {
        kind: 'Transfer',
        chain: mainnet,
        asset,
        amount: 60_000n,
        destination: `${mainnet}:${theirAddress}`,
        text: `sends 0.0006 BTC to ${theirAddress}`,
      },
      {
        kind: 'Transfer',
        chain: mainnet,
        asset,
        amount: 139_000n,
        destination: `${mainnet}:${p2tr(ours.internal).address}`,
        change: true,
        text: 'keeps 0.00139 BTC as change',
      },
    ]);
    expect(decoded.fees).toEqual([{ chain: mainnet, asset, amount: 1_000n }]);
    expect(decoded.messages).toHaveLength(2);
  });

  test.each([
    ['the default hash type', 0, undefined],
    ['hash type ALL', 2, 1],
  ])('with %s is finished to what the library itself signs', (_, PSBTVersion, sighashType) => {
    const input = sighashType === undefined ? {} : { sighashType };
    const outputs = [pay(60_000n), pay(139_000n, ours.script)];
    const transaction = spending(ours, [100_000n, 100_000n], outputs, { PSBTVersion, input, lockTime: 800_000 });
    const decoded = decodePsbtFor(ours, transaction.toPSBT());
    const finished = decoded.finish?.(signAll(decoded.messages));
    for (const i of [0, 1]) transaction.updateInput(i, { tapInternalKey: ours.internal });
    transaction.sign(ours.secret, [0, 1], new Uint8Array(32));
    transaction.finalize();
    expect(hex(finished?.transaction ?? new Uint8Array())).toBe(hex(transaction.extract()));
    expect(finished?.id).toBe(transaction.id);
  });

  test('is signed over the sighashes of BIP-341, whatever it spends and pays', () => {
    const amount = fc.bigInt(1_000n, 1_000_000_000n);
    const shape = fc.record({
      amounts: fc.array(amount, { minLength: 1, maxLength: 6 }),
      parts: fc.integer({ min: 1, max: 3 }),
      hashType: fc.constantFrom(undefined, 0, 1),
      sequence: fc.constantFrom(0xffffffff, 0xfffffffd, 0, 144),
      lockTime: fc.constantFrom(0, 1, 800_000, 1_800_000_000),
      PSBTVersion: fc.constantFrom(0, 2),
      version: fc.constantFrom(1, 2, 3),
    });
    fc.assert(
      fc.property(shape, ({ amounts, parts, hashType, sequence, ...options }) => {
        const total = amounts.reduce((sum, one) => sum + one, 0n);
        const outputs = Array.from({ length: parts }, () => pay((total - 10n) / BigInt(parts)));
        fc.pre(outputs.every((output) => output.amount >= 330n));
        const input = { sequence, ...(hashType !== undefined && { sighashType: hashType }) };
        const decoded = decodePsbtFor(ours, psbt(ours, amounts, outputs, { ...options, input }));
        const signatures = signAll(decoded.messages);
        const finished = RawTx.decode(decoded.finish?.(signatures).transaction ?? new Uint8Array());
        const spent = amounts.map((one) => pay(one, ours.script));
        const hashes = amounts.map((_, i) => bip341Sighash(finished, spent, i, hashType === 1 ? 1 : 0));
        expect(decoded.messages).toEqual(hashes);
        expect(finished.witnesses).toEqual(
          signatures.map((signature) => [hashType === 1 ? concat(signature, Uint8Array.of(1)) : signature]),
        );
        expect(finished.outputs).toEqual(outputs);
        expect(decoded.fees[0]?.amount).toBe(total - outputs.reduce((sum, one) => sum + one.amount, 0n));
      }),
      { numRuns: 40 },
    );
  });

  test('has of each input the sighash that the library makes, also of as many as there may be', () => {
    const amounts = Array.from({ length: 64 }, (_, i) => 100_000n + BigInt(i));
    const keyHash = concat(fromHex('0014'), new Uint8Array(20));
    const outputs = Array.from({ length: 64 }, (_, i) => pay(1_000n + BigInt(i), i % 2 === 0 ? ours.script : keyHash));
    for (const sighashType of [0, 1]) {
      const transaction = spending(ours, amounts, outputs, { input: { sighashType, sequence: 7 }, lockTime: 5 });
      const scripts = amounts.map(() => ours.script);
      expect(decodePsbtFor(ours, transaction.toPSBT()).messages).toEqual(
        amounts.map((_, i) => transaction.preimageWitnessV1(i, scripts, sighashType, amounts)),
      );
    }
  });

  test('may say what it likes of its keys: only scripts count', () => {
    const input = { tapInternalKey: other.internal, tapMerkleRoot: new Uint8Array(32) };
    expect(decodePsbtFor(ours, simple(input)).messages).toEqual(decodePsbtFor(ours, simple()).messages);
    // Of an output that claims to be ours, nothing makes change but the script.
    const transaction = spending(ours, [100_000n], [pay(99_000n)]);
    transaction.updateOutput(0, { tapInternalKey: ours.internal });
    expect(decodePsbtFor(ours, transaction.toPSBT()).effects[0]).not.toHaveProperty('change');
  });

  test('may bring the transactions that it spends, which must then say the same', () => {
    const previous = RawOldTx.encode({
      version: 2,
      lockTime: 0,
      inputs: [{ txid: new Uint8Array(32), index: 0, finalScriptSig: new Uint8Array(), sequence: 0 }],
      outputs: [pay(100_000n, ours.script)],
    });
    const { id: txid } = Transaction.fromRaw(previous);
    const data = simple({ txid, nonWitnessUtxo: previous });
    expect(decodePsbtFor(ours, data).fees[0]?.amount).toBe(1_000n);
    // The amount follows the type and the length of witnessUtxo.
    const amountAt = Buffer.from(data).indexOf('01012b', 'hex') + 3;
    expect(refusal(() => decodePsbtFor(ours, data.with(amountAt, 0)))).toEqual({
      reason: 'Malformed',
      message: 'PSBT: validateInput: witnessUtxo different from nonWitnessUtxo',
    });
  });

  test('whose amounts are lies gives signatures that no node takes', () => {
    const [honest, lying] = [100_000n, 1_000_000n].map((amount) => psbt(ours, [amount], [pay(99_000n)]));
    expect(decodePsbtFor(ours, honest ?? simple()).messages).not.toEqual(
      decodePsbtFor(ours, lying ?? simple()).messages,
    );
  });

  test('shows when it may be mined', () => {
    const text = (input: object, options: object): string =>
      decodePsbtFor(ours, simple(input, options)).effects[0]?.text.replace(
        `sends 0.00099 BTC to ${theirAddress}`,
        '',
      ) ?? '';
    expect(text({}, { lockTime: 900_000 })).toBe('');
    expect(text({ sequence: 0xfffffffe }, { lockTime: 900_000 })).toBe(', only after block 900000');
    expect(text({ sequence: 0xfffffffe }, { lockTime: 1_800_000_000 })).toBe(', only after 2027-01-15T08:00:00Z');
    expect(text({ sequence: 144 }, {})).toBe(', only once what it spends is 144 blocks deep');
    expect(text({ sequence: 144 }, { version: 1 })).toBe('');
    expect(text({ sequence: 0x400002 }, { lockTime: 7 })).toBe(
      ', only after block 7 and once what it spends is 1024 seconds old',
    );
  });

  test.each([
    ['none', []],
    ['two', [new Uint8Array(64), new Uint8Array(64)]],
    ['one with its hash type', [new Uint8Array(65)]],
  ])('is not finished by %s', (_, signatures) => {
    expect(() => decodePsbtFor(ours, simple()).finish?.(signatures)).toThrow('want 1 signatures of 64 bytes');
  });
});
