import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { utf8 } from '../../common/bytes.ts';
import { parseConnection, connectionOf, encodeConnection } from '../../client/connection.ts';
import { readNotSigned } from '../../client/sign-result.ts';
import { fakeWallet } from '../../client/testing/fake-wallet.ts';
import { verifyWalletFacts } from '../../client/wallet-facts.ts';
import * as peerProto from '../../proto/gen/signer/v1/peer.ts';
import * as signerProto from '../../proto/gen/signer/v1/signer.ts';
import { decodeBatch, encodeBatch, encodeBody } from '../../signer/peers/link-codec.ts';
import type { PeerBody } from '../../signer/peers/peers.ts';
import { decodeKeyShare, encodeKeyShare } from '../../signer/scheme/key-share.ts';
import type { FrostScheme } from '../../signer/scheme/scheme.ts';
import { keyFileSeal } from '../../signer/state/key-file-seal.ts';
import { openSealed, sealBytes } from '../../signer/state/seal.ts';
import { fromUtf8Text } from './decoders-statement.ts';
import type { Decoder } from './decoder.ts';
import { filled, protobuf } from './decoder-kinds.ts';
import { scratchFolder } from './scratch-folder.ts';

const wallet = fakeWallet();
const pins = { fingerprints: wallet.holders.map(({ fingerprint }) => fingerprint) };
const verified = verifyWalletFacts(wallet.facts, pins);
const endpoints = new Map([
  ['infrastructure', '[::1]:8001'],
  ['client', '127.0.0.1:8002'],
]);
const connection = utf8(encodeConnection(connectionOf(verified, endpoints)));

const head = { sequence: 41n, hash: new Uint8Array(32).fill(4) };
const signatures = [{ holder: 'client', signature: 'c2lnbmF0dXJl' }];
const request = { statement: Buffer.from('{}'), signature: 'armored', approvals: [] };
const reply = {
  digest: 'sha256:11',
  outcome: 'denied',
  reason: 'Malformed',
  message: 'no',
  durations: { total: 1.5 },
  waitsFor: ['backup'],
};

const bodies: readonly PeerBody[] = [
  {
    $case: 'hello',
    value: filled(peerProto.Hello, {
      genesis: wallet.genesisDigest,
      holder: 'client',
      boot: Buffer.alloc(16),
      remembered: head,
      spendsSeen: 3n,
      version: '0.1.0',
    }),
  },
  { $case: 'heartbeat', value: { stamp: 7n, answer: true } },
  { $case: 'forward', value: { correlation: 1n, request } },
  {
    $case: 'keygenRound1',
    value: { key: 'solana', attempt: 1n, commitment: [Buffer.alloc(32)], proof: Buffer.alloc(64) },
  },
  { $case: 'keygenAbandon', value: { key: 'solana', scheme: 'EdDSA', attempt: 2n, signatures } },
  { $case: 'ask', value: { digest: Buffer.alloc(32) } },
];
const batch = (of: readonly PeerBody[]): Uint8Array => Uint8Array.from(encodeBatch(head, of.map(encodeBody)));

const share = (scheme: FrostScheme): Decoder => {
  const length = scheme === 'EdDSA' ? 32 : 33;
  const point = (byte: number): Uint8Array => new Uint8Array(length).fill(byte);
  const key = {
    identifier: 2,
    threshold: 2,
    share: new Uint8Array(32).fill(1),
    groupKey: point(2),
    verificationShares: [3, 4, 5].map(point),
  };
  return {
    name: `key share ${scheme}`,
    seeds: [encodeKeyShare(scheme, key)],
    decode: (bytes) => encodeKeyShare(scheme, decodeKeyShare(scheme, bytes)),
  };
};

const folder = scratchFolder();
const kek = join(folder, 'kek');
writeFileSync(kek, randomBytes(32).toString('base64'), { mode: 0o600 });
const seal = keyFileSeal(kek);
const words = ['payments/treasury', 'client', 'identity'];
const sealed = await sealBytes(seal, utf8('secret'), words);
const other = join(folder, 'other');

export const signerDecoderTable: readonly Decoder[] = [
  {
    name: 'peer batch',
    seeds: [batch(bodies), ...bodies.map((body) => batch([body]))],
    decode(bytes) {
      decodeBatch(bytes);
      return undefined;
    },
    structured: fc
      .array(
        fc.oneof(
          fc.constantFrom(...bodies).map((body) => encodeBody(body)),
          fc.uint8Array(),
        ),
        { maxLength: 9 },
      )
      .map((parts) => Uint8Array.from(encodeBatch(head, parts))),
    mostBytes: 1 << 20,
  },
  protobuf('Description', signerProto.Description, {
    wallet: 'payments/treasury',
    holder: 'client',
    identity: Buffer.alloc(44),
    keys: [filled(signerProto.KeyState, { name: 'solana', state: 'Active' })],
    peers: [filled(signerProto.PeerState, {})],
  }),
  protobuf('WalletFacts', signerProto.WalletFacts, wallet.facts, (facts) => void verifyWalletFacts(facts, pins)),
  protobuf('SignRequest', signerProto.SignRequest, request),
  protobuf('SignReply', signerProto.SignReply, reply, (given) => void readNotSigned(given, reply.digest)),
  protobuf('ProvisionRequest', signerProto.ProvisionRequest, { genesis: wallet.facts.genesis }),
  protobuf('OutcomeEvent', signerProto.OutcomeEvent, { sequence: 4n, type: 'Signed', participants: ['client'] }),
  protobuf('AuditRecord', signerProto.AuditRecord, { sequence: 4n, record: utf8('{}'), hash: new Uint8Array(32) }),
  share('EdDSA'),
  share('Schnorr'),
  {
    name: 'sealed data',
    seeds: [sealed],
    // Nothing but what was sealed opens.
    decode: async (bytes) => {
      await openSealed(seal, bytes, words);
      return sealed;
    },
  },
  {
    name: 'seal key file',
    seeds: [randomBytes(32), utf8(randomBytes(32).toString('base64'))].map((key) => Uint8Array.from(key)),
    decode(bytes) {
      writeFileSync(other, bytes, { mode: 0o600 });
      keyFileSeal(other);
      return undefined;
    },
  },
  {
    name: 'connection file',
    seeds: [connection],
    decode: (bytes) => {
      const text = fromUtf8Text(bytes);
      return utf8(encodeConnection(parseConnection(text)));
    },
    mostBytes: 128 * 1024,
  },
];
