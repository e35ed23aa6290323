/**
 * Quorums of `t` of 1..n in order, which together have every pair of holders: each quorum takes the first pair that no
 * quorum before it has, then whoever brings most further pairs.
 */
export function pairQuorums(threshold: number, parties: number): readonly (readonly number[])[] {
  const all = Array.from({ length: parties }, (_, i) => i + 1);
  const missing = new Set(all.flatMap((a) => all.filter((b) => b > a).map((b) => pairOf(a, b))));
  const quorums: number[][] = [];
  for (const a of all)
    for (const b of all) {
      if (b <= a || !missing.has(pairOf(a, b))) continue;
      const quorum = [a, b];
      while (quorum.length < threshold) {
        const gain = (id: number): number => quorum.filter((other) => missing.has(pairOf(id, other))).length;
        const rest = all.filter((id) => !quorum.includes(id));
        quorum.push(rest.reduce((best, id) => (gain(id) > gain(best) ? id : best)));
      }
      for (const x of quorum) for (const y of quorum) missing.delete(pairOf(x, y));
      quorums.push(quorum.toSorted((x, y) => x - y));
    }
  return quorums;
}

const pairOf = (a: number, b: number): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

/**
 * Quorums for the test signatures that end a keygen: together they cover every holder, Backup included, so that
 * no share is kept that never signed. Identifiers 1..n; each quorum has `t`, in order.
 */
export function testQuorums(threshold: number, parties: number): readonly (readonly number[])[] {
  const quorums: number[][] = [];
  for (let first = 1; first <= parties; first += threshold) {
    const start = Math.min(first, parties - threshold + 1);
    quorums.push(Array.from({ length: threshold }, (_, i) => start + i));
  }
  return quorums;
}
