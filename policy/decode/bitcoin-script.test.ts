import { Address, NETWORK, OutScript, p2pkh, p2sh, p2tr, p2wpkh, p2wsh, Script, TEST_NETWORK } from '@scure/btc-signer';
import { RawOldTx } from '@scure/btc-signer/script.js';
import { pubECDSA } from '@scure/btc-signer/utils.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex } from '../../common/bytes.ts';
import { addressOf } from './bitcoin-script.ts';
import { decodePsbtFor, mainnet, other, ours, pay, psbt, simple } from './testing/bitcoin.ts';

const asset = `${mainnet}/slip44:0`;

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

  const hash = new Uint8Array(20).fill(9);
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
    // The hash is pushed by PUSHDATA1: the same operations, but no wallet looks for such a script.
    [
      'a script of another spelling',
      concat(fromHex('76a94c14'), hash, fromHex('88ac')),
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
          const read = Address(NETWORK).decode(found.address);
          // A taproot key off the curve has an address all the same, whose script the library does not make.
          if (read.type === 'tr') expect(read.pubkey).toEqual(given.subarray(2));
          else expect(OutScript.encode(read)).toEqual(given);
        }
      }),
    );
    expect(addressOf(other.script, TEST_NETWORK)?.address).toBe(p2tr(other.internal, undefined, TEST_NETWORK).address);
  });
});
