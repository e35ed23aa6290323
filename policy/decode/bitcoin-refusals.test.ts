import { RawTx } from '@scure/btc-signer/script.js';
import { Transaction } from '@scure/btc-signer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import { taprootAddress } from '../address.ts';
import { decode } from './decode.ts';
import { decodePsbtFor, mainnet, other, ours, pay, psbt, simple, spending } from './testing/bitcoin.ts';
import { refusal } from './testing/refusal.ts';

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
  const bare = (): Uint8Array => {
    const transaction = new Transaction();
    transaction.addInput({ txid: '11'.repeat(32), index: 0 });
    transaction.addOutput(pay(1_000n));
    return transaction.toPSBT();
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
      () => concat(plain, new Uint8Array(32_768)),
      'Malformed',
      'want at most 32768 bytes',
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
    ['that is a message to sign', () => withGlobal('01090161'), 'Unsupported', 'PSBT: has genericSignedMessage'],
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
      'Malformed',
      `input 0: spends an output of ${taprootAddress(other.output)}, not of this key's own ${taprootAddress(ours.output)}`,
    ],
    [
      'that spends the internal key untweaked',
      () => simple({ witnessUtxo: pay(100_000n, concat(fromHex('5120'), ours.internal)) }),
      'Malformed',
      `not of this key's own ${taprootAddress(ours.output)}`,
    ],
    [
      'that spends an output without address',
      () => simple({ witnessUtxo: pay(100_000n, fromHex('51')) }),
      'Malformed',
      'input 0: spends an output of script 51, not of',
    ],
    [
      'that spends a taproot output whose key is none',
      () => simple({ witnessUtxo: pay(100_000n, fromHex(`5120${'ff'.repeat(32)}`)) }),
      'Malformed',
      'input 0: spends an output of bc1p',
    ],
    ['that does not show what it spends', bare, 'Malformed', 'input 0: want its previous output in witnessUtxo'],
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
    ['PSBT', 'EdDSA', mainnet, 'Malformed', 'want a key of scheme Schnorr or ECDSA, this one is EdDSA'],
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
      { numRuns: 300 },
    );
  });

  test('with fields in another order, twice, or where they do not belong, or is what the library writes', () => {
    const bases = [0, 2].map((PSBTVersion) =>
      psbt(ours, [100_000n, 50_000n], [pay(60_000n), pay(80_000n, ours.script)], {
        PSBTVersion,
        input: { tapInternalKey: ours.internal, sighashType: 1 },
      }),
    );
    const pairsOf = (data: Uint8Array): Uint8Array[][] => {
      const maps: Uint8Array[][] = [[]];
      for (let at = 5; at < data.length;) {
        const keyLength = data[at] ?? 0;
        if (keyLength === 0) maps.push([]);
        const end = at + 1 + keyLength + (keyLength === 0 ? 0 : 1 + (data[at + 1 + keyLength] ?? 0));
        if (keyLength > 0) maps.at(-1)?.push(data.subarray(at, end));
        at = end;
      }
      return maps.slice(0, -1);
    };
    // Version 0, an empty final script, a final script, a lock time, a root of no scripts, an amount, a hash type, an
    // empty script, version 2.
    const fields = ['01fb0400000000', '010700', '01070161', '01110400000065', `011820${'00'.repeat(32)}`];
    fields.push('01030800000000000000ff', '01030401000000', '010400', '01fb0402000000');
    const more = fields.map((field) => fromHex(field));
    const moves = fc.array(fc.tuple(fc.constantFrom('swap', 'twice', 'add', 'end'), fc.nat(), fc.nat(), fc.nat()), {
      maxLength: 2,
    });
    let accepted = 0;
    fc.assert(
      fc.property(fc.constantFrom(...bases), moves, (base, changes) => {
        const maps = pairsOf(base);
        for (const [what, a, b, c] of changes) {
          const map = maps[a % maps.length] ?? [];
          const one = map[b % Math.max(1, map.length)] ?? fromHex('010400');
          if (what === 'swap') map.splice(c % (map.length + 1), 0, ...map.splice(b % (map.length + 1), 1));
          if (what === 'twice') map.splice(c % (map.length + 1), 0, one);
          if (what === 'add') map.splice(c % (map.length + 1), 0, more[b % more.length] ?? one);
          if (what === 'end') maps.splice(a % maps.length, 0, []);
        }
        const data = concat(base.subarray(0, 5), ...maps.flatMap((map) => [...map, Uint8Array.of(0)]));
        try {
          decodePsbtFor(ours, data);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
          if (changes.length === 0) throw error;
          return;
        }
        accepted += 1;
        const read = Transaction.fromPSBT(data, { allowMissingTxModifiable: false, disableScriptCheck: true });
        expect(read.toPSBT()).toEqual(data);
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(100);
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
