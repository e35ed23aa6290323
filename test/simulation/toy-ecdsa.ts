import { secp256k1 } from '@noble/curves/secp256k1.js';
import { concat, equal } from '../../common/bytes.ts';
import { keyAt } from '../../policy/child-key.ts';
import {
  Banned,
  Culprit,
  type EcdsaScheme,
  type FreshCommitment,
  type Heard,
  type KeygenResult,
  type KeyShare,
  type RoundsKeygenRun,
  type Said,
  type SigningKey,
  Suspects,
} from '../../signer/scheme/scheme.ts';
import { hash, shareOf, systemRandom } from './toy-scheme.ts';

/**
 * ECDSA as {@link toyScheme} is FROST: three rounds of key generation, two steps and a share of a signature, with the
 * faults of the real one and none of its security. A wrong step bans, a wrong share has only suspects.
 */
export const toyEcdsa = (random: (length: number) => Uint8Array = systemRandom): EcdsaScheme => ({
  name: 'ECDSA',
  engine: 'dkls23',
  keygen: (identifier, threshold, parties, session) => keygen(random, identifier, threshold, parties, session),
  open: async (key) => {
    if (!equal(key.share, shareOf(key.groupKey, key.identifier))) throw new Error('share does not match');
    return signingKey(key, random);
  },
  verify: (publicKey, message, signature) => equal(signature, signatureOf(publicKey, message)),
});

const signatureOf = (publicKey: Uint8Array, message: Uint8Array): Uint8Array => {
  const half = hash('signature', publicKey, message);
  return concat(half, half, Uint8Array.of(0));
};

const chainCodeOf = (groupKey: Uint8Array): Uint8Array => hash('chain code', groupKey);

function keygen(
  random: (length: number) => Uint8Array,
  me: number,
  threshold: number,
  parties: number,
  session: Uint8Array,
): RoundsKeygenRun {
  const own = random(32);
  const others = Array.from({ length: parties }, (_, i) => i + 1).filter((i) => i !== me);
  const nothing = new Uint8Array();
  const secrets = (round: number): ReadonlyMap<number, Uint8Array> =>
    new Map(others.map((to) => [to, hash('secret', session, own, round, to)]));
  const heard: Heard[] = [];
  const said = [
    (): Said => ({ broadcast: nothing, secrets: secrets(1) }),
    (): Said => ({ broadcast: hash('commitment', session, own), secrets: secrets(2) }),
    (): Said => ({ broadcast: own, secrets: secrets(3) }),
  ];
  let done = 0;
  return {
    rounds: 3,
    async round(received) {
      if (done > 0) heard.push(received);
      const say = said[done++];
      if (say === undefined) throw new Error('no such round');
      // What the caller keeps is its own to erase.
      return structuredClone(say());
    },
    async finish(received): Promise<KeygenResult> {
      heard.push(structuredClone(received));
      const opened = new Map(others.map((i) => [i, received.get(i)?.broadcast ?? nothing]));
      const wrong = others.filter((i) => {
        const value = opened.get(i) as Uint8Array;
        return (
          !equal(heard[1]?.get(i)?.broadcast ?? nothing, hash('commitment', session, value)) ||
          !equal(received.get(i)?.secret ?? nothing, hash('secret', session, value, 3, me))
        );
      });
      if (wrong.length > 0) throw new Culprit(wrong, `messages of ${wrong.join(', ')} are wrong`);
      const all = [...opened, [me, own] as const].toSorted(([a], [b]) => a - b).map(([, value]) => value);
      // A point of the curve, for children are derived of it.
      const groupKey = secp256k1.getPublicKey(hash('group', ...all));
      const verificationShares = Array.from({ length: parties }, (_, i) =>
        concat(Uint8Array.of(2), hash('public share', groupKey, i + 1)),
      );
      const key: KeyShare = { identifier: me, threshold, share: shareOf(groupKey, me), groupKey, verificationShares };
      return { key, internalKey: nothing, chainCode: chainCodeOf(groupKey) };
    },
    close() {},
  };
}

function signingKey(
  { groupKey, threshold, identifier: me }: KeyShare,
  random: (length: number) => Uint8Array,
): SigningKey {
  const nonces = new Set<number>();
  let made = 0;
  const step = (n: number, session: Uint8Array, message: Uint8Array, from: number, to: number): Uint8Array =>
    hash('step', n, session, message, from, to);
  const shareFor = (id: number, message: Uint8Array): Uint8Array =>
    concat(hash('x', groupKey, message), hash('u', id, message), hash('w', id, message));
  return {
    async commit(count): Promise<readonly FreshCommitment[]> {
      return Array.from({ length: count }, () => {
        nonces.add(++made);
        return { nonce: made, hiding: random(32), binding: new Uint8Array() };
      });
    },
    async sign(nonce, { message, commitments }, exchange) {
      if (!nonces.delete(nonce)) throw new Error(`nonce ${nonce} is unknown or used`);
      if (exchange === undefined) throw new Error('no exchange');
      if (commitments.size < threshold) throw new Error('too small a quorum');
      const others = [...commitments.keys()].filter((id) => id !== me);
      for (const n of [1, 2]) {
        exchange.send(n, new Map(others.map((id) => [id, step(n, exchange.session, message, me, id)])));
        for (const [id, payload] of await exchange.receive(n))
          if (payload.length !== 32) throw new Culprit([id], `step ${n} of identifier ${id} is malformed`);
          else if (!equal(payload, step(n, exchange.session, message, id, me)))
            throw new Banned(id, `step ${n} of identifier ${id} is wrong`);
      }
      return shareFor(me, message);
    },
    discard: (burnt) => burnt.forEach((nonce) => nonces.delete(nonce)),
    async aggregate({ message, commitments, path = '' }, shares) {
      const wrong = [...commitments.keys()].some(
        (id) => !equal(shares.get(id) ?? new Uint8Array(), shareFor(id, message)),
      );
      if (wrong)
        throw new Suspects(
          [...commitments.keys()].filter((id) => id !== me),
          'the signature does not verify',
        );
      const root = { scheme: 'ECDSA', bytes: groupKey, chainCode: chainCodeOf(groupKey) } as const;
      return signatureOf(keyAt(root, path).bytes, message);
    },
    close: () => nonces.clear(),
  };
}
