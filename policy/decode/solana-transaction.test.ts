import { getSetComputeUnitLimitInstruction, getSetComputeUnitPriceInstruction } from '@solana-program/compute-budget';
import { getTransferSolInstruction } from '@solana-program/system';
import { AccountRole, address, getBase58Decoder, getTransactionDecoder } from '@solana/kit';
import type { Instruction } from '@solana/kit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, utf8 } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import { decode } from './decode.ts';
import { refusal } from './testing/refusal.ts';
import { decodeFor, devnet, other, ours, sol, testKey, wire } from './testing/solana.ts';

const payroll = testKey('payroll').address;

const pay = (amount: bigint, from = ours) =>
  getTransferSolInstruction({ source: from.signer, destination: payroll, amount });
const call = (
  program: string,
  data: Uint8Array = new Uint8Array(),
  accounts: Instruction['accounts'] = [],
): Instruction => ({
  programAddress: address(program),
  accounts,
  data,
});
const ed25519Program = 'Ed25519SigVerify111111111111111111111111111';

describe('a Solana transaction', () => {
  test.each(['legacy', 0] as const)(
    'of version %s is read as what it does, what it costs and what is signed',
    (version) => {
      const data = wire(ours, [pay(1_500_000_000n)], { version });
      const decoded = decodeFor(ours, data);
      expect(decoded.effects).toEqual([
        {
          kind: 'Transfer',
          chain: devnet,
          asset: sol,
          amount: 1_500_000_000n,
          destination: `${devnet}:${payroll}`,
          text: `sends 1.5 SOL to ${payroll}`,
        },
      ]);
      expect(decoded.fees).toEqual([{ chain: devnet, asset: sol, amount: 5_000n }]);
      expect(decoded.messages).toEqual([Uint8Array.from(getTransactionDecoder().decode(data).messageBytes)]);
    },
  );

  test('is finished by one signature, whatever its slot held before', () => {
    const data = wire(ours, [pay(1n)]);
    const signature = ours.sign(decodeFor(ours, data).messages[0] ?? data);
    for (const given of [data, data.with(1, 99)]) {
      const finished = decodeFor(ours, given).finish?.([signature]);
      expect(finished?.transaction).toEqual(wire(ours, [pay(1n)], { signers: [ours] }));
      expect(finished?.id).toBe(getBase58Decoder().decode(signature));
    }
  });

  test.each([
    ['none', []],
    ['two', [new Uint8Array(64), new Uint8Array(64)]],
    ['a short one', [new Uint8Array(63)]],
  ])('is not finished by %s', (_, signatures) => {
    expect(() => decodeFor(ours, wire(ours, [pay(1n)])).finish?.(signatures)).toThrow('want one signature of 64 bytes');
  });

  test('does not change once it is read', () => {
    const data = wire(ours, [pay(1n)]);
    const decoded = decodeFor(ours, data);
    const before = Uint8Array.from(decoded.messages[0] ?? data);
    data.fill(0);
    expect(decoded.messages[0]).toEqual(before);
  });
});

describe('other signers', () => {
  const instructions = [pay(5n)];

  test('that pay have signed already, and the fee is not ours', () => {
    const data = wire(other, instructions, { signers: [other] });
    const decoded = decodeFor(ours, data);
    expect(decoded.fees).toEqual([{ chain: devnet, asset: sol, amount: 0n }]);
    const signature = ours.sign(decoded.messages[0] ?? data);
    const finished = decoded.finish?.([signature]);
    expect(finished?.transaction).toEqual(wire(other, instructions, { signers: [other, ours] }));
    expect(finished?.id).toBe(getBase58Decoder().decode(data.slice(1, 65)));
  });

  test('that have not signed are named', () => {
    const missing = {
      reason: 'Undecodable',
      message: `transaction: the signature of ${other.address} is missing or wrong: it must sign before this key`,
    };
    expect(refusal(() => decodeFor(ours, wire(other, instructions)))).toEqual(missing);
    const data = wire(other, instructions, { signers: [other] });
    data[10] = (data[10] ?? 0) ^ 1;
    expect(refusal(() => decodeFor(ours, data))).toEqual(missing);
  });

  test('cost one more signature where the key pays', () => {
    const witness = call(other.address, utf8('x'), [
      { ...other.signer, address: other.address, role: AccountRole.READONLY_SIGNER },
    ]);
    const data = wire(ours, [pay(1n), witness], { signers: [other] });
    expect(decodeFor(ours, data).fees[0]?.amount).toBe(10_000n);
  });

  test('alone are refused: the key asked has nothing to sign', () => {
    const data = wire(other, [pay(5n, other)], { signers: [other] });
    expect(refusal(() => decodeFor(ours, data))).toEqual({
      reason: 'Malformed',
      message: `transaction: is signed by ${other.address}, not by this key ${ours.address}`,
    });
  });
});

describe('the worst fee', () => {
  const limit = (units: number) => getSetComputeUnitLimitInstruction({ units });
  const price = (microLamports: bigint) => getSetComputeUnitPriceInstruction({ microLamports });
  const checks = (count: number) => call(ed25519Program, Uint8Array.of(count, 0));

  test.each([
    ['without a budget', [], 5_000n],
    ['with a limit and no price', [limit(1_000_000)], 5_000n],
    ['with a limit and a price', [limit(300_000), price(1_000n)], 5_300n],
    ['rounded up to a lamport', [limit(1), price(1n)], 5_001n],
    ['with a price and no limit, for three instructions', [price(1_000_000n), checks(0)], 605_000n],
    ['with a limit above what the chain allows', [limit(4_000_000_000), price(1_000_000n)], 1_405_000n],
    ['with signatures that a program checks', [checks(3)], 20_000n],
  ])('%s', (_, instructions, amount) => {
    expect(decodeFor(ours, wire(ours, [...instructions, pay(1n)])).fees[0]?.amount).toBe(amount);
  });

  test('is not known of a budget that contradicts itself or is not understood', () => {
    const budget = (...data: number[]) => call('ComputeBudget111111111111111111111111111111', Uint8Array.from(data));
    const refused = (...instructions: Instruction[]) =>
      refusal(() => decodeFor(ours, wire(ours, [...instructions, pay(1n)])));
    expect(refused(limit(1), limit(2)).message).toContain('sets what another instruction has set');
    expect(refused(budget(0, 1, 0, 0, 0, 0, 0, 0, 0)).message).toContain('want instruction 1 to 4, got 0');
    expect(refused(budget(5)).message).toContain('want instruction 1 to 4, got 5');
    expect(refused(budget(2, 1, 0, 0)).message).toContain('want 4 bytes, 3 are left');
    expect(refused(budget(2, 1, 0, 0, 0, 9)).message).toContain('1 bytes too many');
  });
});

describe('a transaction is refused', () => {
  const plain = wire(ours, [pay(1n)], { version: 'legacy' });
  const message = plain.subarray(65);
  const rewired = (bytes: Uint8Array): Uint8Array => concat(plain.subarray(0, 65), bytes);
  const versioned = wire(ours, [pay(1n)]);
  // Solana Kit makes at most 64 instructions: the count is at 165, and one that calls account 1 follows.
  const full = wire(
    ours,
    Array.from({ length: 64 }, () => call(payroll)),
    { version: 'legacy' },
  );
  const crowded = concat(full.with(165, 65), Uint8Array.of(1, 0, 0));
  // Account 1 becomes account 0 again.
  const repeated = concat(message.subarray(0, 36), message.subarray(4, 36), message.subarray(68));
  const lookups = (entries: Uint8Array): Uint8Array => concat(versioned.subarray(0, versioned.length - 1), entries);

  test.each([
    ['that is empty', new Uint8Array(), 'want 1 bytes, 0 are left'],
    ['that ends early', plain.subarray(0, plain.length - 1), 'are left'],
    ['with a byte too many', concat(plain, Uint8Array.of(0)), '1 bytes too many'],
    ['without signatures', concat(Uint8Array.of(0), message), 'want 1 signatures, one a signer, got 0'],
    ['with a signature too many', concat(Uint8Array.of(2), new Uint8Array(128), message), 'got 2'],
    ['with a length in a longer form', concat(Uint8Array.of(0x81, 0), plain.subarray(1)), 'shortest form'],
    ['with a length over 16 bits', concat(Uint8Array.of(0xff, 0xff, 0x04), plain.subarray(1)), 'shortest form'],
    ['larger than a packet', concat(plain, new Uint8Array(1_232)), 'want at most 1232 bytes'],
    ['of version 1', concat(versioned.subarray(0, 65), Uint8Array.of(0x81), versioned.subarray(66)), 'got version 1'],
    ['without signers', rewired(message.with(0, 0)), 'contradict one another'],
    ['whose payer is read-only', rewired(message.with(1, 1)), 'contradict one another'],
    ['with more read-only accounts than accounts', rewired(message.with(2, 3)), 'contradict one another'],
    ['with an account twice', rewired(repeated), 'listed twice'],
    ['that runs its payer', rewired(message.with(133, 0)), 'its program is the account that pays'],
    ['that runs an account it does not list', rewired(message.with(133, 9)), 'account 9 of 3'],
    ['that uses an account it does not list', rewired(message.with(135, 9)), 'account 9 of 3'],
    [
      'that takes accounts from a lookup table',
      lookups(concat(Uint8Array.of(1), new Uint8Array(34))),
      'lookup table 11111111111111111111111111111111',
    ],
    ['without instructions', wire(ours, []), 'does nothing that a rule could judge'],
    ['that only sets its budget', wire(ours, [getSetComputeUnitLimitInstruction({ units: 1 })]), 'does nothing'],
    ['with more effects than are judged', crowded, 'want at most 64 effects, got 65'],
  ])('%s', (_, data, words) => {
    const refused = refusal(() => decodeFor(ours, data));
    expect(refused.message).toContain(words);
    expect(['Malformed', 'Unsupported', 'Undecodable']).toContain(refused.reason);
  });

  test.each([
    ['Transaction', 'Schnorr', devnet, 'want a key of scheme EdDSA, this one is Schnorr'],
    ['PSBT', 'EdDSA', devnet, 'want format Transaction, got PSBT'],
    ['Transaction', 'EdDSA', 'solana:11111111111111111111111111111111', 'is not in this version'],
    ['Transaction', 'EdDSA', '', 'is not in this version'],
    ['Transaction', 'EdDSA', 'bip122:000000000019d6689c085ae165831e93', 'want format PSBT, got Transaction'],
  ] as const)('as format %s by a key of %s on chain "%s"', (format, scheme, chain, words) => {
    expect(refusal(() => decode({ chain, format, data: plain }, { scheme, bytes: ours.bytes })).message).toContain(
      words,
    );
  });

  test('as message and as digest', () => {
    for (const format of ['Message', 'Digest'] as const)
      for (const data of [plain, Uint8Array.from(message)])
        expect(refusal(() => decode({ chain: '', format, data }, { scheme: 'EdDSA', bytes: ours.bytes })).reason).toBe(
          'Malformed',
        );
  });
});

describe('a program that is not understood', () => {
  test('is a call that says whether the key signs for it', () => {
    const program = testKey('program').address;
    const at = { kind: 'Call', chain: devnet, destination: `${devnet}:${program}` };
    const ourAccount = { address: ours.address, role: AccountRole.WRITABLE_SIGNER };
    expect(
      decodeFor(ours, wire(ours, [call(program, utf8('abc')), call(program, utf8('d'), [ourAccount])])).effects,
    ).toEqual([
      { ...at, text: `calls program ${program} with 0 accounts and 3 bytes, without this key among its accounts` },
      { ...at, text: `calls program ${program} with 1 accounts and 1 bytes, with this key's signature` },
    ]);
  });
});

describe('damaged bytes', () => {
  const base = [
    wire(ours, [getSetComputeUnitPriceInstruction({ microLamports: 7n }), pay(123_456n)]),
    wire(other, [pay(9n)], { version: 'legacy', signers: [other] }),
  ];

  test('are refused, or are another transaction that Solana Kit reads as the same', () => {
    const damage = fc.tuple(
      fc.constantFrom(...base),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
      fc.nat(300),
    );
    fc.assert(
      fc.property(damage, ([data, changes, cut]) => {
        const damaged = Uint8Array.from(cut < data.length ? data : data.subarray(0, cut - data.length));
        for (const [at, byte] of changes) damaged.set(damaged.length > 0 ? [byte] : [], at % damaged.length || 0);
        let decoded;
        try {
          decoded = decodeFor(ours, damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
          return;
        }
        const signature = new Uint8Array(64).fill(1);
        const finished = decoded.finish?.([signature])?.transaction ?? new Uint8Array();
        const read = getTransactionDecoder().decode(finished);
        expect(decoded.messages).toEqual([Uint8Array.from(read.messageBytes)]);
        expect(read.signatures[ours.address]).toEqual(signature);
        expect(finished.length).toBe(damaged.length);
      }),
      { numRuns: 300 },
    );
  });

  test('of any kind are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        expect(() => decodeFor(ours, data)).toThrow(Refused);
      }),
    );
  });
});
