import type { KeygenResult, Round1, Scheme } from '../signer/scheme/scheme.ts';

/** Whose engine a party has. */
export type SchemeOf = (identifier: number) => Scheme;

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
