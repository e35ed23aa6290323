/**
 * Reads what `holdfast demo --json` printed and believes none of it: the shape member by member, each signature by a
 * single-party verifier, each address from its public key, each transaction by the signatures inside.
 *
 *   npm run demo -- --json | node test/demo/main.ts
 */
import { createPublicKey, verify } from 'node:crypto';
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { base58 } from '@scure/base';
import { OutScript, Address, NETWORK, TEST_NETWORK } from '@scure/btc-signer';
import { computeAddress, Transaction } from 'ethers';
import { concat, hex } from '../../common/bytes.ts';
import { reasons } from '../../common/reasons.ts';

type Members = Readonly<Record<string, unknown>>;
type Key = { readonly name: string; readonly scheme: string; readonly publicKey: Uint8Array };
export type Verified = {
  readonly keys: number;
  readonly signed: number;
  readonly signatures: number;
  readonly denied: number;
};

const steps = ['queue', 'policy', 'ledger', 'round', 'aggregate', 'verify', 'total'];
const formats = ['Transaction', 'PSBT', 'Message', 'TypedData', 'Digest'];

/** Verifies all that stdout held; throws with the path of the first thing that is wrong. */
export function verifyDemoJson(stdout: string): Verified {
  const demo = members(parse(stdout), 'demo', ['keys', 'requests', 'audit']);
  const keys = list(demo['keys'], 'keys').map(verifyKey);
  unique(
    keys.map(({ name }) => name),
    'keys: name',
  );
  const requests = list(demo['requests'], 'requests').map((request, i) =>
    verifyRequest(request, `requests[${i}]`, keys),
  );
  unique(
    requests.map(({ id }) => id),
    'requests: id',
  );
  verifyStory(requests, keys);
  const audit = members(demo['audit'], 'audit', ['verified', 'records']);
  want(audit['verified'] === true, `audit.verified: want true, got ${JSON.stringify(audit['verified'])}`);
  want(Number.isSafeInteger(audit['records']) && Number(audit['records']) > requests.length, 'audit.records: too few');
  return {
    keys: keys.length,
    signed: requests.filter(({ outcome }) => outcome === 'signed').length,
    signatures: requests.reduce((sum, each) => sum + each.signatures, 0),
    denied: requests.filter(({ outcome }) => outcome === 'denied').length,
  };
}

/** Exactly one object: JSON.parse takes nothing before or after it. */
function parse(stdout: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch (error) {
    throw new Error(
      `stdout: want one JSON object and nothing else: ${String(error)}; it begins ${JSON.stringify(stdout.slice(0, 80))}`,
    );
  }
}

function verifyKey(value: unknown, i: number): Key {
  const at = `keys[${i}]`;
  const key = members(value, at, ['name', 'scheme', 'publicKey', 'addresses']);
  const [name, scheme] = [text(key['name'], `${at}.name`), text(key['scheme'], `${at}.scheme`)];
  const publicKey = bytes(key['publicKey'], `${at}.publicKey`, scheme === 'ECDSA' ? 33 : 32);
  const given = members(key['addresses'], `${at}.addresses`);
  const computed: Readonly<Record<string, readonly string[]>> =
    scheme === 'EdDSA'
      ? { solana: [base58.encode(publicKey)] }
      : scheme === 'Schnorr'
        ? { bitcoin: taprootAddresses(publicKey) }
        : scheme === 'ECDSA'
          ? { ethereum: [computeAddress(`0x${hex(publicKey)}`)] }
          : {};
  want(Object.keys(computed).length > 0, `${at}.scheme: no verifier for ${scheme}`);
  want(
    sameNames(Object.keys(given), Object.keys(computed)),
    `${at}.addresses: want ${Object.keys(computed).join(', ')}, got ${Object.keys(given).join(', ')}`,
  );
  for (const [network, addresses] of Object.entries(computed))
    want(
      addresses.includes(String(given[network])),
      `${at}.addresses.${network}: ${String(given[network])} does not belong to the public key`,
    );
  return { name, scheme, publicKey };
}

/** The output key as a taproot address (BIP-350) of main and test networks. */
const taprootAddresses = (outputKey: Uint8Array): readonly string[] =>
  [NETWORK, TEST_NETWORK, { ...TEST_NETWORK, bech32: 'bcrt' }].map((network) =>
    Address(network).encode(OutScript.decode(concat(Uint8Array.of(0x51, 0x20), outputKey))),
  );

type Request = {
  readonly id: string;
  readonly scheme: string;
  readonly kind: string;
  readonly outcome: string;
  readonly reason: string;
  readonly participants: readonly string[];
  readonly signatures: number;
};

function verifyRequest(value: unknown, at: string, keys: readonly Key[]): Request {
  const request = members(value, at, [
    'id',
    'key',
    'kind',
    'outcome',
    'reason',
    'participants',
    'durations',
    'signatures',
    'transaction',
  ]);
  const [id, kind] = [text(request['id'], `${at}.id`), text(request['kind'], `${at}.kind`)];
  const [outcome, reason] = [text(request['outcome'], `${at}.outcome`), text(request['reason'], `${at}.reason`, true)];
  want(formats.includes(kind), `${at}.kind: want a payload's format, got ${kind}`);
  const key = keys.find(({ name }) => name === request['key']);
  if (key === undefined) throw new Error(`${at}.key: no key ${JSON.stringify(request['key'])}`);
  const participants = list(request['participants'], `${at}.participants`).map((name, i) =>
    text(name, `${at}.participants[${i}]`),
  );
  unique(participants, `${at}.participants`);
  verifyDurations(request['durations'], `${at}.durations`, outcome === 'signed');
  const signatures = list(request['signatures'], `${at}.signatures`).map((each, i) =>
    verifySignature(each, `${at}.signatures[${i}]`, key),
  );
  const transaction = bytes(request['transaction'], `${at}.transaction`);

  if (outcome === 'signed') {
    want(reason === '', `${at}.reason: want "" for a signed request, got ${reason}`);
    want(participants.length >= 2, `${at}.participants: want at least two holders, got ${participants.join(', ')}`);
    want(signatures.length >= 1, `${at}.signatures: want at least one of a signed request`);
    want(
      transaction.length > 0 === ['Transaction', 'PSBT'].includes(kind),
      `${at}.transaction: ${transaction.length} bytes do not fit kind ${kind}`,
    );
    if (transaction.length > 0) verifyTransaction(transaction, signatures, kind, key, at);
  } else {
    want(Object.hasOwn(reasons, reason), `${at}.reason: unknown: ${JSON.stringify(reason)}`);
    const means = reasons[reason as keyof typeof reasons].outcome;
    want(outcome === means, `${at}.outcome: want ${means} for ${reason}, got ${outcome}`);
    want(signatures.length === 0 && transaction.length === 0, `${at}: a request that was ${outcome} has signatures`);
  }
  return { id, scheme: key.scheme, kind, outcome, reason, participants, signatures: signatures.length };
}

function verifyDurations(value: unknown, at: string, signed: boolean): void {
  const durations = members(value, at);
  for (const [step, ms] of Object.entries(durations)) {
    want(steps.includes(step), `${at}: no step ${step}`);
    want(
      typeof ms === 'number' && Number.isFinite(ms) && ms >= 0,
      `${at}.${step}: want milliseconds, got ${String(ms)}`,
    );
  }
  for (const step of signed ? ['policy', 'ledger', 'round', 'aggregate', 'total'] : [])
    want(step in durations, `${at}: no ${step}`);
}

type Pair = { readonly message: Uint8Array; readonly signature: Uint8Array };

function verifySignature(value: unknown, at: string, { scheme, publicKey }: Key): Pair {
  const pair = members(value, at, ['message', 'signature']);
  const message = bytes(pair['message'], `${at}.message`);
  const signature = bytes(pair['signature'], `${at}.signature`, scheme === 'ECDSA' ? 65 : 64);
  const good = verifiers[scheme]?.(publicKey, message, signature) === true;
  want(good, `${at}: does not verify as ${scheme}`);
  return { message, signature };
}

const verifiers: Readonly<Record<string, (key: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean>> = {
  EdDSA: verifyEd25519,
  Schnorr: (key, message, signature) => schnorr.verify(signature, message, key),
  // Low s only, as Ethereum wants it.
  ECDSA: (key, message, signature) =>
    secp256k1.verify(signature.subarray(0, 64), message, key, { prehash: false, lowS: true }),
};

function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString('base64url');
  return verify(null, message, createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } }), signature);
}

/** A finished transaction holds its signatures where its network looks for them. */
function verifyTransaction(transaction: Uint8Array, pairs: readonly Pair[], kind: string, key: Key, at: string): void {
  if (key.scheme === 'ECDSA') return verifyEthereum(transaction, pairs, key, at);
  const has = (part: Uint8Array): boolean => Buffer.from(transaction).includes(Buffer.from(part));
  for (const [i, { signature }] of pairs.entries()) want(has(signature), `${at}.transaction: lacks signature ${i}`);
  if (key.scheme !== 'EdDSA') return;
  want(kind === 'Transaction', `${at}.kind: want Transaction of an EdDSA key, got ${kind}`);
  // Solana: a count, the signatures, then the message to the end.
  const [pair] = pairs;
  want(
    pair !== undefined &&
      Buffer.from(transaction)
        .subarray(1 + 64 * (transaction[0] ?? 0))
        .equals(pair.message),
    `${at}.transaction: is not signatures and message`,
  );
}

/** As another library reads it: sent by the key's address, over the very hash that was signed. */
function verifyEthereum(transaction: Uint8Array, pairs: readonly Pair[], key: Key, at: string): void {
  const read = Transaction.from(`0x${hex(transaction)}`);
  want(
    read.from === computeAddress(`0x${hex(key.publicKey)}`) &&
      pairs.length === 1 &&
      read.unsignedHash === `0x${hex(pairs[0]?.message ?? new Uint8Array())}`,
    `${at}.transaction: is not one of ${key.name} over the message that it signed`,
  );
}

/** What the demo sets out to show, one request each at least. */
function verifyStory(requests: readonly Request[], keys: readonly Key[]): void {
  const some = (what: string, test: (request: Request) => boolean): void =>
    want(requests.some(test), `requests: none ${what}`);
  some(
    'is a signed Solana transfer',
    (r) => r.outcome === 'signed' && r.scheme === 'EdDSA' && r.kind === 'Transaction',
  );
  some('is a signed Bitcoin PSBT', (r) => r.outcome === 'signed' && r.scheme === 'Schnorr' && r.kind === 'PSBT');
  // Where the signers have the addon for it.
  if (keys.some(({ scheme }) => scheme === 'ECDSA'))
    want(
      requests.filter((r) => r.outcome === 'signed' && r.scheme === 'ECDSA' && r.kind === 'Transaction').length >= 2,
      'requests: want two signed Ethereum transactions',
    );
  some('is over a limit', (r) => r.reason === 'LimitExceeded');
  some('goes to an unknown destination', (r) => r.reason === 'PolicyDenied' && r.kind !== 'Digest');
  some('is a raw digest that policy refuses', (r) => r.outcome === 'denied' && r.kind === 'Digest');
  some('is unsigned by its initiator', (r) => r.reason === 'InitiatorUnverified');
  want(
    requests.every(({ outcome }) => outcome !== 'failed'),
    'requests: one has no final outcome',
  );
  want(
    requests.filter(({ outcome }) => outcome === 'signed').length >= 4,
    'requests: want two payments, one without the backup and one after the client was back',
  );
}

function want(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

/** An object's members; with `names`, those and no others. */
function members(value: unknown, at: string, names?: readonly string[]): Members {
  want(typeof value === 'object' && value !== null && !Array.isArray(value), `${at}: want an object`);
  const got = Object.keys(value);
  if (names !== undefined)
    want(sameNames(got, names), `${at}: want members ${names.join(', ')}, got ${got.join(', ')}`);
  return value as Members;
}

function list(value: unknown, at: string): readonly unknown[] {
  want(Array.isArray(value), `${at}: want a list`);
  return value;
}

function text(value: unknown, at: string, empty = false): string {
  want(typeof value === 'string' && (empty || value !== ''), `${at}: want text, got ${JSON.stringify(value)}`);
  return value;
}

function bytes(value: unknown, at: string, length?: number): Uint8Array {
  want(
    typeof value === 'string' && /^([0-9a-f]{2})*$/.test(value),
    `${at}: want lowercase hex without prefix, got ${JSON.stringify(value)}`,
  );
  const decoded = Uint8Array.from(Buffer.from(value, 'hex'));
  want(
    length === undefined || decoded.length === length,
    `${at}: want ${length} bytes, got ${decoded.length}: ${hex(decoded.subarray(0, 40))}`,
  );
  return decoded;
}

function unique(values: readonly string[], what: string): void {
  want(new Set(values).size === values.length, `${what}: repeated in ${values.join(', ')}`);
}

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name) => b.includes(name));
