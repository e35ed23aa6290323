import { createPublicKey, verify as verifyByOpenssl } from 'node:crypto';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { HDKey } from '@scure/bip32';
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256, utf8 } from '../../common/bytes.ts';
import { blame, failure } from '../../test/ecdsa-lies.ts';
import {
  attempt,
  contributions,
  type Keys,
  openAll,
  Parties,
  random,
  sharesOf,
  signed,
  Talk,
} from '../../test/ecdsa-parties.ts';
import { quorumsOf } from '../../test/frost-parties.ts';
import { dklsScheme } from './dkls-scheme.ts';
import type { KeygenResult } from './scheme.ts';
import { dklsAddon } from './testing/dkls-addon.ts';

const scheme = dklsScheme(dklsAddon);

/** Keys of 2 of 3 and 3 of 5, by identifier - 1. */
let made: readonly KeygenResult[];
let ofFive: readonly KeygenResult[];
beforeAll(async () => {
  made = await new Parties(scheme, 2, 3).all();
  ofFive = await new Parties(scheme, 3, 5).all();
}, 60_000);
const open = (): Promise<Keys> => openAll(scheme, made);

/** By implementations that share nothing with the engine. */
function expectSignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): void {
  const hash = sha256(message);
  expect(signature).toHaveLength(65);
  expect(scheme.verify(publicKey, hash, signature)).toBe(true);
  const rs = signature.subarray(0, 64);
  expect(secp256k1.verify(rs, hash, publicKey, { prehash: false, lowS: true })).toBe(true);
  const recovered = Uint8Array.of(signature[64]!, ...rs);
  expect(secp256k1.recoverPublicKey(recovered, hash, { prehash: false })).toEqual(publicKey);
  const point = secp256k1.Point.fromBytes(publicKey).toBytes(false);
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((n) => Buffer.from(n).toString('base64url'));
  const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'secp256k1', x: x!, y: y! } });
  expect(verifyByOpenssl('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, rs)).toBe(true);
}

describe('a key of ECDSA', () => {
  it.each([
    [2, 3],
    [3, 5],
  ])('%i of %i: everybody holds a share of it, and every quorum signs under it', async (t, n) => {
    const results = n === 3 ? made : ofFive;
    const [first] = results;
    for (const [i, { key, internalKey, chainCode }] of results.entries()) {
      expect(key.identifier).toBe(i + 1);
      expect(key.threshold).toBe(t);
      expect(key.groupKey).toEqual(first!.key.groupKey);
      expect(key.verificationShares).toEqual(first!.key.verificationShares);
      expect(chainCode).toEqual(first!.chainCode);
      expect(internalKey).toHaveLength(0);
      expect(key.groupKey).toHaveLength(33);
      expect(chainCode).toHaveLength(32);
    }
    const keys = await openAll(scheme, results);
    for (const [i, quorum] of quorumsOf(t, n).entries()) {
      const message = utf8(`payment ${i}`);
      const signature = await signed(keys, i % 2 === 0 ? quorum : quorum.toReversed(), { hash: sha256(message) });
      expectSignature(first!.key.groupKey, message, signature);
    }
  });

  it('gives no share where a member was told of another quorum, and nobody is to blame', async () => {
    const keys = await openAll(scheme, ofFive);
    const { outcomes } = await attempt(keys, [1, 2, 3], {
      told: (i, input) => {
        if (i !== 2) return input;
        const commitments = new Map(input.commitments).set(4, input.commitments.get(3)!);
        commitments.delete(3);
        return { ...input, commitments };
      },
    });
    const why = [...outcomes.values()].map((o) => (o.status === 'rejected' ? o.reason : expect.unreachable()) as Error);
    expect(why.map(blame)).toEqual(['nobody', 'nobody', 'nobody']);
    expect(why[0]!.message).toMatch('different signing session');
    expect(why[1]!.message).toMatch('want messages of identifiers [1, 4], got [1, 3]');
    await expect(signed(keys, [1, 2, 3])).resolves.toHaveLength(65);
  });

  it('signs with its children, which BIP-32 derives from what the certificate says', async () => {
    const keys = await open();
    const { key, chainCode } = made[0]!;
    const root = new HDKey({ publicKey: key.groupKey, chainCode: chainCode! });
    const message = utf8('from an address of its own');
    for (const path of ['m/0', 'm/1/2147483647', 'm/44/60/0/0/7/1/2/3/4/5']) {
      const child = root.derive(path);
      expectSignature(child.publicKey!, message, await signed(keys, [1, 3], { hash: sha256(message), path }));
    }
    const deep = await failure(signed(keys, [1, 3], { path: `m${'/0'.repeat(11)}` }));
    expect(deep.message).toMatch('want a path of 1 to 10 numbers');
    expect((await failure(signed(keys, [1, 3], { path: "m/0'" }))).message).toMatch('none of them hardened');
  });

  it('is derived natively as BIP-32 has it, chain codes included', async () => {
    const { key, chainCode } = made[1]!;
    const { identifier, threshold, share, groupKey, verificationShares } = key;
    const opened = await dklsAddon.dklsOpen({
      identifier,
      threshold,
      parties: 3,
      share,
      groupKey,
      verificationShare: verificationShares[1]!,
    });
    if ('fault' in opened) return expect.unreachable(opened.message);
    const root = new HDKey({ publicKey: groupKey, chainCode: chainCode! });
    // More paths than are kept at hand, and one of them again.
    for (const path of [...Array.from({ length: 12 }, (_, i) => `m/${i}/${i * 1000}`), 'm/0/0']) {
      const child = root.derive(path);
      expect(await opened.child(path)).toEqual({ publicKey: child.publicKey, chainCode: child.chainCode });
    }
  });

  it('signs many things at once', async () => {
    const keys = await open();
    const messages = Array.from({ length: 24 }, (_, i) => utf8(`at once ${i}`));
    const signatures = await Promise.all(
      messages.map((message, i) =>
        signed(
          keys,
          [
            [1, 2],
            [1, 3],
            [2, 3],
          ][i % 3]!,
          { hash: sha256(message) },
        ),
      ),
    );
    for (const [i, message] of messages.entries()) expectSignature(made[0]!.key.groupKey, message, signatures[i]!);
    expect(new Set(signatures.map((signature) => signature.join())).size).toBe(24);
  });

  it('makes its signature at any holder, from the shares of a quorum without it', async () => {
    const keys = await open();
    const message = utf8('for all to see');
    const { input, outcomes } = await attempt(keys, [1, 2], { hash: sha256(message) });
    expectSignature(made[0]!.key.groupKey, message, await keys.get(3)!.aggregate(input, sharesOf(outcomes)));
  });

  it('opens only as the share it is', async () => {
    const { key } = made[0]!;
    const [own, other] = key.verificationShares as [Uint8Array, Uint8Array];
    const changed = key.share.slice();
    changed[40]! ^= 1;
    for (const [wrong, why] of [
      [{ ...key, identifier: 2 }, 'want identifier 2'],
      [{ ...key, threshold: 3 }, 'want identifier 1, 3 of 3, got 1, 2 of 3'],
      [{ ...key, verificationShares: [own, other] }, 'want identifier 1, 2 of 2, got 1, 2 of 3'],
      [{ ...key, groupKey: own }, 'does not match the group key'],
      [{ ...key, verificationShares: [other, own, own] }, 'does not match its verification share'],
      [{ ...key, share: key.share.slice(1) }, 'key share: want version 1'],
      [{ ...key, share: new Uint8Array() }, 'key share: want version 1'],
      [{ ...key, share: changed }, 'key share'],
    ] as const)
      await expect(scheme.open(wrong), why).rejects.toThrow(why);
  });

  it('keeps working after the caller erases what it handed over', async () => {
    const copies = made.map((result) => ({ ...result, key: { ...result.key, share: result.key.share.slice() } }));
    const keys = await openAll(scheme, copies);
    for (const { key } of copies) key.share.fill(0);
    await expect(signed(keys, [1, 2])).resolves.toHaveLength(65);
  });
});

describe('contributions', () => {
  it('are used once, also when signing with them failed', async () => {
    const keys = await open();
    const fresh = await contributions(keys, [1, 2]);
    await signed(keys, [1, 2], { fresh });
    expect((await failure(signed(keys, [1, 2], { fresh }))).message).toMatch(/nonce \d+ is unknown or used/);

    const again = await contributions(keys, [1, 2]);
    const wrong = await attempt(keys, [1, 2], { fresh: again, hash: new Uint8Array(31) });
    expect((await failure((async () => sharesOf(wrong.outcomes))())).message).toMatch(
      'want a hash of 32 bytes, got 31',
    );
    expect((await failure(signed(keys, [1, 2], { fresh: again }))).message).toMatch('unknown or used');
  });

  it('are of no use once discarded, nor after close', async () => {
    const keys = await open();
    const fresh = await contributions(keys, [1, 2]);
    keys.get(1)!.discard([fresh.get(1)!.nonce]);
    expect((await failure(signed(keys, [1, 2], { fresh }))).message).toMatch('unknown or used');
    keys.get(2)!.close();
    await expect(keys.get(2)!.aggregate({ message: random(), commitments: new Map() }, new Map())).rejects.toThrow(
      'closed',
    );
    await expect(keys.get(3)!.commit(4097)).rejects.toThrow('want 1 to 4096');
    await keys.get(3)!.commit(4096);
    await expect(keys.get(3)!.commit(1)).rejects.toThrow('want 1 to 0');
  });

  it('are the signer’s own, of its length and in a quorum as large as the threshold', async () => {
    const keys = await open();
    const sign = async (
      change: (fresh: Map<number, { nonce: number; hiding: Uint8Array; binding: Uint8Array }>) => void,
    ) => {
      const fresh = await contributions(keys, [1, 2]);
      const { nonce } = fresh.get(1)!;
      change(fresh);
      return failure(
        keys.get(1)!.sign(nonce, { message: random(), commitments: fresh }, new Talk(random(), [1, 2]).of(1)),
      );
    };
    const other = (await keys.get(1)!.commit(1))[0]!;
    expect((await sign((f) => f.set(1, other))).message).toMatch('want the commitment of nonce');
    expect((await sign((f) => f.set(2, { ...other, hiding: random(31) }))).message).toMatch('want 32 bytes, got 31');
    expect((await sign((f) => f.set(2, { ...other, binding: random(1) }))).message).toMatch('want 0 bytes, got 1');
    expect((await sign((f) => f.set(3, other))).message).toMatch('want a quorum of 2 of 3');
    expect((await sign((f) => f.set(4, f.get(2)!) && f.delete(2))).message).toMatch('want a quorum of 2 of 3');
    const fresh = await contributions(keys, [1, 2]);
    const alone = keys.get(1)!.sign(fresh.get(1)!.nonce, { message: random(), commitments: fresh });
    await expect(alone).rejects.toThrow('want an exchange');
  });
});
