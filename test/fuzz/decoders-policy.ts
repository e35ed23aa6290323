import { getTransferSolInstruction } from '@solana-program/system';
import { base58 } from '@scure/base';
import fc from 'fast-check';
import { RLP } from 'micro-eth-signer/core/rlp.js';
import { concat, utf8 } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import { offchainMessage } from '../../client/offchain-message.ts';
import { parseAmount } from '../../policy/amount.ts';
import { canonicalId, chainOf, nativeAsset } from '../../policy/caip.ts';
import { decode } from '../../policy/decode/decode.ts';
import { mainnet, ours as taproot, pay, psbt, simple } from '../../policy/decode/testing/bitcoin.ts';
import { scriptOf, spendingByHash } from '../../policy/decode/testing/bitcoin-key-hash.ts';
import {
  ethereum,
  legacy,
  ours as ecdsaKey,
  payroll,
  tokenData,
  transaction,
  unsigned,
  usdc,
} from '../../policy/decode/testing/ethereum.ts';
import { devnet, other, ours as solana, wire } from '../../policy/decode/testing/solana.ts';
import { parsePolicy, policyDocument } from '../../policy/document.ts';
import { decodeEffects, encodeEffects } from '../../policy/effects-json.ts';
import { specOf, transfer, bare } from '../../policy/testing/policies.ts';
import { canonicalize, parseCanonical } from '../../statement/canonical.ts';
import { fromUtf8Text } from './decoders-statement.ts';
import type { Decoder } from './decoder.ts';

const eddsa = { scheme: 'EdDSA', bytes: solana.bytes } as const;
const ecdsa = { scheme: 'ECDSA', bytes: ecdsaKey.publicKey } as const;
const schnorr = { scheme: 'Schnorr', bytes: taproot.output } as const;

const pays = getTransferSolInstruction({ source: solana.signer, destination: other.address, amount: 1_000_000n });
const spec = specOf([
  {
    name: 'small',
    verdict: 'Allow',
    match: { assets: ['SOL'], destinations: ['payroll'], amount: { atMost: '1.5', per: '90m' } },
    limits: [
      { amount: '10', per: '24h' },
      { count: 5, per: '30s', scope: 'Path' },
    ],
  },
  {
    name: 'never',
    verdict: 'Deny',
    match: { kinds: ['Authority', 'DurableNonce'], destinations: ['sanctioned'], paths: ['m', 'm/0/*'] },
  },
]);
const document = canonicalize(policyDocument(spec));
const effects = [
  transfer(1_500_000n, { decimals: 9 }),
  bare('Message'),
  bare('Digest', { change: true }),
  transfer(1n, { path: 'm/0/42' }),
];

const jsonOf = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(fromUtf8Text(bytes));
  } catch (error) {
    throw new Error(messageOf(error));
  }
};

/** Everything that a value of a policy could be instead, at any of its members. */
const strange = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e9',
    '9'.repeat(400),
    null,
    true,
    1.5,
    -0,
    2 ** 60,
    [],
    {},
    [[]],
    '__proto__',
    '24h',
    'SOL',
  ),
  fc.jsonValue({ maxDepth: 4 }),
);
const changedAnywhere = (value: unknown): fc.Arbitrary<unknown> => {
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0) return strange;
  const members = Object.entries(value).map(([name, member]) =>
    changedAnywhere(member).map((changed): unknown =>
      Array.isArray(value)
        ? value.map((item: unknown, i) => (String(i) === name ? changed : item))
        : { ...value, [name]: changed },
    ),
  );
  return fc.oneof({ weight: 1, arbitrary: strange }, ...members.map((arbitrary) => ({ weight: 2, arbitrary })));
};

export const policyDecoderTable: readonly Decoder[] = [
  {
    name: 'Solana transaction',
    seeds: [
      wire(solana, [pays]),
      wire(solana, [pays], { version: 'legacy' }),
      wire(solana, [pays, pays], { signers: [other] }),
    ],
    decode(data) {
      decode({ chain: devnet, format: 'Transaction', data }, eddsa);
      return undefined;
    },
  },
  {
    name: 'Solana off-chain message',
    seeds: [offchainMessage('pay the rent', solana.bytes), offchainMessage('zahl die Miete \u{1f3e0}', solana.bytes)],
    // What is signed is what was given.
    decode: (data) => decode({ chain: '', format: 'Message', data }, eddsa).messages[0],
    mostBytes: 70_000,
  },
  {
    name: 'PSBT',
    seeds: [
      simple(),
      psbt(taproot, [100_000n, 5_000n], [pay(90_000n), pay(10_000n, taproot.script)], {
        input: { tapInternalKey: taproot.internal },
      }),
    ],
    decode(data) {
      decode({ chain: mainnet, format: 'PSBT', data }, schnorr);
      return undefined;
    },
    mostBytes: 128 * 1024,
  },
  {
    name: 'PSBT of an ECDSA key',
    seeds: [0, 2].map((PSBTVersion) =>
      spendingByHash(ecdsaKey, [100_000n, 5_000n], [pay(90_000n), pay(10_000n, scriptOf(ecdsaKey))], {
        PSBTVersion,
      }).toPSBT(),
    ),
    decode(data) {
      decode({ chain: mainnet, format: 'PSBT', data }, ecdsa);
      return undefined;
    },
    mostBytes: 300 * 1024,
  },
  {
    name: 'Ethereum transaction',
    seeds: [
      transaction(),
      legacy(),
      transaction({ to: usdc, value: 0n, data: tokenData('transfer', payroll, 5_000_000n) }),
      transaction({ to: usdc, value: 0n, data: tokenData('approve', payroll, 2n ** 256n - 1n) }),
      transaction({ to: null, value: 0n, data: `0x60${'00'.repeat(300)}` }),
    ].map(unsigned),
    decode(data) {
      decode({ chain: ethereum, format: 'Transaction', data }, ecdsa);
      const type = data.subarray(0, data[0] === 2 ? 1 : 0);
      return concat(type, RLP.encode(RLP.decode(data.subarray(type.length))));
    },
    mostBytes: 140 * 1024,
  },
  {
    name: 'personal message',
    seeds: ['log in to example.org', 'zahl die Miete \u{1f3e0}\n'].map(utf8),
    decode(data) {
      decode({ chain: '', format: 'Message', data }, ecdsa);
      return utf8(fromUtf8Text(data));
    },
    mostBytes: 70_000,
  },
  {
    name: 'digest',
    seeds: [new Uint8Array(32).fill(7)],
    decode: (data) => decode({ chain: '', format: 'Digest', data }, schnorr).messages[0],
  },
  {
    name: 'policy document',
    seeds: [document],
    decode(bytes) {
      parsePolicy(parseCanonical(bytes));
      return undefined;
    },
    structured: changedAnywhere(jsonOf(document)).map((changed) => utf8(JSON.stringify(changed))),
    mostBytes: 128 * 1024,
  },
  {
    name: 'policy spec',
    seeds: [utf8(JSON.stringify(spec))],
    decode(bytes) {
      parsePolicy(policyDocument(jsonOf(bytes)));
      return undefined;
    },
    structured: changedAnywhere(spec).map((changed) => utf8(JSON.stringify(changed))),
    mostBytes: 128 * 1024,
  },
  {
    name: 'effects of a ledger',
    seeds: [utf8(encodeEffects(effects))],
    decode: (bytes) => utf8(encodeEffects(decodeEffects(fromUtf8Text(bytes)))),
  },
  {
    name: 'amount',
    seeds: ['0', '0.02', '150.10', '1'.padEnd(60, '0')].map(utf8),
    decode(bytes) {
      for (const decimals of [2, 9, 36]) parseAmount(fromUtf8Text(bytes), decimals);
      return undefined;
    },
    structured: fc.tuple(fc.bigInt(0n, 10n ** 70n), fc.bigInt(0n, 10n ** 20n)).map((parts) => utf8(parts.join('.'))),
  },
  {
    name: 'CAIP ids',
    seeds: [
      `${devnet}/slip44:501`,
      `eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb`,
      `${mainnet}:bc1qqqq`,
      base58.encode(solana.bytes),
    ].map(utf8),
    decode(bytes) {
      const id = fromUtf8Text(bytes);
      nativeAsset(chainOf(id).chain);
      canonicalId(id);
      return undefined;
    },
  },
];
