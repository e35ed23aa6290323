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
