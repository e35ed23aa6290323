import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { verifyChain } from '../../statement/audit.ts';
import { Database } from './database.ts';
import { Reader } from './reader.ts';
import type { Change, KeyRow, LedgerRow, PeerRow, RequestRow } from './store.ts';
import { digestOf, now, release, requestRow } from './testing/changes.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const DAY = 86_400;

function opened(file = join(temporaryFolder(), 'state.db')): { readonly database: Database; readonly reader: Reader } {
  const database = new Database(file);
  const reader = new Reader(file);
  onTestFinished(() => {
    reader.close();
    database.close();
  });
  return { database, reader };
}

/** What the state must be after changes were applied one after another: the rules in their plainest words. */
class Model {
  readonly requests = new Map<string, RequestRow>();
  readonly ledger = new Map<string, LedgerRow>();
  readonly nonces = new Set<string>();
  readonly releases: string[] = [];
  readonly peers = new Map<string, PeerRow>();
  records = 0;
  time = 0;

  /** False where the change breaks a rule; then nothing of it counts. */
  apply(change: Change): boolean {
    const nonces = (change.nonces ?? []).map((n) => `${n.key} ${n.boot} ${n.index}`);
    if (new Set([...this.nonces, ...nonces]).size < this.nonces.size + nonces.length) return false;
    const requests = new Map(this.requests);
    for (const row of change.requests ?? []) {
      for (const other of requests.values())
        if (other.id === row.id && other.initiator === row.initiator && other.digest !== row.digest) return false;
      const old = requests.get(row.digest);
      if (old?.state === 'Signed' && row.state !== 'Signed') continue;
      if (old?.state === 'Released' && row.state !== 'Released' && row.state !== 'Signed') continue;
      requests.set(row.digest, { ...row, firstSeen: old?.firstSeen ?? row.firstSeen });
    }
    for (const [digest, row] of requests) this.requests.set(digest, row);
    for (const n of nonces) this.nonces.add(n);
    for (const digest of change.unreserve ?? [])
      if (this.ledger.get(digest)?.state === 'Reserved') this.ledger.delete(digest);
    for (const row of change.ledger ?? []) {
      const old = this.ledger.get(row.digest);
      if (old === undefined) this.ledger.set(row.digest, row);
      else if (old.state === 'Reserved')
        this.ledger.set(row.digest, { ...old, at: Math.max(old.at, row.at), state: row.state });
      else if (row.state === 'Spent' && row.at > old.at) this.ledger.set(row.digest, { ...old, at: row.at });
    }
    for (const { digest } of change.releases ?? []) if (!this.releases.includes(digest)) this.releases.push(digest);
    for (const row of change.peers ?? []) {
      const old = this.peers.get(row.name);
      this.peers.set(row.name, {
        name: row.name,
        head: old === undefined || row.head.sequence > old.head.sequence ? row.head : old.head,
        signed: newer(old?.signed, row.signed),
        spends: old === undefined || row.spends > old.spends ? row.spends : old.spends,
        strikes: Math.max(old?.strikes ?? 0, row.strikes),
        fenced: old === undefined || old.fenced === '' ? row.fenced : old.fenced,
      });
    }
    this.records += (change.audit ?? []).length;
    this.time = Math.max(this.time, change.now);
    return true;
  }
}

const newer = (old: PeerRow['signed'], row: PeerRow['signed']): PeerRow['signed'] =>
  row !== undefined && row.head.sequence > (old?.head.sequence ?? 0n) ? row : old;

const n = fc.integer({ min: 1, max: 4 });
const few = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { maxLength: 2 });
const request = fc
  .tuple(
    n,
    fc.constantFrom<RequestRow['state'][]>('Reserved', 'Released', 'Signed', 'Denied', 'Failed'),
    n,
    fc.nat({ max: 9 }),
  )
  // One in four is another request under the id of the first.
  .map(([of, state, id, seconds]) =>
    requestRow(of, {
      state,
      firstSeen: now + seconds,
      // One that was refused is kept without its bytes.
      ...((state === 'Denied' || state === 'Failed') && { statement: new Uint8Array(), signature: '' }),
      ...(id === 4 && { id: 'pay-1', digest: digestOf(of + 4) }),
    }),
  );
const row = fc.record({
  digest: n.map(digestOf),
  at: fc.integer({ min: now, max: now + 9 }),
  effects: fc.constantFrom('[]', '["x"]'),
  state: fc.constantFrom<LedgerRow['state'][]>('Reserved', 'Spent'),
});
const head = fc.record({
  sequence: fc.bigInt(0n, 5n),
  hash: fc.nat({ max: 9 }).map((b) => new Uint8Array(32).fill(b)),
});
const peer = fc.record({
  name: fc.constantFrom('client', 'backup'),
  head,
  signed: fc.option(
    fc.record({
      head: fc.record({ sequence: fc.bigInt(1n, 5n), hash: fc.constant(new Uint8Array(32).fill(3)) }),
      signature: fc.nat({ max: 9 }).map((b) => new Uint8Array(64).fill(b)),
    }),
    { nil: undefined },
  ),
  spends: fc.bigInt(0n, 5n),
  fenced: fc.constantFrom('', '', 'cheated', 'lied'),
  strikes: fc.nat({ max: 3 }),
});
const change: fc.Arbitrary<Change> = fc.record({
  now: fc.integer({ min: now, max: now + 60 }),
  requests: few(request),
  ledger: few(row),
  unreserve: few(n.map(digestOf)),
  nonces: few(
    fc.record({
      key: fc.constantFrom('solana', 'bitcoin'),
      boot: fc.constantFrom('00', '01'),
      index: fc.bigInt(0n, 9n),
    }),
  ),
  releases: few(fc.record({ digest: n.map(digestOf), at: fc.constant(now) })),
  peers: few(peer),
  audit: few(fc.record({ type: fc.constantFrom<'Signed' | 'Denied'>('Signed', 'Denied') })),
});

describe('groups of changes', () => {
  it('leave what the rules say, in whatever groups they come and wherever the process stops between', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(change, { minLength: 1, maxLength: 5 }), fc.boolean()), { maxLength: 8 }),
        (groups) => {
          const file = join(temporaryFolder(), 'state.db');
          const model = new Model();
          let database = new Database(file);
          const reader = new Reader(file);
          try {
            for (const [group, reopen] of groups) {
              const results = database.apply(group).map((error) => error === undefined);
              expect(results).toEqual(group.map((c) => model.apply(c)));
              if (!reopen) continue;
              database.close();
              database = new Database(file);
            }
            const { unfinished, peers, lastTime } = reader.load();
            const byDigest = (rows: Iterable<{ readonly digest: string }>): unknown[] =>
              [...rows].toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
            expect(byDigest(reader.ledgerRows())).toEqual(byDigest(model.ledger.values()));
            expect(byDigest([1, 2, 3, 4, 5, 6, 7, 8].flatMap((i) => reader.request(digestOf(i)) ?? []))).toEqual(
              byDigest(model.requests.values()),
            );
            expect(byDigest(unfinished)).toEqual(
              byDigest([...model.requests.values()].filter((r) => r.state === 'Reserved')),
            );
            expect(reader.releasesAfter(0n, 99).map((r) => r.digest)).toEqual(model.releases);
            expect(new Map(peers.map((p) => [p.name, p]))).toEqual(model.peers);
            expect(lastTime).toBe(model.time);
            expect(verifyChain(reader.auditAfter(0n, 999))).toEqual({ records: model.records, head: database.head });
          } finally {
            reader.close();
            database.close();
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('have one that cannot be audited fail alone, and the state opens again', () => {
    const file = join(temporaryFolder(), 'state.db');
    const first = new Database(file);
    const unreadable = { ...release(2), audit: [{ type: 'SpendLearned' as const, policy: '\u0001'.repeat(200_000) }] };
    const results = first.apply([release(1), unreadable, release(3)]);
    expect(results.map((error) => error?.message)).toEqual([undefined, expect.stringContaining('"policy"'), undefined]);
    first.close();
    const { database, reader } = opened(file);
    expect([1, 2, 3].map((i) => reader.ledger(digestOf(i))?.state)).toEqual(['Spent', undefined, 'Spent']);
    expect(verifyChain(reader.auditAfter(0n, 9))).toEqual({ records: 2, head: database.head });
  });

  it('number releases without a gap, and a second one of a request not at all', () => {
    const { database, reader } = opened();
    database.apply([{ now, releases: [1, 1, 2].map((i) => ({ digest: digestOf(i), at: now })) }]);
    database.apply([{ now, releases: [2, 1, 3].map((i) => ({ digest: digestOf(i), at: now + 5 })) }]);
    expect(reader.releasesAfter(0n, 9).map((r) => [r.sequence, r.digest, r.at])).toEqual([
      [1n, digestOf(1), now],
      [2n, digestOf(2), now],
      [3n, digestOf(3), now + 5],
    ]);
  });
});

describe('a key', () => {
  const key: KeyRow = {
    name: 'solana',
    scheme: 'EdDSA',
    state: 'Prepared',
    attempt: 2,
    abandoned: 1,
    sealed: Uint8Array.of(1),
    certificate: Uint8Array.of(2),
    signatures: '{}',
  };
  const active: KeyRow = { ...key, state: 'Active' };
  const fate = (...keys: readonly KeyRow[]): (string | undefined)[] => {
    const { database } = opened();
    return keys.map((k) => database.apply([{ now, keys: [k] }])[0]?.message);
  };

  it('is prepared, dropped for a later attempt, and becomes active', () => {
    expect(
      fate(
        { ...key, state: 'Wanted', attempt: 1, abandoned: 0 },
        key,
        { ...key, state: 'Wanted', attempt: 3, abandoned: 2 },
        { ...active, attempt: 3, abandoned: 2 },
      ),
    ).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('that is active stays as it is', () => {
    const stays = 'a key that is active stays as it is';
    expect(fate(active, key)).toEqual([undefined, stays]);
    expect(fate(active, { ...active, certificate: Uint8Array.of(3) })).toEqual([undefined, stays]);
    expect(fate(active, { ...active, attempt: 3 })).toEqual([undefined, stays]);
  });

  it('never becomes active from an attempt that was abandoned, nor forgets that it was', () => {
    expect(fate({ ...key, abandoned: 2 }, { ...active, abandoned: 2 })).toEqual([
      undefined,
      expect.stringContaining('an abandoned attempt never becomes a key'),
    ]);
    expect(fate({ ...key, abandoned: 2 }, active)).toEqual([
      undefined,
      'attempts of a key only grow and its scheme stays',
    ]);
    expect(fate(key, { ...key, attempt: 1, abandoned: 0 })).toEqual([
      undefined,
      'attempts of a key only grow and its scheme stays',
    ]);
    expect(fate(key, { ...key, scheme: 'Schnorr' })).toEqual([
      undefined,
      'attempts of a key only grow and its scheme stays',
    ]);
  });
});

describe('what no window reaches any more', () => {
  const old = (i: number, at: number): Change => ({
    ...release(i),
    requests: [requestRow(i, { expiresAt: at, state: 'Signed' })],
    ledger: [{ digest: digestOf(i), at, effects: '[]', state: 'Spent' }],
    releases: [{ digest: digestOf(i), at }],
    nonces: [{ key: 'solana', boot: 'old', index: BigInt(i) }],
    now: at,
  });

  it('is pruned 31 days later, and nothing sooner', () => {
    const { database, reader } = opened();
    database.apply([old(1, now), old(2, now + DAY)]);
    const kept = (): readonly unknown[] => [
      [...reader.ledgerRows()].map((r) => r.digest),
      [1, 2].filter((i) => reader.request(digestOf(i)) !== undefined),
      reader.releasesAfter(0n, 9).map((r) => r.sequence),
    ];
    database.apply([{ now: now + 31 * DAY }]);
    expect(kept()).toEqual([
      [digestOf(1), digestOf(2)],
      [1, 2],
      [1n, 2n],
    ]);
    database.apply([{ now: now + 31 * DAY + 3_600 }]);
    expect(kept()).toEqual([[digestOf(2)], [2], [2n]]);
    database.apply([{ now: now + 90 * DAY }]);
    expect(kept()).toEqual([[], [], []]);
    // Peers remember numbers: one is never given twice. The audit stays.
    database.apply([{ ...release(3), now: now + 90 * DAY }]);
    expect(reader.releasesAfter(0n, 9).map((r) => r.sequence)).toEqual([3n]);
    expect(verifyChain(reader.auditAfter(0n, 99)).records).toBe(3);
  });

  it('goes in parts where there is much of it', () => {
    const { database, reader } = opened();
    database.apply(Array.from({ length: 1_200 }, (_, i) => old(i, now)));
    const left = [1, 2, 3].map((i) => {
      database.apply([{ now: now + 40 * DAY + i }]);
      return [...reader.ledgerRows()].length;
    });
    expect(left).toEqual([1_200 - 512, 1_200 - 1_024, 0]);
  });

  it('has nonces of boots that are over; one that may be in memory stays used', () => {
    const file = join(temporaryFolder(), 'state.db');
    const first = new Database(file);
    first.apply([old(1, now)]);
    first.close();
    const { database } = opened(file);
    database.apply([{ now, nonces: [{ key: 'solana', boot: 'mine', index: 1n }] }]);
    const used = (boot: string): boolean =>
      database.apply([{ now, nonces: [{ key: 'solana', boot, index: 1n }] }])[0] !== undefined;
    expect([used('old'), used('mine')]).toEqual([true, true]);
    database.apply([{ now: now + 40 * DAY }]);
    expect([used('old'), used('mine')]).toEqual([false, true]);
  });
});
