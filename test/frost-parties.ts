import type {
  FreshCommitment,
  KeygenResult,
  Round1,
  Scheme,
  SigningInput,
  SigningKey,
} from '../signer/scheme/scheme.ts';

/** Whose engine a party has. */
export type SchemeOf = (identifier: number) => Scheme;

/** Every choice of `t` of the identifiers 1 to `n`, ascending. */
export const quorumsOf = (t: number, n: number, from = 1): number[][] =>
  t === 0
    ? [[]]
    : Array.from({ length: Math.max(0, n - t - from + 2) }, (_, i) => from + i).flatMap((first) =>
        quorumsOf(t - 1, n, first + 1).map((rest) => [first, ...rest]),
      );

/** Everybody after the second round; `shares` by sender, then receiver. */
export async function exchanged(schemeOf: SchemeOf, t: number, n: number) {
  const runs = Array.from({ length: n }, (_, i) => schemeOf(i + 1).keygen(i + 1, t, n));
  const broadcasts = new Map<number, Round1>();
  for (const [i, run] of runs.entries()) broadcasts.set(i + 1, await run.round1());
  const shares = new Map<number, ReadonlyMap<number, Uint8Array>>();
  for (const [i, run] of runs.entries())
    shares.set(i + 1, await run.round2(new Map([...broadcasts].filter(([from]) => from !== i + 1))));
  return { runs, shares };
}

/** A key of `n` parties, by identifier - 1. */
export async function generate(schemeOf: SchemeOf, t: number, n: number): Promise<KeygenResult[]> {
  const { runs, shares } = await exchanged(schemeOf, t, n);
  return Promise.all(
    runs.map((run, i) =>
      run.round3(
        new Map([...shares].filter(([from]) => from !== i + 1).map(([from, sent]) => [from, sent.get(i + 1)!])),
      ),
    ),
  );
}

export type Keys = ReadonlyMap<number, SigningKey>;
export type Fresh = ReadonlyMap<number, FreshCommitment>;

export const commitAll = async (keys: Keys, quorum: readonly number[]): Promise<Fresh> =>
  new Map(await Promise.all(quorum.map(async (i) => [i, (await keys.get(i)!.commit(1))[0]!] as const)));

export const inputOf = (fresh: Fresh, message: Uint8Array): SigningInput => ({ message, commitments: fresh });

export const sharesOf = async (keys: Keys, input: SigningInput, fresh: Fresh): Promise<Map<number, Uint8Array>> =>
  new Map(await Promise.all([...fresh].map(async ([i, f]) => [i, await keys.get(i)!.sign(f.nonce, input)] as const)));

/** The first of `quorum` aggregates. */
export async function signWith(schemeOf: SchemeOf, results: readonly KeygenResult[], quorum: readonly number[]) {
  const keys = new Map<number, SigningKey>();
  for (const i of quorum) keys.set(i, await schemeOf(i).open(results[i - 1]!.key));
  const fresh = await commitAll(keys, quorum);
  const message = Uint8Array.of(quorum.length, ...quorum);
  const input = inputOf(fresh, message);
  const signature = await keys.get(quorum[0]!)!.aggregate(input, await sharesOf(keys, input, fresh));
  for (const key of keys.values()) key.close();
  return { signature, message };
}
