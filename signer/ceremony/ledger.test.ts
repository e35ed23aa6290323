import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeEffects } from '../../policy/effects-json.ts';
import { policyOf, transfer } from '../../policy/testing/policies.ts';
import type { LedgerRow } from '../state/store.ts';
import type { Reading, VerifiedRequest } from './judge.ts';
import { Ledger, type Reservation } from './ledger.ts';

const HOUR = 3_600;
const policy = policyOf([
  {
    name: 'pay',
    verdict: 'Allow',
    match: { destinations: ['payroll'] },
    limits: [
      { count: 10, per: '1h' },
      { count: 10, per: '1h', scope: 'Path' },
    ],
  },
]);
/** All but one request is of one child. */
const pathOf = (digest: string): string => (digest === 'a' ? 'm/0/1' : 'm/0/2');
const row = (digest: string, at: number): LedgerRow & { readonly state: 'Spent' } => ({
  digest,
  at,
  effects: encodeEffects([transfer(1n, { path: pathOf(digest) })]),
  state: 'Spent',
});
const used = (ledger: Ledger, now: number, limit = 0): number =>
  Math.round((ledger.limitUse(now)[limit]?.ratio ?? 0) * 10);

describe('a request that several use at once', () => {
  const ledgerOver = (disk: Map<string, LedgerRow>): Ledger => new Ledger(policy, [], (digest) => disk.get(digest));

  it('counts where one of two rounds fails to write and the other writes', () => {
    const disk = new Map<string, LedgerRow>();
    const ledger = ledgerOver(disk);
    const [first, second] = [ledger.reserve(row('d', 100)), ledger.reserve(row('d', 100))];
    first.release();
    disk.set('d', row('d', 100));
    ledger.put(row('d', 100));
    ledger.settle('d');
    second.release();
    expect(used(ledger, 101)).toBe(1);
    ledger.reserve(row('d', 102)).release();
    expect(used(ledger, 103)).toBe(1);
  });

  it('counts where a round fails to write what the coordinator here has reserved on disk', () => {
    const disk = new Map<string, LedgerRow>();
    const ledger = ledgerOver(disk);
    const run = ledger.reserve(row('d', 100));
    disk.set('d', { ...run.row });
    ledger.reserve(row('d', 100)).release();
    disk.set('d', ledger.put({ ...run.row, state: 'Spent' }));
    ledger.settle('d');
    run.release();
    expect(used(ledger, 101)).toBe(1);
  });

  it('is gone when all gave it up, however often one does', () => {
    const ledger = ledgerOver(new Map());
    const [first, second] = [ledger.reserve(row('d', 100)), ledger.reserve(row('d', 100))];
    first.release();
    first.release();
    expect(used(ledger, 101)).toBe(1);
    second.release();
    expect(used(ledger, 101)).toBe(0);
    expect(ledger.get('d')).toBeUndefined();
  });
});

describe('a request that is judged anew', () => {
  const once = policyOf([
    {
      name: 'pay',
      verdict: 'Allow',
      match: { destinations: ['payroll'] },
      limits: [
        { count: 1, per: '1h', scope: 'Path' },
        { count: 2, per: '1h' },
      ],
    },
  ]);
  const decide = (ledger: Ledger, digest: string, path: string): string => {
    const statement = { initiator: 'payments-api', key: 'ethereum', path };
    const decoded = { effects: [transfer(1n, { path })], fees: [], messages: [] };
    return (
      ledger.decide({ statement, digest } as unknown as VerifiedRequest, { decoded } as unknown as Reading, 101)
        .reason || 'Allow'
    );
  };

  it.each(['Reserved', 'Spent'] as const)(
    'does not count against itself, at its path or in the wallet: %s',
    (state) => {
      const rows = [row('a', 100)].map((each): LedgerRow => ({ ...each, state }));
      const ledger = new Ledger(once, rows, (digest) => rows.find((each) => each.digest === digest));
      expect(decide(ledger, 'a', 'm/0/1')).toBe('Allow');
      expect(decide(ledger, 'other', 'm/0/1')).toBe('LimitExceeded');
      expect(decide(ledger, 'other', 'm/0/2')).toBe('Allow');
    },
  );

  it('is contended where only an unfinished request of its path holds the room', () => {
    const ledger = new Ledger(once, [], () => undefined);
    const open = ledger.reserve(row('a', 100));
    expect(decide(ledger, 'a', 'm/0/1')).toBe('Allow');
    expect(decide(ledger, 'other', 'm/0/1')).toBe('LimitContended');
    expect(decide(ledger, 'other', 'm/0/2')).toBe('Allow');
    open.release();
    expect(decide(ledger, 'other', 'm/0/1')).toBe('Allow');
  });
});

/** A write on its way: on disk at once when it is committed, known to have been when its maker is told. */
type Write = { readonly apply: () => void; readonly told: (ok: boolean) => void; ok?: boolean };
type Counted = { at: number; uses: number; spent: boolean };

/** A holder whose ledger many use, beside the plainest bookkeeping of what has to count. */
class Holder {
  readonly disk = new Map<string, LedgerRow>();
  now = 10_000;
  ledger = this.#open();
  counted = new Map<string, Counted>();
  #runs = new Map<string, Reservation>();
  #writes: Write[] = [];
  #committed: Write[] = [];

  #open(): Ledger {
    return new Ledger(policy, this.disk.values(), (digest) => this.disk.get(digest));
  }

  #note(digest: string, at: number, change: (counted: Counted) => void): void {
    const onDisk = this.disk.get(digest);
    const known = this.counted.get(digest) ?? {
      at: onDisk?.state === 'Spent' ? onDisk.at : at,
      uses: 0,
      spent: onDisk?.state === 'Spent',
    };
    known.at = Math.max(known.at, at);
    change(known);
    this.counted.set(digest, known);
  }

  #reserve(digest: string): Reservation {
    const held = this.ledger.reserve(row(digest, this.now));
    this.#note(digest, this.now, (c) => void c.uses++);
    return {
      row: held.row,
      release: () => {
        held.release();
        const counted = this.counted.get(digest);
        if (counted !== undefined && --counted.uses === 0 && !counted.spent) this.counted.delete(digest);
      },
    };
  }

  #spend(digest: string, at: number): LedgerRow {
    this.#note(digest, at, (c) => void (c.spent = true));
    return this.ledger.put(row(digest, at));
  }

  #write(written: LedgerRow, told: (ok: boolean) => void): void {
    this.#writes.push({ apply: () => this.#store(written), told });
  }

  /** With the rules of the real tables. */
  #store(written: LedgerRow): void {
    const old = this.disk.get(written.digest);
    const state = old?.state === 'Spent' ? 'Spent' : written.state;
    this.disk.set(written.digest, { ...written, state, at: Math.max(old?.at ?? 0, written.at) });
  }

  coordinate(digest: string): void {
    if (this.#runs.has(digest)) return;
    const run = this.#reserve(digest);
    this.#runs.set(digest, run);
    this.#write(run.row, () => {});
  }

  endRun(digest: string, spent: boolean): void {
    const run = this.#runs.get(digest);
    if (run === undefined) return;
    this.#runs.delete(digest);
    if (spent)
      this.#write(this.#spend(digest, run.row.at), (ok) => {
        if (ok) this.ledger.settle(digest);
        run.release();
      });
    else {
      run.release();
      const apply = (): void => {
        if (this.disk.get(digest)?.state === 'Reserved') this.disk.delete(digest);
      };
      this.#writes.push({ apply, told() {} });
    }
  }

  round(digest: string): void {
    const round = this.#reserve(digest);
    this.#write({ ...round.row, state: 'Spent' }, (ok) => {
      if (ok) {
        this.#spend(digest, round.row.at);
        this.ledger.settle(digest);
      }
      round.release();
    });
  }

  learn(digest: string, age: number): void {
    this.#write(this.#spend(digest, this.now - age), (ok) => {
      if (ok) this.ledger.settle(digest);
    });
  }

  commit(ok: boolean): void {
    const write = this.#writes.shift();
    if (write === undefined) return;
    if (ok) write.apply();
    this.#committed.push({ ...write, ok });
  }

  tell(): void {
    const write = this.#committed.shift();
    write?.told(write.ok === true);
  }

  restart(): void {
    this.#writes = [];
    this.#committed = [];
    this.#runs = new Map();
    this.counted = new Map([...this.disk].map(([digest, { at }]) => [digest, { at, uses: 0, spent: true }]));
    this.ledger = this.#open();
    for (const reserved of [...this.disk.values()].filter((r) => r.state === 'Reserved')) {
      this.#store(this.ledger.put({ ...reserved, state: 'Spent' }));
      this.ledger.settle(reserved.digest);
    }
  }
}

const digest = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<(holder: Holder) => void> = fc.oneof(
  digest.map((d) => (h: Holder) => h.coordinate(d)),
  fc.tuple(digest, fc.boolean()).map(
    ([d, spent]) =>
      (h: Holder) =>
        h.endRun(d, spent),
  ),
  digest.map((d) => (h: Holder) => h.round(d)),
  fc.tuple(digest, fc.nat(HOUR)).map(
    ([d, age]) =>
      (h: Holder) =>
        h.learn(d, age),
  ),
  fc.boolean().map((ok) => (h: Holder) => h.commit(ok)),
  fc.constant((h: Holder) => h.tell()),
  fc.nat(HOUR / 2).map((seconds) => (h: Holder) => void (h.now += seconds)),
  fc.constant((h: Holder) => h.restart()),
);

it('counts each request once while anyone uses it, and for good what is a spend, in whatever order writes end', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const holder = new Holder();
      for (const run of steps) {
        run(holder);
        const { counted, disk, ledger, now } = holder;
        const all = new Map([...disk].filter(([, r]) => r.state === 'Spent').map(([d, { at }]) => [d, at]));
        for (const [d, { at }] of counted) all.set(d, at);
        const within = [...all].filter(([, at]) => at > now - HOUR).map(([d]) => pathOf(d));
        expect(used(ledger, now)).toBe(within.length);
        const [one, two] = ['m/0/1', 'm/0/2'].map((path) => within.filter((each) => each === path).length);
        expect(used(ledger, now, 1)).toBe(Math.max(one ?? 0, two ?? 0));
        for (const d of all.keys()) expect(ledger.get(d)?.at).toBe(all.get(d));
      }
    }),
    { numRuns: 500 },
  );
});
