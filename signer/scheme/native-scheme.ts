import { concat, secretBytes, secretCopy } from '../../common/bytes.ts';
import type { Addon } from '../native/addon.ts';
import type { FrostKey, FrostKeygen } from '../native/index.d.ts';
import { valueOf } from '../native/outcome.ts';
import { dklsScheme } from './dkls-scheme.ts';
import {
  checkedBroadcasts,
  checkedCommitments,
  checkedShares,
  checkParties,
  checkSignatureShares,
  exactLength,
  type Parties,
} from './frost-shapes.ts';
import { SCALAR_LENGTH } from './frost-suite.ts';
import {
  type FreshCommitment,
  type FrostScheme,
  type KeygenRun,
  type KeyShare,
  POINT_BYTES,
  type Scheme,
  type Schemes,
  type SigningInput,
  type SigningKey,
} from './scheme.ts';
import { verifySignature } from './verify.ts';

/**
 * Where shares and aggregates are computed: at 0.1 to 0.3 ms each the thread pool would cost more than it takes off
 * the event loop, unless there are cores to spare. Everything longer runs there anyway.
 */
export type Placement = 'caller' | 'pool';

/** `name` by the addon. Checks what has a wrong shape; everything else is the addon's to refuse. */
export function nativeScheme(
  name: FrostScheme,
  { FrostKey, FrostKeygen }: Addon,
  placement: Placement = 'caller',
): Scheme {
  return {
    name,
    engine: 'frost',
    keygen(identifier, threshold, parties) {
      const among = { me: identifier, threshold, parties };
      const begin = (): FrostKeygen => {
        checkParties(identifier, threshold, parties);
        return valueOf(FrostKeygen.begin(name, identifier, threshold, parties));
      };
      return keygenRun(name, among, begin);
    },
    async open(key: KeyShare) {
      const { identifier, threshold, share, groupKey, verificationShares } = key;
      const parties = verificationShares.length;
      checkParties(identifier, threshold, parties);
      exactLength(share, SCALAR_LENGTH, 'share');
      exactLength(groupKey, POINT_BYTES[name], 'group key');
      verificationShares.forEach((v, i) => exactLength(v, POINT_BYTES[name], `verification share ${i + 1}`));
      const points = concat(...verificationShares);
      const opened = await FrostKey.open(name, identifier, threshold, parties, share, groupKey, points);
      return signingKey(name, { me: identifier, threshold, parties }, valueOf(opened), placement);
    },
    verify: (publicKey, message, signature) => verifySignature(name, publicKey, message, signature),
  };
}

/** All schemes by the addon: nothing to start, and nothing that could stop. */
export function nativeSchemes(addon: Addon): Schemes {
  const schemes = { EdDSA: nativeScheme('EdDSA', addon), Schnorr: nativeScheme('Schnorr', addon) };
  const ecdsa = dklsScheme(addon);
  return { engine: 'frost', get: (name) => schemes[name], ecdsa: () => ecdsa, close: async () => {} };
}

function keygenRun(name: FrostScheme, parties: Parties, begin: () => FrostKeygen): KeygenRun {
  const points = POINT_BYTES[name];
  let closed = false;
  let started: FrostKeygen | undefined;
  const run = (): FrostKeygen => {
    if (closed) throw new Error('keygen is closed');
    started ??= begin();
    return started;
  };
  return {
    async round1() {
      const said = valueOf(await run().round1());
      const proof = parties.threshold * points;
      return { commitment: pieces(said.slice(0, proof), points), proof: said.slice(proof) };
    },
    async round2(others) {
      const broadcasts = checkedBroadcasts(name, parties, others);
      const records = pack(broadcasts.map(([i, { commitment, proof }]) => [i, ...commitment, proof]));
      const said = valueOf(await run().round2(records));
      const shares = new Map<number, Uint8Array>();
      for (let at = 0; at < said.length; at += 1 + SCALAR_LENGTH)
        shares.set(said[at] as number, secretCopy(said.subarray(at + 1, at + 1 + SCALAR_LENGTH)));
      said.fill(0);
      return shares;
    },
    async round3(received) {
      const records = pack(checkedShares(parties, received));
      const generating = run().round3(records);
      records.fill(0);
      const { share, groupKey, verificationShares, internalKey } = valueOf(await generating);
      return {
        key: {
          identifier: parties.me,
          threshold: parties.threshold,
          share,
          groupKey,
          verificationShares: pieces(verificationShares, points),
        },
        internalKey,
      };
    },
    close() {
      closed = true;
      started?.close();
    },
  };
}

function signingKey(name: FrostScheme, parties: Parties, key: FrostKey, placement: Placement): SigningKey {
  const points = POINT_BYTES[name];
  const packCommitments = (input: SigningInput): Uint8Array =>
    pack(checkedCommitments(name, parties, input).map((c) => [c.identifier, c.hiding, c.binding]));
  return {
    async commit(count) {
      if (!Number.isInteger(count) || count < 1) throw new Error(`want 1 or more nonces, got ${count}`);
      const { first, commitments } = valueOf(await key.commit(count));
      const made = pieces(commitments, points);
      return Array.from({ length: count }, (_, i): FreshCommitment => {
        return { nonce: first + i, hiding: made[2 * i] as Uint8Array, binding: made[2 * i + 1] as Uint8Array };
      });
    },
    async sign(nonce, input) {
      let commitments: Uint8Array;
      try {
        commitments = packCommitments(input);
      } catch (error) {
        // Burnt whatever comes of it, as where the addon refuses.
        key.discard([nonce]);
        throw error;
      }
      return placement === 'caller'
        ? valueOf(key.sign(nonce, commitments, input.message))
        : valueOf(await key.signLater(nonce, commitments, input.message));
    },
    discard: (nonces) => key.discard(nonces),
    async aggregate(input, shares) {
      const commitments = packCommitments(input);
      checkSignatureShares(input, shares);
      const records = pack([...shares].sort(([a], [b]) => a - b));
      return placement === 'caller'
        ? valueOf(key.aggregate(commitments, records, input.message))
        : valueOf(await key.aggregateLater(commitments, records, input.message));
    },
    close: () => key.close(),
  };
}

/** Records as the addon reads them. They may have secrets in them. */
function pack(records: readonly (readonly [identifier: number, ...Uint8Array[]])[]): Uint8Array {
  const length = records.reduce((sum, [, ...parts]) => sum + parts.reduce((n, part) => n + part.length, 1), 0);
  const packed = secretBytes(length);
  let at = 0;
  for (const [identifier, ...parts] of records) {
    packed[at++] = identifier;
    for (const part of parts) {
      packed.set(part, at);
      at += part.length;
    }
  }
  return packed;
}

/** `bytes` cut into pieces of `length`, each over memory of its own. */
const pieces = (bytes: Uint8Array, length: number): Uint8Array[] =>
  Array.from({ length: bytes.length / length }, (_, i) => bytes.slice(i * length, (i + 1) * length));
