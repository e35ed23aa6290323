import { computeAddress, SigningKey, Transaction } from 'ethers';
import fc from 'fast-check';
import { RLP } from 'micro-eth-signer/core/rlp.js';
import type { RLPInput } from 'micro-eth-signer/core/rlp.js';
import { Transaction as MicroTransaction } from 'micro-eth-signer';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, hex } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import { verifyEcdsa } from '../../statement/secp256k1.ts';
import block from '../../test/vectors/ethereum/block-19431837.json' with { type: 'json' };
import eip155 from '../../test/vectors/ethereum/eip155.json' with { type: 'json' };
import invalid from '../../test/vectors/rlp/invalid.json' with { type: 'json' };
import valid from '../../test/vectors/rlp/valid.json' with { type: 'json' };
import {
  bytesOf,
  decodeFor,
  ecdsaKey,
  eth,
  ethereum,
  hexOf,
  legacy,
  ours,
  payroll,
  refused,
  signHash,
  tokenData,
  transaction,
  unsigned,
  usdc,
} from './testing/ethereum.ts';
import { refusal } from './testing/refusal.ts';

/** r, s and recovery id of what ethers has read as signed. */
const signatureOf = ({ signature }: Transaction): Uint8Array =>
  concat(bytesOf(signature?.r ?? ''), bytesOf(signature?.s ?? ''), Uint8Array.of(signature?.yParity ?? 2));

describe('the codec of RLP', () => {
  test.each(Object.entries(valid))('reads and writes %s', (_, { out }) => {
    const bytes = fromHex(out.toLowerCase());
    expect(hex(RLP.encode(RLP.decode(bytes)))).toBe(hex(bytes));
  });

  test.each(Object.entries(invalid))('refuses %s', (_, text) => {
    expect(() => RLP.decode(fromHex(text))).toThrow();
    for (const type of ['', '02'])
      expect(refusal(() => decodeFor(fromHex(type + text)))).toMatchObject({
        reason: expect.stringMatching(/^(?:Malformed|Unsupported)$/) as string,
      });
  });

  test('writes what it reads, whatever it reads', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        let read;
        try {
          read = RLP.decode(bytes);
        } catch {
          return;
        }
        expect(RLP.encode(read)).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a transaction', () => {
  test.each([
    ['of EIP-1559', transaction({ maxFeePerGas: 30_000_000_000n })],
    ['of before, with its chain id', legacy({ gasPrice: 30_000_000_000n })],
  ])('%s is read as what it pays and may cost, and its hash is signed', (_, made) => {
    const { finish, ...decoded } = decodeFor(unsigned(made));
    expect(decoded).toEqual({
      effects: [
        {
          kind: 'Transfer',
          chain: ethereum,
          asset: eth,
          amount: 10n ** 18n,
          destination: `${ethereum}:${payroll}`,
          text: `sends 1 ETH to ${payroll}`,
        },
      ],
      fees: [{ chain: ethereum, asset: eth, amount: 21_000n * 30_000_000_000n }],
      messages: [bytesOf(made.unsignedHash)],
    });
    const finished = finish?.([signHash(decoded.messages[0] ?? new Uint8Array())]);
    const sent = Transaction.from(hexOf(finished?.transaction ?? new Uint8Array()));
    expect(sent.from).toBe(computeAddress(ours.ethers));
    expect(sent.hash).toBe(finished?.id);
    expect(sent.unsignedSerialized).toBe(made.unsignedSerialized);
  });

  const understood = block.filter(({ what }) => !/2930|access list|4844/.test(what));

  test.each(understood)('of the main network is finished to what was mined: $what $hash', (vector) => {
    const mined = Transaction.from(vector.raw);
    const publicKey = bytesOf(SigningKey.computePublicKey(mined.fromPublicKey ?? '', true));
    const decoded = decodeFor(bytesOf(mined.unsignedSerialized), ethereum, publicKey);
    expect(decoded.messages.map(hexOf)).toEqual([mined.unsignedHash]);
    expect(decoded.fees[0]?.amount).toBe(BigInt(vector.gasLimit) * BigInt(vector.maxFeePerGas));
    const signature = signatureOf(mined);
    expect(verifyEcdsa(publicKey, decoded.messages[0] ?? signature, signature)).toBe(true);
    const finished = decoded.finish?.([signature]);
    expect(hexOf(finished?.transaction ?? signature)).toBe(vector.raw);
    expect(finished?.id).toBe(vector.hash);
    expect(decoded.effects.map(({ kind }) => kind)).toEqual(
      /transfer/.test(vector.what)
        ? ['Transfer']
        : /approval/.test(vector.what)
          ? ['Approve']
          : /with value/.test(vector.what)
            ? ['Transfer', 'Call']
            : ['Call'],
    );
  });

  test.each(block.filter(({ what }) => !understood.some((other) => other.what === what)))(
    'of the main network is refused as not of this version: $what',
    ({ raw }) => {
      const data = bytesOf(Transaction.from(raw).unsignedSerialized);
      expect(refusal(() => decodeFor(data)).reason).toBe('Unsupported');
    },
  );

  test('of EIP-155 is hashed and finished as its example says', () => {
    const { secret, unsigned: data, hash, signed } = eip155.example;
    const decoded = decodeFor(fromHex(data));
    expect(decoded.messages.map(hex)).toEqual([hash]);
    const key = { ...ours, secret: fromHex(secret) };
    expect(hex(decoded.finish?.([signHash(fromHex(hash), key)]).transaction ?? key.secret)).toBe(signed);
  });

  test.each(eip155.signed)("of EIP-155's table is finished by its signature: of $sender", ({ raw, sender }) => {
    const signed = Transaction.from(`0x${raw}`);
    const decoded = decodeFor(bytesOf(signed.unsignedSerialized));
    expect(hex(decoded.finish?.([signatureOf(signed)]).transaction ?? fromHex(sender))).toBe(raw);
    expect(signed.from?.toLowerCase()).toBe(`0x${sender}`);
  });

  test('is read as ethers and micro-eth-signer make it, whatever it says', () => {
    const amount = fc.oneof(fc.constantFrom(0n, 1n, 127n, 128n, 2n ** 256n - 1n), fc.bigInt(0n, 2n ** 200n));
    const u64 = fc.oneof(fc.constantFrom(0n, 127n, 128n, 255n, 256n), fc.bigInt(0n, 2n ** 53n - 1n));
    const shape = fc.record({
      chainId: fc.constantFrom(1n, 10n, 137n, 11155111n),
      nonce: u64.map(Number),
      fees: fc.tuple(fc.bigInt(0n, 2n ** 128n), fc.bigInt(0n, 2n ** 128n)),
      gasLimit: u64,
      value: amount,
      data: fc.uint8Array({ maxLength: 100 }),
      to: fc.uint8Array({ minLength: 20, maxLength: 20 }),
      type: fc.constantFrom(0, 2),
    });
    fc.assert(
      fc.property(shape, ({ fees: [low, more], to, data, type, ...rest }) => {
        fc.pre(to.some((byte) => byte !== 0) && !['a9059cbb', '095ea7b3'].includes(hex(data.subarray(0, 4))));
        const prices = type === 2 ? { maxPriorityFeePerGas: low, maxFeePerGas: low + more } : { gasPrice: low + more };
        const made = Transaction.from({ ...rest, ...prices, type, to: hexOf(to), data: hexOf(data) });
        const chain = `eip155:${rest.chainId}`;
        const decoded = decodeFor(unsigned(made), chain);
        expect(decoded.messages.map(hexOf)).toEqual([made.unsignedHash]);
        expect(decoded.fees).toMatchObject([{ chain, amount: rest.gasLimit * (low + more) }]);
        const moved = decoded.effects.filter(({ kind }) => kind === 'Transfer').map((effect) => effect.amount);
        expect(moved).toEqual(rest.value > 0n || data.length === 0 ? [rest.value] : []);
        const finished = decoded.finish?.([signHash(decoded.messages[0] ?? to)]).transaction ?? to;
        const sent = Transaction.from(hexOf(finished));
        expect([sent.from, sent.unsignedSerialized]).toEqual([computeAddress(ours.ethers), made.unsignedSerialized]);
        const micro = MicroTransaction.fromBytes(finished);
        expect(micro.verifySignature()).toBe(true);
        expect(micro.toBytes()).toEqual(finished);
        expect(micro.raw).toMatchObject({ value: rest.value, chainId: rest.chainId, nonce: BigInt(rest.nonce) });
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    ['none', []],
    ['two', [new Uint8Array(65), new Uint8Array(65)]],
    ['one without its recovery id', [new Uint8Array(64)]],
  ])('is not finished by %s', (_, signatures) => {
    expect(() => decodeFor(unsigned(transaction())).finish?.(signatures)).toThrow('want one signature of 65 bytes');
  });

  test('is not finished by a signature that the chain has no room for', () => {
    const decoded = decodeFor(unsigned(transaction()));
    expect(() => decoded.finish?.([new Uint8Array(65).fill(1).with(64, 2)])).toThrow('want recovery id 0 or 1, got 2');
  });
});

const list = (...items: RLPInput[]): Uint8Array => RLP.encode(items);
const typed = (...items: RLPInput[]): Uint8Array => concat(Uint8Array.of(2), list(...items));
const to = bytesOf(payroll);
const none = new Uint8Array();

describe('a transaction is refused', () => {
  test.each([
    ['without bytes', none, 'Unsupported', 'got 0x as first byte'],
    ['of type 0', Uint8Array.of(0, 0xc0), 'Unsupported', 'got 0x00 as first byte'],
    ['of type 1', Uint8Array.of(1, 0xc0), 'Unsupported', 'got type 1 (EIP-2930, with an access list)'],
    ['of type 3', Uint8Array.of(3, 0xc0), 'Unsupported', 'got type 3 (EIP-4844, with blobs)'],
    ['of type 4', Uint8Array.of(4, 0xc0), 'Unsupported', 'got type 4 (EIP-7702, which puts code'],
    ['that is an envelope of none', Uint8Array.of(0x80), 'Unsupported', 'got 0x80 as first byte'],
    ['that is no list', Uint8Array.of(2, 0x80), 'Malformed', 'want a list of fields in RLP, got bytes'],
    ['of EIP-191 for typed data', Uint8Array.of(0x19, 1), 'Unsupported', 'got 0x19 as first byte'],
    ['that ends early', unsigned(transaction()).slice(0, -1), 'Malformed', 'out of range'],
    ['with a byte too many', concat(unsigned(transaction()), Uint8Array.of(0)), 'Malformed', 'unread bytes left'],
    ['with a field less', typed(1, 7, 1, 1, 21_000, to, 1, none), 'Malformed', 'want the 9 fields of an unsigned one'],
    ['that names no chain', list(7, 1, 21_000, to, 1, none), 'Malformed', 'names no chain'],
    ['with a chain id of zero', list(7, 1, 21_000, to, 1, none, 0, 0, 0), 'Malformed', 'is for chain eip155:0'],
    ['signed, of before', list(7, 1, 21_000, to, 1, none, 37, 5, 5), 'Malformed', 'is signed already'],
    ['with an address of 19 bytes', list(7, 1, 21_000, to.slice(1), 1, none, 1, 0, 0), 'Malformed', 'want 20 bytes'],
    ['with a list as data', list(7, 1, 21_000, to, 1, [], 1, 0, 0), 'Malformed', 'data: want bytes, got a list'],
    ['with bytes as access list', typed(1, 7, 1, 1, 21_000, to, 1, none, none), 'Malformed', 'want a list, got bytes'],
    ['with an entry in it', typed(1, 7, 1, 1, 21_000, to, 1, none, [[]]), 'Unsupported', 'empty access list'],
    ['with zeros before a number', typed(1, Uint8Array.of(0, 7), 1, 1, 1, to, 1, none, []), 'Malformed', 'nonce: want'],
    ['with zero as a byte', typed(1, Uint8Array.of(0), 1, 1, 1, to, 1, none, []), 'Malformed', 'without zeros before'],
    ['with a nonce of 9 bytes', typed(1, 2n ** 64n, 1, 1, 1, to, 1, none, []), 'Malformed', 'at most 8 bytes, got 9'],
    ['with a value of 33', typed(1, 7, 1, 1, 1, to, 2n ** 256n, none, []), 'Malformed', 'at most 32 bytes, got 33'],
    ['with a priority over all', typed(1, 7, 2, 1, 1, to, 1, none, []), 'Malformed', 'priority fee of 2 is over'],
    ['that is too long', typed(1, 7, 1, 1, 1, to, 1, new Uint8Array(131_072), []), 'Malformed', 'at most 131072 bytes'],
  ])('%s', (_, data, reason, message) => {
    expect(refusal(() => decodeFor(data))).toEqual({
      reason,
      message: expect.stringContaining(message) as string,
    });
  });

  test('for another chain than the request', () => {
    for (const made of [transaction({ chainId: 11155111 }), legacy({ chainId: 11155111 })]) {
      expect(refusal(() => decodeFor(unsigned(made)))).toEqual({
        reason: 'Malformed',
        message: 'transaction: is for chain eip155:11155111, and the request for eip155:1',
      });
      expect(decodeFor(unsigned(made), 'eip155:11155111').effects[0]?.text).toBe(`sends 1 ETH to ${payroll}`);
    }
  });

  test.each(['eip155:5', 'eip155:01', 'eip155:', 'eip155:constructor'])('for a chain of no known coin: %s', (chain) => {
    expect(refusal(() => decodeFor(unsigned(transaction({ chainId: 5 })), chain))).toMatchObject({
      reason: 'Unsupported',
    });
  });

  test('signed, of EIP-1559', () => {
    const made = transaction();
    made.signature = ours.ethers.sign(made.unsignedHash);
    expect(refusal(() => decodeFor(bytesOf(made.serialized))).message).toContain('of an unsigned one');
  });

  test('with what no access list should hold', () => {
    const accessList = [{ address: usdc, storageKeys: [] }];
    expect(refused({ accessList }).message).toContain('want an empty access list, got one with 1 entries');
  });

  test('damaged anywhere, or is another one with another hash', () => {
    const bases = [
      unsigned(transaction()),
      unsigned(legacy()),
      unsigned(transaction({ to: usdc, value: 0n, data: tokenData('transfer', payroll, 5_000_000n) })),
      unsigned(transaction({ to: usdc, value: 0n, data: tokenData('approve', payroll, 2n ** 256n - 1n) })),
    ];
    const key = ecdsaKey('other');
    fc.assert(
      fc.property(
        fc.constantFrom(...bases),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        fc.nat(400),
        (base, changes, cut) => {
          const damaged = Uint8Array.from(cut < base.length ? base : base.subarray(0, cut - base.length));
          for (const [at, byte] of changes) if (damaged.length > 0) damaged[at % damaged.length] = byte;
          let decoded;
          try {
            decoded = decodeFor(damaged, ethereum, key.publicKey);
          } catch (error) {
            expect(error).toBeInstanceOf(Refused);
            return;
          }
          // Another implementation reads the same of it and writes the same bytes.
          const read = Transaction.from(hexOf(damaged));
          expect(read.unsignedSerialized).toBe(hexOf(damaged));
          expect(decoded.messages.map(hexOf)).toEqual([read.unsignedHash]);
          expect(decoded.fees[0]?.amount).toBe(read.gasLimit * (read.maxFeePerGas ?? read.gasPrice ?? -1n));
          const native = decoded.effects.filter(({ asset }) => asset === eth).map(({ amount }) => amount);
          expect(native).toEqual(read.value > 0n || read.data === '0x' ? [read.value] : []);
        },
      ),
      { numRuns: 1_500 },
    );
  });

  test('of any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom([], [2], [2, 0xf8], [0xf8, 0x40]),
        (noise, first) => {
          expect(() => decodeFor(concat(Uint8Array.from(first), noise))).toThrow(Refused);
        },
      ),
    );
  });
});
