import { schnorr } from '@noble/curves/secp256k1.js';
import {
  Address,
  NETWORK,
  OutScript,
  p2pkh,
  p2sh,
  p2tr,
  p2wpkh,
  p2wsh,
  Script,
  TEST_NETWORK,
  Transaction,
} from '@scure/btc-signer';
import { RawOldTx, RawTx } from '@scure/btc-signer/script.js';
import { pubECDSA, taprootTweakPrivKey } from '@scure/btc-signer/utils.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, hex } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import vectors from '../../test/vectors/bip341/key-path-spending.json' with { type: 'json' };
import { addressOf } from './bitcoin-script.ts';
import { decode } from './decode.ts';
import { bip341Sighash, decodePsbtFor, mainnet, spending, taprootKey } from './testing/bitcoin.ts';
import { refusal } from './testing/refusal.ts';

const ours = taprootKey('ours');
const other = taprootKey('other');
const { script: theirs, address: theirAddress } = p2tr(other.internal);
const asset = `${mainnet}/slip44:0`;
const pay = (amount: bigint, script: Uint8Array = theirs) => ({ script, amount });
const psbt = (...args: Parameters<typeof spending>): Uint8Array => spending(...args).toPSBT();
const simple = (input = {}, options = {}): Uint8Array => psbt(ours, [100_000n], [pay(99_000n)], { input, ...options });

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

describe('an output', () => {
  const publicKey = pubECDSA(ours.secret);
  const scripts = [
    p2pkh(publicKey),
    p2sh(p2wpkh(publicKey)),
    p2wpkh(publicKey),
    p2wsh(p2pkh(publicKey)),
    p2tr(other.internal),
  ];

  test.each(scripts.map((payment) => [payment.type, payment] as const))('of type %s has its address', (_, payment) => {
    expect(decodePsbtFor(ours, psbt(ours, [9_000n], [pay(8_000n, payment.script)])).effects).toMatchObject([
      { kind: 'Transfer', amount: 8_000n, destination: `${mainnet}:${payment.address}` },
    ]);
  });

  test.each([
    ['bip122:000000000933ea01ad0ee984209779ba', 'tb1p'],
    ['bip122:00000000da84f2bafbbc53dee25a72ae', 'tb1p'],
    ['bip122:00000008819873e925422c1ff0f99f7c', 'tb1p'],
    ['bip122:0f9188f13cb7b2c71f2a335e3a4fc328', 'bcrt1p'],
  ])('on chain %s has an address of that network', (chain, prefix) => {
    const [effect] = decodePsbtFor(ours, simple(), chain).effects;
    expect(effect?.asset).toBe(`${chain}/slip44:0`);
    expect(effect?.destination?.startsWith(`${chain}:${prefix}`)).toBe(true);
  });

  const [hash] = [new Uint8Array(20).fill(9)];
  test.each<[string, Uint8Array, string]>([
    [
      'OP_RETURN',
      Script.encode(['RETURN', new Uint8Array([1, 2, 3])]),
      'to nobody and writes the data of OP_RETURN script 6a03010203',
    ],
    ['a bare key', Script.encode([publicKey, 'CHECKSIG']), 'to a script that has no address, 21'],
    ['an anchor that anyone spends', fromHex('51024e73'), 'to a script that has no address, 51024e73'],
    [
      'a witness version of the future',
      concat(fromHex('5220'), new Uint8Array(32)),
      'to a script that has no address, 5220',
    ],
    [
      'a taproot key off the curve',
      concat(fromHex('5120'), new Uint8Array(32).fill(0xff)),
      'to a script that has no address, 5120',
    ],
    // The hash is pushed by PUSHDATA1: the same operations, but no wallet looks for such a script.
    [
      'a script of another spelling',
      concat(fromHex('76a94c14'), hash ?? theirs, fromHex('88ac')),
      'to a script that has no address, 76a94c14',
    ],
    ['bytes that are no script', fromHex('4c'), 'to a script that has no address, 4c'],
    ['no bytes', new Uint8Array(), 'to a script that has no address, '],
    ['a long script', new Uint8Array(9_000).fill(0x61), `${'61'.repeat(256)}... (9000 bytes)`],
  ])('to %s matches only rules that name calls', (_, script, words) => {
    const raw = RawOldTx.encode({
      version: 2,
      lockTime: 0,
      inputs: [{ txid: new Uint8Array(32).fill(1), index: 0, finalScriptSig: new Uint8Array(), sequence: 0xffffffff }],
      outputs: [{ script, amount: 0n }],
    });
    // Version 0: the unsigned transaction, then the previous output of the one input, and an empty map for the output.
    const previous = concat(fromHex('5c26050000000000'), Uint8Array.of(34), ours.script);
    const compact =
      raw.length < 0xfd ? Uint8Array.of(raw.length) : Uint8Array.of(0xfd, raw.length & 0xff, raw.length >> 8);
    const data = concat(
      fromHex('70736274ff0100'),
      compact,
      raw,
      fromHex('000101'),
      Uint8Array.of(previous.length),
      previous,
      fromHex('0000'),
    );
    const [effect] = decodePsbtFor(ours, data).effects;
    expect(effect).toMatchObject({ kind: 'Call', asset, amount: 0n });
    expect(effect).not.toHaveProperty('destination');
    expect(effect?.text).toContain(words);
  });

  test('whose script has an address is the script of that address', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...scripts), fc.nat(), (noise, { script }, at) => {
        for (const given of [noise, Uint8Array.from(script).with(at % script.length, noise[0] ?? 0)]) {
          const found = addressOf(given, NETWORK);
          if (found === undefined) continue;
          expect(OutScript.encode(Address(NETWORK).decode(found.address))).toEqual(given);
        }
      }),
    );
    expect(addressOf(theirs, TEST_NETWORK)?.address).toBe(p2tr(other.internal, undefined, TEST_NETWORK).address);
  });
});

describe('a PSBT is refused', () => {
  const many = (count: number): bigint[] => Array.from({ length: count }, () => 1_000n);
  const v2 = (change: (transaction: Transaction) => void): Uint8Array => {
    const transaction = spending(ours, [100_000n], [pay(99_000n)], { PSBTVersion: 2, unknown: 'ignore' });
    change(transaction);
    return transaction.toPSBT();
  };
  const signed = (): Transaction => {
    const transaction = spending(ours, [100_000n], [pay(99_000n)], { input: { tapInternalKey: ours.internal } });
    transaction.sign(ours.secret);
    return transaction;
  };
  const finalized = (): Transaction => {
    const transaction = signed();
    transaction.finalize();
    return transaction;
  };
  // The global map of version 0 is one field and its end; a field more goes before that end.
  const plain = simple();
  const mapEnd = 7 + 1 + (plain[7] ?? 0);
  const withGlobal = (field: string): Uint8Array =>
    concat(plain.subarray(0, mapEnd), fromHex(field), plain.subarray(mapEnd));
  const unknownField: [{ type: number; key: Uint8Array }, Uint8Array][] = [
    [{ type: 0x77, key: new Uint8Array() }, new Uint8Array(1)],
  ];
  test.each<[string, () => Uint8Array, string, string]>([
    ['that is empty', () => new Uint8Array(), 'Malformed', 'PSBT: '],
    ['that is a transaction', () => finalized().extract(), 'Malformed', 'PSBT: '],
    ['with a byte too many', () => concat(plain, Uint8Array.of(0)), 'Malformed', 'PSBT: '],
    ['that ends early', () => plain.subarray(0, -1), 'Malformed', 'PSBT: '],
    [
      'larger than any that taproot needs',
      () => concat(plain, new Uint8Array(65_536)),
      'Malformed',
      'want at most 65536 bytes',
    ],
    [
      'with a length in a longer form',
      () => concat(plain.subarray(0, 7), Uint8Array.of(0xfd, plain[7] ?? 0, 0), plain.subarray(8)),
      'Malformed',
      'PSBT: ',
    ],
    [
      'with version 0 written out',
      () => withGlobal('01fb0400000000'),
      'Malformed',
      'want its fields by ascending type',
    ],
    ['with a field of a wallet alone', () => withGlobal('05fc0161000001ff'), 'Malformed', 'proprietary'],
    ['with an unknown field', () => withGlobal('017701ff'), 'Malformed', 'unknown'],
    [
      'with an unknown field of an input',
      () => v2((t) => t.updateInput(0, { unknown: unknownField })),
      'Malformed',
      'unknown',
    ],
    ['that is signed', () => signed().toPSBT(), 'Malformed', 'input 0: is signed already'],
    ['that is finished', () => finalized().toPSBT(), 'Malformed', 'input 0: is signed already'],
    [
      'of a transaction version that means nothing',
      () => simple({}, { version: 0 }),
      'Unsupported',
      'want transaction version 1 to 3, got 0',
    ],
    ['without inputs', () => psbt(ours, [], [pay(1_000n)]), 'Malformed', 'has 0 inputs and 1 outputs'],
    ['without outputs', () => psbt(ours, [1_000n], []), 'Malformed', 'has 1 inputs and 0 outputs'],
    ['with too many inputs', () => psbt(ours, many(65), [pay(1_000n)]), 'Unsupported', 'got 65 and 1'],
    [
      'with too many outputs',
      () =>
        psbt(
          ours,
          [100_000n],
          many(65).map((amount) => pay(amount)),
        ),
      'Unsupported',
      'got 1 and 65',
    ],
    [
      'that spends one output twice',
      () => psbt(ours, many(2), [pay(1_000n)], { input: { index: 0 } }),
      'Malformed',
      'spends one output twice',
    ],
    [
      "that spends another's output",
      () => psbt(other, [100_000n], [pay(99_000n)]),
      'Unsupported',
      "not this key's own script",
    ],
    [
      'that spends the internal key untweaked',
      () => simple({ witnessUtxo: pay(100_000n, concat(fromHex('5120'), ours.internal)) }),
      'Unsupported',
      "not this key's own script",
    ],
    [
      'that does not show what it spends',
      () => simple({ witnessUtxo: undefined }),
      'Malformed',
      'input 0: want its previous output in witnessUtxo',
    ],
    [
      'that spends nothing',
      () => simple({ witnessUtxo: pay(0n, ours.script) }),
      'Malformed',
      'spends 0 BTC, which no output holds',
    ],
    [
      'that spends more than there is',
      () => simple({ witnessUtxo: pay(2_100_000_000_000_001n, ours.script) }),
      'Malformed',
      'which no output holds',
    ],
    [
      'that spends more than there is in all',
      () => psbt(ours, [2_000_000_000_000_000n, 2_000_000_000_000_000n], [pay(1_000n)]),
      'Malformed',
      'which no transaction can',
    ],
    [
      'that pays more than it spends',
      () => psbt(ours, [99_999n], [pay(100_000n)]),
      'Malformed',
      'spends 0.00099999 BTC and pays 0.001 BTC',
    ],
    [
      'that pays more than there is',
      () => psbt(ours, [1_000n], [pay(2n ** 63n - 1n)]),
      'Malformed',
      'more than there will ever be',
    ],
    ['that pays dust', () => psbt(ours, [1_000n], [pay(329n)]), 'Malformed', 'below 330 nobody relays it'],
    [
      'that keeps dust',
      () => psbt(ours, [1_000n], [pay(400n), pay(0n, ours.script)]),
      'Malformed',
      'below 330 nobody relays it',
    ],
    ...[2, 3, 0x80, 0x81, 0x82, 0x83, 4].map((sighashType): [string, () => Uint8Array, string, string] => [
      `of hash type ${sighashType}`,
      () => simple({ sighashType }),
      'Unsupported',
      `want hash type DEFAULT or ALL, got ${sighashType}`,
    ]),
    [
      'with a script path',
      () =>
        simple({ tapLeafScript: [[{ version: 0xc0, internalKey: ours.internal, merklePath: [] }, fromHex('51c0')]] }),
      'Unsupported',
      'input 0: has tapLeafScript',
    ],
    [
      'with a script of another kind',
      () => simple({ redeemScript: fromHex('51') }),
      'Unsupported',
      'input 0: has redeemScript',
    ],
  ])('%s', (_, make, reason, words) => {
    let data: Uint8Array;
    try {
      data = make();
    } catch (error) {
      throw new Error('the test makes no PSBT', { cause: error });
    }
    const refused = refusal(() => decodePsbtFor(ours, data));
    expect(refused.message).toContain(words);
    expect(refused.reason).toBe(reason);
  });

  test.each([
    ['PSBT', 'EdDSA', mainnet, 'Malformed', 'want a key of scheme Schnorr, this one is EdDSA'],
    ['Transaction', 'Schnorr', mainnet, 'Malformed', 'want format PSBT, got Transaction'],
    ['PSBT', 'Schnorr', 'bip122:11111111111111111111111111111111', 'Unsupported', 'is not in this version'],
    ['PSBT', 'Schnorr', '', 'Unsupported', 'is not in this version'],
  ] as const)('as format %s by a key of %s on chain "%s"', (format, scheme, chain, reason, words) => {
    const refused = refusal(() => decode({ chain, format, data: plain }, { scheme, bytes: ours.output }));
    expect(refused.reason).toBe(reason);
    expect(refused.message).toContain(words);
  });

  test('damaged anywhere, or is another PSBT that says what it does', () => {
    const base = [
      psbt(ours, [100_000n, 50_000n], [pay(60_000n), pay(80_000n, ours.script)]),
      psbt(ours, [100_000n], [pay(99_000n)], { PSBTVersion: 2, input: { tapInternalKey: ours.internal } }),
    ];
    const damage = fc.tuple(
      fc.constantFrom(...base),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      fc.nat(600),
    );
    fc.assert(
      fc.property(damage, ([data, changes, cut]) => {
        const damaged = Uint8Array.from(cut < data.length ? data : data.subarray(0, cut - data.length));
        for (const [at, byte] of changes) damaged.set(damaged.length > 0 ? [byte] : [], at % damaged.length || 0);
        let decoded;
        try {
          decoded = decodePsbtFor(ours, damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
          return;
        }
        const read = Transaction.fromPSBT(damaged, { allowMissingTxModifiable: false, disableScriptCheck: true });
        expect(read.toPSBT()).toEqual(damaged);
        const finished = RawTx.decode(
          decoded.finish?.(decoded.messages.map(() => new Uint8Array(64))).transaction ?? damaged,
        );
        expect(decoded.effects.map(({ amount }) => amount)).toEqual(finished.outputs.map(({ amount }) => amount));
        expect(decoded.messages).toHaveLength(finished.inputs.length);
      }),
      { numRuns: 800 },
    );
  });

  test('of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        for (const data of [noise, concat(fromHex('70736274ff'), noise)])
          expect(() => decodePsbtFor(ours, data)).toThrow(Refused);
      }),
    );
  });
});
