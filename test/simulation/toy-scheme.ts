import { randomBytes } from 'node:crypto';
import { concat, equal, sha256, utf8 } from '../../common/bytes.ts';
import {
  Culprit,
  type FreshCommitment,
  type FrostScheme,
  type KeygenRun,
  type KeyShare,
  type Round1,
  type Scheme,
  type SigningInput,
  type SigningKey,
} from '../../signer/scheme/scheme.ts';

/**
 * A scheme of hashes with the shape and the rules of a real one, and none of its security: shares that anyone can
 * compute, but each nonce signs once, wrong shares have a culprit, and a signature is of one key and message. It makes
 * a simulated wallet a hundred times faster; what is simulated are the ceremonies, not the arithmetic.
 */
export const toyScheme = (name: FrostScheme, random: (length: number) => Uint8Array = systemRandom): Scheme => ({
  name,
  engine: 'noble',
  keygen: (identifier, threshold, parties) => keygen(name, random, identifier, threshold, parties),
  open: async (key) => {
    if (!equal(key.share, shareOf(key.groupKey, key.identifier))) throw new Error('share does not match');
    return signingKey(key, random);
  },
  verify: (publicKey, message, signature) => equal(signature, signatureOf(publicKey, message)),
});

export const systemRandom = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));

/** A point's length: with a parity byte before it where the scheme has one. */
const point = (name: FrostScheme, x: Uint8Array): Uint8Array => (name === 'EdDSA' ? x : concat(Uint8Array.of(2), x));
export const hash = (...parts: readonly (Uint8Array | string | number)[]): Uint8Array =>
  sha256(
    concat(
      ...parts.map((part) =>
        part instanceof Uint8Array ? concat(Uint8Array.of(part.length), part) : utf8(`${part};`),
      ),
    ),
  );
export const shareOf = (groupKey: Uint8Array, identifier: number): Uint8Array => hash('share', groupKey, identifier);
const signatureOf = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => {
  const half = hash('signature', publicKey, message);
  return concat(half, half);
};
const signatureShare = (hiding: Uint8Array, message: Uint8Array): Uint8Array =>
  hash('signature share', hiding, message);

function keygen(
  name: FrostScheme,
  random: (length: number) => Uint8Array,
  me: number,
  threshold: number,
  parties: number,
): KeygenRun {
  const own: Round1 = {
    commitment: Array.from({ length: threshold }, () => point(name, random(32))),
    proof: random(64),
  };
  const all = new Map([[me, own]]);
  const shareFor = (from: Round1, to: number): Uint8Array => hash('secret', ...from.commitment, to);
  return {
    round1: async () => own,
    async round2(others) {
      for (const [identifier, round1] of others) all.set(identifier, round1);
      return new Map([...others.keys()].map((identifier) => [identifier, shareFor(own, identifier)]));
    },
    async round3(shares) {
      const wrong = [...shares]
        .filter(([from, share]) => !equal(share, shareFor(all.get(from) as Round1, me)))
        .map(([from]) => from);
      if (wrong.length > 0) throw new Culprit(wrong, `shares of ${wrong.join(', ')} are wrong`);
      const constants = [...all].toSorted(([a], [b]) => a - b).map(([, { commitment }]) => commitment[0] as Uint8Array);
      const groupKey = point(name, hash('group', ...constants));
      const verificationShares = Array.from({ length: parties }, (_, i) =>
        point(name, hash('public share', groupKey, i + 1)),
      );
      const key: KeyShare = { identifier: me, threshold, share: shareOf(groupKey, me), groupKey, verificationShares };
      return { key, internalKey: name === 'EdDSA' ? new Uint8Array() : groupKey.slice(1) };
    },
    close() {},
  };
}

function signingKey({ groupKey, threshold }: KeyShare, random: (length: number) => Uint8Array): SigningKey {
  const nonces = new Map<number, Uint8Array>();
  const publicKey = groupKey.length === 32 ? groupKey : groupKey.slice(1);
  let made = 0;
  return {
    async commit(count): Promise<readonly FreshCommitment[]> {
      return Array.from({ length: count }, () => {
        const hiding = random(groupKey.length);
        nonces.set(++made, hiding);
        return { nonce: made, hiding, binding: random(groupKey.length) };
      });
    },
    async sign(nonce, { message, commitments }: SigningInput) {
      const hiding = nonces.get(nonce);
      nonces.delete(nonce);
      if (hiding === undefined) throw new Error(`nonce ${nonce} is unknown or used`);
      if (commitments.size < threshold) throw new Error('too small a quorum');
      return signatureShare(hiding, message);
    },
    discard: (burnt) => burnt.forEach((nonce) => nonces.delete(nonce)),
    async aggregate({ message, commitments }, shares) {
      const wrong = [...commitments]
        .filter(([i, { hiding }]) => !equal(shares.get(i) ?? new Uint8Array(), signatureShare(hiding, message)))
        .map(([i]) => i);
      if (wrong.length > 0) throw new Culprit(wrong, `signature shares of ${wrong.join(', ')} are wrong`);
      return signatureOf(publicKey, message);
    },
    close: () => nonces.clear(),
  };
}
