import { describe, expect, it } from 'vitest';
import { BadCommitment, Culprit } from '../signer/scheme/scheme.ts';
import type {
  KeygenResult,
  KeygenRun,
  NonceCommitment,
  Round1,
  Scheme,
  SigningInput,
} from '../signer/scheme/scheme.ts';
import { publicKeyOf } from '../signer/scheme/frost-suite.ts';
import {
  commitAll,
  exchanged,
  type Fresh,
  generate,
  inputOf,
  type Keys,
  type SchemeOf,
  sharesOf,
  signWith,
} from './frost-parties.ts';

/** Keys of each size under which quorums sign. `scheme` is asked for anew by each test. */
export function sizesSuite(scheme: () => Scheme, sizes: readonly (readonly [t: number, n: number])[]): void {
  it.each(sizes)('%i of %i: everybody holds a share of one key, and quorums sign under it', async (t, n) => {
    const keys = await generate(scheme, t, n);
    const [first] = keys;
    keys.forEach(({ key, internalKey }, i) => {
      expect(key.identifier).toBe(i + 1);
      expect(key.threshold).toBe(t);
      expect(key.groupKey).toEqual(first!.key.groupKey);
      expect(key.verificationShares).toEqual(first!.key.verificationShares);
      expect(internalKey).toEqual(first!.internalKey);
      expect(internalKey).toHaveLength(scheme().name === 'EdDSA' ? 0 : 32);
    });
    const all = Array.from({ length: n }, (_, i) => i + 1);
    // Both ends, all at once, and so many between them that each holder signs in one of the smallest; every quorum
    // signs in test/integration/scheme-quorums.test.ts.
    const between = Array.from({ length: Math.ceil(n / t) }, (_, i) => Math.min(i * t, n - t));
    const quorums =
      t === n
        ? [all.toReversed()]
        : [...between.map((first) => all.slice(first, first + t)), all.slice(n - t).toReversed(), all];
    expect(new Set(quorums.filter((quorum) => quorum.length === t).flat()).size).toBe(n);
    for (const quorum of quorums) {
      const { signature, message } = await signWith(scheme, keys, quorum);
      const publicKey = publicKeyOf(scheme().name, first!.key.groupKey);
      expect(scheme().verify(publicKey, message, signature)).toBe(true);
      expect(scheme().verify(publicKey, Uint8Array.of(...message, 0), signature)).toBe(false);
    }
  });
}

/** What every engine of every scheme has to pass. `scheme` is asked for anew by each test. */
export function schemeSuite(title: string, scheme: () => Scheme): void {
  describe(title, () => {
    sizesSuite(scheme, [
      [2, 2],
      [2, 3],
      [3, 5],
    ]);

    describe('key generation', () => {
      it('names whose proof of knowledge is wrong', async () => {
        const { run, broadcasts } = await started(scheme, 2, 3);
        const proof = flipped(broadcasts.get(3)!.proof);
        const error = await failure(run.round2(new Map(broadcasts).set(3, { ...broadcasts.get(3)!, proof })));
        expectCulprits(error, [3]);
      });

      it('names everybody whose broadcast is wrong, and nobody else', async () => {
        const { run, broadcasts } = await started(scheme, 2, 4);
        // A proof belongs to one identifier: two honest packages swapped are two wrong ones.
        const swapped = new Map(broadcasts).set(2, broadcasts.get(4)!).set(4, broadcasts.get(2)!);
        expectCulprits(await failure(run.round2(swapped)), [2, 4]);
      });

      it('names whose proof is for a key that is not its own: a broadcast made from another one', async () => {
        const { run, broadcasts } = await started(scheme, 2, 3);
        expectCulprits(await failure(run.round2(new Map(broadcasts).set(3, broadcasts.get(2)!))), [3]);
      });

      it('names whose commitment is no point, whichever of its vector', async () => {
        for (const at of [0, 1]) {
          const { run, broadcasts } = await started(scheme, 2, 3);
          const theirs = broadcasts.get(2)!;
          const commitment = theirs.commitment.map((c, i) => (i === at ? new Uint8Array(c.length).fill(255) : c));
          expectCulprits(await failure(run.round2(new Map(broadcasts).set(2, { ...theirs, commitment }))), [2]);
        }
      });

      it('names whose share is another’s, or of another run', async () => {
        const { runs, shares } = await exchanged(scheme, 2, 3);
        const before = await exchanged(scheme, 2, 3);
        const [two, three] = [shares.get(2)!, shares.get(3)!];
        expectCulprits(
          await failure(
            runs[0]!.round3(
              new Map([
                [2, two.get(3)!],
                [3, three.get(1)!],
              ]),
            ),
          ),
          [2],
        );
        expectCulprits(
          await failure(
            runs[1]!.round3(
              new Map([
                [1, shares.get(1)!.get(2)!],
                [3, before.shares.get(3)!.get(2)!],
              ]),
            ),
          ),
          [3],
        );
      });

      it('refuses secret shares of wrong length, of too few and of strangers without naming a culprit', async () => {
        for (const change of [
          (s: Map<number, Uint8Array>) => s.set(2, s.get(2)!.slice(1)),
          (s: Map<number, Uint8Array>) => s.set(2, new Uint8Array(1 << 20)),
          (s: Map<number, Uint8Array>) => s.delete(2),
          (s: Map<number, Uint8Array>) => s.set(4, s.get(2)!),
        ]) {
          const { runs, shares } = await exchanged(scheme, 2, 3);
          const received = new Map([2, 3].map((from) => [from, shares.get(from)!.get(1)!]));
          change(received);
          const error = await failure(runs[0]!.round3(received));
          expect(error).not.toBeInstanceOf(Culprit);
          expect(error.message).toMatch(/want/);
        }
      });

      it('names whose secret share does not match its commitment', async () => {
        const { runs, shares } = await exchanged(scheme, 2, 3);
        const received = new Map([
          [2, shares.get(2)!.get(1)!],
          [3, flipped(shares.get(3)!.get(1)!)],
        ]);
        expectCulprits(await failure(runs[0]!.round3(received)), [3]);
      });

      it.each([
        [
          'one commitment more than the threshold',
          (r: Round1) => ({ ...r, commitment: [...r.commitment, r.commitment[0]!] }),
        ],
        ['one commitment less than the threshold', (r: Round1) => ({ ...r, commitment: r.commitment.slice(1) })],
        [
          'a commitment cut short',
          (r: Round1) => ({ ...r, commitment: [r.commitment[0]!.slice(1), ...r.commitment.slice(1)] }),
        ],
        ['a proof that is too long', (r: Round1) => ({ ...r, proof: Uint8Array.of(...r.proof, 0) })],
      ])('refuses %s without naming a culprit', async (_, change) => {
        const { run, broadcasts } = await started(scheme, 2, 3);
        const error = await failure(run.round2(new Map(broadcasts).set(2, change(broadcasts.get(2)!))));
        expect(error).not.toBeInstanceOf(Culprit);
        expect(error.message).toMatch(/identifier 2: want|want 2 commitments of identifier 2/);
      });

      it('refuses broadcasts of too few, too many or unknown parties', async () => {
        for (const change of [
          (b: Map<number, Round1>) => b.delete(2),
          (b: Map<number, Round1>) => b.set(4, b.get(2)!),
          (b: Map<number, Round1>) => b.delete(2) && b.set(1, b.get(3)!),
        ]) {
          const { run, broadcasts } = await started(scheme, 2, 3);
          change(broadcasts);
          expect((await failure(run.round2(broadcasts))).message).toContain('want broadcasts of identifiers 2, 3');
        }
      });

      it('takes its steps in order, each once', async () => {
        const { run, broadcasts } = await started(scheme, 2, 2);
        await expect(run.round1()).rejects.toThrow('step');
        await run.round2(broadcasts);
        await expect(run.round2(broadcasts)).rejects.toThrow('step');
        run.close();
        await expect(run.round3(new Map())).rejects.toThrow();
      });

      it.each([
        [1, 1, 2],
        [1, 3, 2],
        [3, 2, 2],
        [0, 2, 2],
        [1, 2, 33],
        [1.5, 2, 2],
      ])('refuses identifier %d with %d of %d', async (identifier, t, n) => {
        await expect(scheme().keygen(identifier, t, n).round1()).rejects.toThrow(/want/);
      });
    });

    describe('signing', () => {
      it('uses a nonce once, also when signing with it failed', async () => {
        const { keys, input, fresh } = await readyToSign(scheme);
        await keys.get(1)!.sign(fresh.get(1)!.nonce, input);
        await expect(keys.get(1)!.sign(fresh.get(1)!.nonce, input)).rejects.toThrow('unknown or used');

        const wrong = { ...input, commitments: new Map([...input.commitments].slice(0, 1)) };
        await expect(keys.get(2)!.sign(fresh.get(2)!.nonce, wrong)).rejects.toThrow('want commitments');
        await expect(keys.get(2)!.sign(fresh.get(2)!.nonce, input)).rejects.toThrow('unknown or used');
      });

      it('puts fresh randomness into every nonce: one message, one quorum, another R each time', async () => {
        const { keys, input, fresh, results } = await readyToSign(scheme);
        const signed: Uint8Array[] = [];
        const used: Fresh[] = [fresh, await commitAll(keys, [1, 2])];
        // As after a restart: the same shares, opened anew.
        const again = await Promise.all(results.map(({ key }) => scheme().open(key)));
        const reopened: Keys = new Map(again.map((key, i) => [i + 1, key]));
        used.push(await commitAll(reopened, [1, 2]), await commitAll(reopened, [1, 2]));
        for (const [i, made] of used.entries()) {
          const of = i < 2 ? keys : reopened;
          const same = inputOf(made, input.message);
          signed.push(await of.get(1)!.aggregate(same, await sharesOf(of, same, made)));
        }
        const publicKey = publicKeyOf(scheme().name, results[0]!.key.groupKey);
        for (const signature of signed) expect(scheme().verify(publicKey, input.message, signature)).toBe(true);
        const distinct = (values: readonly Uint8Array[]): number => new Set(values.map((v) => v.join())).size;
        expect(distinct(signed.map((signature) => signature.subarray(0, 32)))).toBe(4);
        const commitments = used.flatMap((made) => [...made.values()].flatMap((c) => [c.hiding, c.binding]));
        expect(distinct(commitments)).toBe(16);
      });

      it('gives no share for a discarded nonce, nor after close', async () => {
        const { keys, input, fresh } = await readyToSign(scheme);
        keys.get(1)!.discard([fresh.get(1)!.nonce]);
        await expect(keys.get(1)!.sign(fresh.get(1)!.nonce, input)).rejects.toThrow('unknown or used');
        keys.get(2)!.close();
        await expect(keys.get(2)!.sign(fresh.get(2)!.nonce, input)).rejects.toThrow('closed');
      });

      it('signs only over the commitment of the nonce it is told to use', async () => {
        const { keys, input, fresh } = await readyToSign(scheme);
        const [other] = await keys.get(1)!.commit(1);
        await expect(keys.get(1)!.sign(other!.nonce, input)).rejects.toThrow();
        await expect(keys.get(1)!.sign(fresh.get(1)!.nonce, input)).resolves.toHaveLength(32);
      });

      it('names whose signature share is wrong, and nobody else', async () => {
        const { keys, input, fresh } = await readyToSign(scheme);
        const shares = await sharesOf(keys, input, fresh);
        expectCulprits(
          await failure(keys.get(1)!.aggregate(input, new Map(shares).set(2, flipped(shares.get(2)!)))),
          [2],
        );
        const outOfRange = new Uint8Array(32).fill(255);
        expectCulprits(await failure(keys.get(1)!.aggregate(input, new Map(shares).set(2, outOfRange))), [2]);
        await expect(keys.get(1)!.aggregate(input, shares)).resolves.toHaveLength(64);
      });

      it('takes no share for another message, and names who gave it', async () => {
        const { keys, input, fresh } = await readyToSign(scheme);
        const shares = await sharesOf(keys, input, fresh);
        // Made with a true nonce for other bytes: what a member gives who was asked for another request.
        const other = await commitAll(keys, [1, 2]);
        const stray = await keys.get(2)!.sign(other.get(2)!.nonce, inputOf(other, Uint8Array.of(9)));
        expectCulprits(await failure(keys.get(1)!.aggregate(input, new Map(shares).set(2, stray))), [2]);
        // Under other commitments for the same bytes: a replay.
        const again = await commitAll(keys, [1, 2]);
        const next = { ...input, commitments: again };
        const mine = await keys.get(1)!.sign(again.get(1)!.nonce, next);
        expectCulprits(
          await failure(
            keys.get(1)!.aggregate(
              next,
              new Map([
                [1, mine],
                [2, shares.get(2)!],
              ]),
            ),
          ),
          [2],
        );
        await expect(keys.get(1)!.aggregate(input, shares)).resolves.toHaveLength(64);
      });

      it('blames nobody for wrong shares that add up to the true signature', async () => {
        const { keys, input, fresh } = await readyToSign(scheme);
        const shares = await sharesOf(keys, input, fresh);
        const swapped = new Map([
          [1, shares.get(2)!],
          [2, shares.get(1)!],
        ]);
        const signature = await keys.get(3)!.aggregate(input, shares);
        expect(await keys.get(3)!.aggregate(input, swapped)).toEqual(signature);
      });

      it('makes no signature where members signed over different lists of commitments', async () => {
        const { keys, input, fresh } = await readyToSign(scheme);
        const [hidden] = await keys.get(2)!.commit(1);
        const told: SigningInput = { ...input, commitments: new Map(input.commitments).set(2, hidden!) };
        const shares = new Map([
          [1, await keys.get(1)!.sign(fresh.get(1)!.nonce, told)],
          [2, await keys.get(2)!.sign(fresh.get(2)!.nonce, input)],
        ]);
        // Over either list the other member’s share is the wrong one: only its maker knows which it was told.
        expectCulprits(await failure(keys.get(3)!.aggregate(input, shares)), [1]);
        expectCulprits(await failure(keys.get(3)!.aggregate(told, shares)), [2]);
      });

      it('refuses shares of too few, of strangers and of wrong length without naming a culprit', async () => {
        const { keys, input, fresh } = await readyToSign(scheme);
        const shares = await sharesOf(keys, input, fresh);
        for (const wrong of [
          new Map([...shares].slice(1)),
          new Map(shares).set(3, shares.get(1)!),
          new Map([[1, shares.get(1)!] as const, [3, shares.get(2)!] as const]),
          new Map(shares).set(2, shares.get(2)!.slice(1)),
          new Map(shares).set(2, new Uint8Array(1 << 20)),
          new Map(shares).set(2, new Uint8Array()),
        ]) {
          const error = await failure(keys.get(1)!.aggregate(input, wrong));
          expect(error).not.toBeInstanceOf(Culprit);
          expect(error.message).toMatch(/want/);
        }
        await expect(keys.get(1)!.aggregate(input, shares)).resolves.toHaveLength(64);
      });

      it('says whose commitment is no point, in sign and in aggregate', async () => {
        const { keys, input, fresh } = await readyToSign(scheme);
        const { hiding, binding } = input.commitments.get(2)!;
        // Never a canonical encoding: for secp256k1 the first byte is unknown, for Ed25519 y is not below the prime.
        const bad: NonceCommitment = { hiding, binding: new Uint8Array(binding.length).fill(255) };
        const wrong: SigningInput = { ...input, commitments: new Map(input.commitments).set(2, bad) };
        for (const error of [
          await failure(keys.get(1)!.sign(fresh.get(1)!.nonce, wrong)),
          await failure(keys.get(1)!.aggregate(wrong, new Map([1, 2].map((i) => [i, new Uint8Array(32)])))),
        ]) {
          expect(error).toBeInstanceOf(BadCommitment);
          expect((error as BadCommitment).identifiers).toEqual([2]);
        }
      });

      it('refuses commitments of wrong length or of strangers', async () => {
        const { keys, input } = await readyToSign(scheme);
        const good = input.commitments.get(2)!;
        for (const commitments of [
          new Map(input.commitments).set(2, { ...good, hiding: good.hiding.slice(1) }),
          new Map(input.commitments).set(2, { ...good, binding: Uint8Array.of(...good.binding, 0) }),
          new Map(input.commitments).set(4, good),
        ]) {
          const [own] = await keys.get(1)!.commit(1);
          await expect(keys.get(1)!.sign(own!.nonce, { ...input, commitments })).rejects.toThrow(/want/);
        }
      });

      it('opens only a share that matches its verification share', async () => {
        const [{ key }] = (await generate(scheme, 2, 2)) as [KeygenResult, KeygenResult];
        await expect(scheme().open({ ...key, share: flipped(key.share) })).rejects.toThrow('does not match');
        await expect(scheme().open({ ...key, identifier: 2 })).rejects.toThrow('does not match');
        await expect(scheme().open({ ...key, share: new Uint8Array(32) })).rejects.toThrow();
        await expect(scheme().open({ ...key, groupKey: key.groupKey.slice(1) })).rejects.toThrow('want');
      });

      it('keeps working after the caller erases what it handed over', async () => {
        const results = await generate(scheme, 2, 2);
        const opened = await Promise.all(results.map(({ key }) => scheme().open(key)));
        for (const { key } of results) key.share.fill(0);
        const fresh = await commitAll(new Map(opened.map((key, i) => [i + 1, key])), [1, 2]);
        const input = inputOf(fresh, Uint8Array.of(1));
        await expect(opened[0]!.sign(fresh.get(1)!.nonce, input)).resolves.toHaveLength(32);
      });
    });
  });
}

/** One byte of `bytes` changed. */
const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((b, i) => (i === bytes.length >> 1 ? b ^ 1 : b));

const failure = (done: Promise<unknown>): Promise<Error> =>
  done.then(
    () => expect.unreachable('should have failed'),
    (error: unknown) => error as Error,
  );

function expectCulprits(error: Error, identifiers: readonly number[]): void {
  expect(error).toBeInstanceOf(Culprit);
  expect((error as Culprit).identifiers).toEqual(identifiers);
}

/** Party 1 after its first round, with the others' broadcasts. */
async function started(
  schemeOf: SchemeOf,
  t: number,
  n: number,
): Promise<{ run: KeygenRun; broadcasts: Map<number, Round1> }> {
  const runs = Array.from({ length: n }, (_, i) => schemeOf(i + 1).keygen(i + 1, t, n));
  const made = await Promise.all(runs.map((run) => run.round1()));
  return { run: runs[0]!, broadcasts: new Map(made.slice(1).map((r, i) => [i + 2, r])) };
}

async function readyToSign(schemeOf: SchemeOf) {
  const results = await generate(schemeOf, 2, 3);
  const opened = await Promise.all(results.map(({ key }) => schemeOf(key.identifier).open(key)));
  const keys: Keys = new Map(opened.map((key, i) => [i + 1, key]));
  const fresh = await commitAll(keys, [1, 2]);
  return {
    results,
    keys,
    fresh,
    input: inputOf(
      fresh,
      Uint8Array.from({ length: 40 }, (_, i) => i),
    ),
  };
}
