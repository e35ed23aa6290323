/** The one of `words` that `typed` was most likely meant to be; undefined where none is near. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  if (typed.length > 64) return undefined;
  const [best] = words
    .map((word) => ({ word, far: Math.max(1, Math.floor(word.length / 4)) }))
    // What differs in length alone by more is further still.
    .filter(({ word, far }) => Math.abs(word.length - typed.length) <= far)
    .map(({ word, far }) => ({ word, far, distance: distance(typed.toLowerCase(), word.toLowerCase()) }))
    .filter(({ distance, far }) => distance <= far)
    .toSorted((a, b) => a.distance - b.distance);
  return best?.word;
}

/** How many insertions, deletions and replacements of letters make `a` from `b` (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)));
    row = next;
  }
  return row.at(-1) ?? 0;
}
