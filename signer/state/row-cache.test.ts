import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowCache } from './row-cache.ts';
import type { Change, LedgerRow, RequestRow, SpendRow } from './store.ts';

/** What a database would hold, and how often it was read. */
class Disk {
  readonly requests = new Map<string, RequestRow>();
  readonly rows = new Map<string, LedgerRow>();
  readonly releases: SpendRow[] = [];
  reads = 0;

  request(digest: string): RequestRow | undefined {
    this.reads++;
    return this.requests.get(digest);
  }

  requestById(initiator: string, id: string): RequestRow | undefined {
    this.reads++;
    return [...this.requests.values()].find((row) => row.initiator === initiator && row.id === id);
  }

  ledger(digest: string): LedgerRow | undefined {
    this.reads++;
    return this.rows.get(digest);
  }

  releasesAfter(sequence: bigint, limit: number): readonly SpendRow[] {
    this.reads++;
    return this.releases.filter((row) => row.sequence > sequence).slice(0, limit);
  }

  write({ requests = [], ledger = [], unreserve = [], releases = [] }: Change): void {
    for (const row of requests) this.requests.set(row.digest, row);
    for (const digest of unreserve) this.rows.delete(digest);
    for (const row of ledger) this.rows.set(row.digest, row);
    for (const { digest, at } of releases)
      this.releases.push({ sequence: BigInt(this.releases.length + 1), digest, at });
  }
}

const request = (n: number, message = '', size = 1): RequestRow => ({
  digest: `d${n}`,
  initiator: `i${n % 2}`,
  id: `id${n}`,
  key: 'k',
  statement: new Uint8Array(size),
  signature: '',
  expiresAt: 0,
  firstSeen: 0,
  state: 'Released',
  reason: '',
  message,
  rule: '',
  policyDigest: '',
  participants: [],
  signatures: [],
});
const spend = (n: number, at: number): LedgerRow => ({ digest: `d${n}`, at, effects: '', state: 'Reserved' });

describe('rows that were read lately', () => {
  const n = fc.nat(5);
  const write = fc.record(
    {
      requests: fc.array(fc.tuple(n, fc.string(), fc.constantFrom(1, 5_000)).map((r) => request(...r))),
      ledger: fc.array(fc.tuple(n, fc.nat()).map((r) => spend(...r))),
      unreserve: fc.array(n.map((i) => `d${i}`)),
      releases: fc.array(n.map((i) => ({ digest: `d${i}`, at: i }))),
      now: fc.constant(0),
    },
    { requiredKeys: ['now'] },
  );
  const step = fc.oneof(
    fc.record({ kind: fc.constant('write' as const), change: write, seenBeforeToldOf: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('request' as const, 'id' as const, 'ledger' as const), n }),
    fc.record({
      kind: fc.constant('releases' as const),
      after: fc.bigInt(0n, 9n),
      limit: fc.integer({ min: 1, max: 4 }),
    }),
  );

  it('are as on disk, whatever is read and written in between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const disk = new Disk();
        const cache = new RowCache(disk);
        for (const s of steps)
          switch (s.kind) {
            case 'write':
              disk.write(s.change);
              // A thread has written, and a row is read before the other hears of it.
              if (s.seenBeforeToldOf) for (const row of s.change.requests ?? []) cache.request(row.digest);
              cache.forget(s.change);
              break;
            case 'request':
              expect(cache.request(`d${s.n}`)).toEqual(disk.request(`d${s.n}`));
              break;
            case 'id':
              expect(cache.requestById(`i${s.n % 2}`, `id${s.n}`)).toEqual(disk.requestById(`i${s.n % 2}`, `id${s.n}`));
              break;
            case 'ledger':
              expect(cache.ledger(`d${s.n}`)).toEqual(disk.ledger(`d${s.n}`));
              break;
            case 'releases':
              expect(cache.releasesAfter(s.after, s.limit)).toEqual(disk.releasesAfter(s.after, s.limit));
          }
      }),
    );
  });

  it('are read once, those that are not there too, until they are written', () => {
    const disk = new Disk();
    const cache = new RowCache(disk);
    const readAll = (): number => {
      const before = disk.reads;
      for (let i = 0; i < 3; i++) {
        cache.request('d1');
        cache.requestById('i1', 'id1');
        cache.ledger('d1');
        cache.releasesAfter(BigInt(disk.releases.length), 9);
      }
      return disk.reads - before;
    };
    expect([readAll(), readAll()]).toEqual([4, 0]);
    const change: Change = {
      now: 0,
      requests: [request(1)],
      ledger: [spend(1, 1)],
      releases: [{ digest: 'd1', at: 1 }],
    };
    disk.write(change);
    cache.forget(change);
    expect([readAll(), readAll()]).toEqual([4, 0]);
  });

  it('are few, and none of them large', () => {
    const disk = new Disk();
    const cache = new RowCache(disk);
    disk.write({ now: 0, requests: [request(1, '', 4_097)] });
    for (let i = 0; i < 3; i++) cache.request('d1');
    expect(disk.reads).toBe(3);
    for (let i = 0; i < 300; i++) cache.ledger(`x${i}`);
    disk.reads = 0;
    for (let i = 0; i < 300; i++) cache.ledger(`x${299 - i}`);
    expect(disk.reads).toBe(44);
  });
});
