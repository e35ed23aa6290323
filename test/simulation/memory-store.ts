import { formatTime } from '../../common/clock.ts';
import { chainRecord } from '../../statement/audit.ts';
import type {
  AuditRecord,
  BanRow,
  Change,
  Head,
  KeyRow,
  LedgerRow,
  PeerRow,
  RequestRow,
  Snapshot,
  SpendRow,
  Store,
} from '../../signer/state/store.ts';

/** What a signer's disk holds; shared by the stores that one holder opens one after another. */
export class Disk {
  readonly meta = new Map<string, Uint8Array>();
  readonly keys = new Map<string, KeyRow>();
  readonly requests = new Map<string, RequestRow>();
  readonly ledger = new Map<string, LedgerRow>();
  readonly nonces = new Set<string>();
  readonly releases: SpendRow[] = [];
  readonly peers = new Map<string, PeerRow>();
  readonly bans = new Map<string, BanRow>();
  readonly audit: AuditRecord[] = [];
  lastTime = 0;

  get head(): Head {
    const last = this.audit.at(-1);
    return { sequence: last?.sequence ?? 0n, hash: last?.hash ?? new Uint8Array(32) };
  }

  /** As a copy of the medium. */
  copy(): Disk {
    return new Disk().restore(this);
  }

  /** Puts what is on `other` in place of all that is here, as whoever restores a snapshot does. Only while no store is open over it. */
  restore(other: Disk): this {
    for (const table of [this.meta, this.keys, this.requests, this.ledger, this.nonces, this.peers, this.bans])
      table.clear();
    this.releases.length = 0;
    this.audit.length = 0;
    for (const [name, value] of other.meta) this.meta.set(name, value);
    for (const [name, row] of other.keys) this.keys.set(name, row);
    for (const [digest, row] of other.requests) this.requests.set(digest, row);
    for (const [digest, row] of other.ledger) this.ledger.set(digest, row);
    for (const nonce of other.nonces) this.nonces.add(nonce);
    for (const [name, row] of other.peers) this.peers.set(name, row);
    for (const [id, row] of other.bans) this.bans.set(id, row);
    this.releases.push(...other.releases);
    this.audit.push(...other.audit);
    this.lastTime = other.lastTime;
    return this;
  }
}

/**
 * A store over a simulated disk with the rules of the real one. A write becomes durable some time after it was asked
 * for, one after another; `crash` loses what was not, as a process that dies does, but for what the world lets survive:
 * that is on disk and nobody was told.
 */
export class MemoryStore implements Store {
  readonly #disk: Disk;
  readonly #later: (run: () => void) => void;
  readonly #survives: () => boolean;
  readonly #underWay = new Set<Change>();
  #dead = false;
  /** Set to make writes fail, as a broken disk does. */
  failure: Error | undefined;
  problem = '';

  constructor(
    disk: Disk,
    later: (run: () => void) => void = (run) => void setImmediate(run),
    survives: () => boolean = () => false,
  ) {
    this.#disk = disk;
    this.#later = later;
    this.#survives = survives;
  }

  get head(): Head {
    return this.#disk.head;
  }

  load(): Snapshot {
    const { meta, keys, ledger, requests, peers, bans, lastTime } = this.#disk;
    return {
      meta: new Map(meta),
      keys: [...keys.values()],
      unfinished: [...requests.values()].filter((r) => r.state === 'Reserved'),
      reserved: [...ledger.values()].filter((r) => r.state === 'Reserved'),
      peers: [...peers.values()],
      bans: [...bans.values()],
      lastTime,
    };
  }

  ledgerRows(): Iterable<LedgerRow> {
    return [...this.#disk.ledger.values()];
  }

  async write(change: Change): Promise<void> {
    if (this.#dead) return new Promise<never>(() => {});
    this.#underWay.add(change);
    await new Promise<void>((resolve) => this.#later(resolve));
    if (this.#dead) return new Promise<never>(() => {});
    this.#underWay.delete(change);
    if (this.failure !== undefined) throw this.failure;
    this.#apply(change);
  }

  request(digest: string): RequestRow | undefined {
    return this.#disk.requests.get(digest);
  }

  requestById(initiator: string, id: string): RequestRow | undefined {
    return [...this.#disk.requests.values()].find((r) => r.initiator === initiator && r.id === id);
  }

  ledger(digest: string): LedgerRow | undefined {
    return this.#disk.ledger.get(digest);
  }

  releasesAfter(sequence: bigint, limit: number): readonly SpendRow[] {
    return this.#disk.releases.filter((r) => r.sequence > sequence).slice(0, limit);
  }

  auditAfter(sequence: bigint, limit: number): readonly AuditRecord[] {
    return this.#disk.audit.filter((r) => r.sequence > sequence).slice(0, limit);
  }

  crash(): void {
    if (this.#dead) return;
    this.#dead = true;
    for (const change of this.#underWay) {
      if (this.failure !== undefined || !this.#survives()) return;
      try {
        this.#apply(change);
      } catch {
        // One that the disk refuses fails alone, and nobody is left to hear of it.
      }
    }
  }

  async close(): Promise<void> {
    this.#dead = true;
  }

  #apply(change: Change): void {
    const disk = this.#disk;
    const nonces = (change.nonces ?? []).map((n) => `${n.key}/${n.boot}/${n.index}`);
    if (new Set(nonces).size < nonces.length || nonces.some((n) => disk.nonces.has(n)))
      throw new Error('nonce already used');
    for (const r of change.requests ?? []) {
      const bound = this.requestById(r.initiator, r.id);
      if (bound !== undefined && bound.digest !== r.digest) throw new Error('id already bound');
    }
    const records: AuditRecord[] = [];
    for (const entry of change.audit ?? [])
      records.push(chainRecord(records.at(-1) ?? disk.head, formatTime(change.now * 1000), entry));
    for (const n of nonces) disk.nonces.add(n);
    for (const [name, value] of Object.entries(change.meta ?? {})) disk.meta.set(name, value);
    for (const k of change.keys ?? []) disk.keys.set(k.name, k);
    for (const r of change.requests ?? []) {
      const old = disk.requests.get(r.digest);
      if (old?.state === 'Signed' && r.state !== 'Signed') continue;
      if (old?.state === 'Released' && r.state !== 'Released' && r.state !== 'Signed') continue;
      disk.requests.set(r.digest, { ...r, firstSeen: old?.firstSeen ?? r.firstSeen });
    }
    for (const digest of change.unreserve ?? [])
      if (disk.ledger.get(digest)?.state === 'Reserved') disk.ledger.delete(digest);
    for (const row of change.ledger ?? []) {
      const old = disk.ledger.get(row.digest);
      const state = old?.state === 'Spent' ? 'Spent' : row.state;
      disk.ledger.set(row.digest, { ...row, ...old, state, at: Math.max(old?.at ?? 0, row.at) });
    }
    for (const { digest, at } of change.releases ?? [])
      if (!disk.releases.some((r) => r.digest === digest))
        disk.releases.push({ sequence: BigInt(disk.releases.length + 1), digest, at });
    for (const p of change.peers ?? []) disk.peers.set(p.name, newest(disk.peers.get(p.name), p));
    for (const ban of change.bans ?? []) disk.bans.set(`${ban.key}/${ban.peer}`, ban);
    disk.audit.push(...records);
    disk.lastTime = Math.max(disk.lastTime, change.now);
  }
}

/** As the real store merges rows: heads, spends and strikes only grow, a fence stays. */
const newest = (old: PeerRow | undefined, row: PeerRow): PeerRow =>
  old === undefined
    ? row
    : {
        name: row.name,
        head: row.head.sequence > old.head.sequence ? row.head : old.head,
        signed: (row.signed?.head.sequence ?? 0n) > (old.signed?.head.sequence ?? 0n) ? row.signed : old.signed,
        spends: row.spends > old.spends ? row.spends : old.spends,
        fenced: old.fenced === '' ? row.fenced : old.fenced,
        strikes: Math.max(old.strikes, row.strikes),
      };
