import { generateKeyPairSync, sign } from 'node:crypto';
import { schnorr } from '@noble/curves/secp256k1.js';
import { base58 } from '@scure/base';
import { Address, OutScript } from '@scure/btc-signer';
import { expect, it } from 'vitest';
import { concat, hex } from '../../common/bytes.ts';
import { verifyDemoJson } from './verify-demo-json.ts';

type Json = { [name: string]: Json } | Json[] | string | number | boolean;

const ed25519 = generateKeyPairSync('ed25519');
const solana = Uint8Array.from(Buffer.from(ed25519.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
const taproot = schnorr.keygen();

const message = new Uint8Array(150).fill(7);
const ofSolana = Uint8Array.from(sign(null, message, ed25519.privateKey));
const sighash = new Uint8Array(32).fill(9);
const ofBitcoin = schnorr.sign(sighash, taproot.secretKey);

const signed = (id: string): Json => ({
  id,
  key: 'solana',
  kind: 'Transaction',
  outcome: 'signed',
  reason: '',
  participants: ['infrastructure', 'client'],
  durations: { queue: 0, policy: 1, ledger: 2, round: 9, aggregate: 3, verify: 1, total: 15 },
  signatures: [{ message: hex(message), signature: hex(ofSolana) }],
  transaction: hex(concat(Uint8Array.of(1), ofSolana, message)),
});

const denied = (id: string, reason: string, kind = 'Transaction'): Json => ({
  ...(signed(id) as object),
  kind,
  outcome: 'denied',
  reason,
  participants: [],
  durations: { total: 2 },
  signatures: [],
  transaction: '',
});

const demo = (): Json => ({
  keys: [
    { name: 'solana', scheme: 'EdDSA', publicKey: hex(solana), addresses: { solana: base58.encode(solana) } },
    {
      name: 'bitcoin',
      scheme: 'Schnorr',
      publicKey: hex(taproot.publicKey),
      addresses: { bitcoin: Address().encode(OutScript.decode(concat(Uint8Array.of(0x51, 0x20), taproot.publicKey))) },
    },
  ],
  requests: [
    signed('pay-1'),
    {
      ...(signed('pay-2') as object),
      key: 'bitcoin',
      kind: 'PSBT',
      signatures: [{ message: hex(sighash), signature: hex(ofBitcoin) }],
      transaction: `0200${hex(ofBitcoin)}00`,
    },
    signed('without-backup'),
    signed('after-client'),
    denied('too-much', 'LimitExceeded'),
    denied('stranger', 'PolicyDenied'),
    denied('raw', 'PolicyDenied', 'Digest'),
    denied('unsigned', 'InitiatorUnverified'),
  ],
  audit: { verified: true, records: 40 },
});

/** The demo's output with the member at `path` set, or removed where `value` is undefined. */
function changed(path: string, value: Json | undefined): string {
  const root = demo();
  const steps = path.split('.');
  const last = steps.pop() as string;
  let at = root as Record<string, Json>;
  for (const step of steps) at = at[step] as Record<string, Json>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return JSON.stringify(root);
}

it('takes what the demo prints, and counts it', () => {
  expect(verifyDemoJson(`${JSON.stringify(demo(), undefined, 2)}\n`)).toEqual({
    keys: 2,
    signed: 4,
    signatures: 4,
    denied: 4,
  });
});

it.each(['', 'null', '[]', `${JSON.stringify(demo())}{}`, `> holdfast\n${JSON.stringify(demo())}`])(
  'refuses stdout that is not exactly one object: %j',
  (stdout) => {
    expect(() => verifyDemoJson(stdout)).toThrow(/want one JSON object|want an object/);
  },
);

const other = hex(sign(null, Buffer.from('other'), ed25519.privateKey));

it.each<[string, Json | undefined, string]>([
  ['extra', 1, 'demo: want members'],
  ['audit', undefined, 'demo: want members'],
  ['audit.verified', false, 'audit.verified'],
  ['audit.records', 3, 'audit.records'],
  ['keys.0.publicKey', hex(taproot.publicKey), 'addresses.solana'],
  ['keys.0.addresses', { solana: base58.encode(solana), ethereum: '0x' }, 'addresses: want'],
  ['keys.1.addresses.bitcoin', 'bc1p', 'addresses.bitcoin'],
  ['keys.1.name', 'solana', 'repeated'],
  ['requests.1.id', 'pay-1', 'repeated'],
  ['requests.0.signatures.0.signature', other, 'does not verify as EdDSA'],
  ['requests.1.signatures.0.message', '00'.repeat(32), 'does not verify as Schnorr'],
  ['requests.0.signatures', [], 'at least one'],
  ['requests.0.transaction', '', 'do not fit kind'],
  ['requests.0.transaction', `01${other}${hex(message)}`, 'lacks signature 0'],
  [
    'requests.0.transaction',
    hex(concat(Uint8Array.of(1), ofSolana, message, message)),
    'is not signatures and message',
  ],
  ['requests.0.reason', 'PolicyDenied', 'requests[0].reason'],
  ['requests.0.participants', ['client'], 'at least two holders'],
  ['requests.0.participants', ['client', 'client'], 'repeated'],
  ['requests.0.durations.nap', 1, 'no step nap'],
  ['requests.0.durations.total', undefined, 'no total'],
  ['requests.0.durations.total', -1, 'want milliseconds'],
  ['requests.0.kind', 'Payment', "a payload's format"],
  ['requests.0.key', 'gold', 'no key'],
  ['requests.4.reason', 'TooMuch', 'unknown'],
  ['requests.4.reason', 'Busy', 'want failed for Busy'],
  ['requests.4.signatures', [{ message: hex(message), signature: hex(ofSolana) }], 'has signatures'],
  ['requests.4.reason', 'PolicyDenied', 'none is over a limit'],
  ['requests.6.kind', 'Message', 'none is a raw digest'],
  ['requests.7.reason', 'PolicyDenied', 'none is unsigned'],
  ['requests.2', denied('without-backup', 'PolicyDenied'), 'want two payments'],
])('refuses %s being %j: %s', (path, value, message) => {
  expect(() => verifyDemoJson(changed(path, value))).toThrow(message);
});
