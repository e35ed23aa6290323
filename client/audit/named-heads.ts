import { equal } from '../../common/bytes.ts';
import type { AuditRecord } from '../../statement/audit.ts';
import type { AuditLog, RememberedHead } from './audit-log.ts';

/** A record of `holder` that `by` says is in its log: its own signer, a peer that was told it, or an export. */
export type NamedHead = RememberedHead & { readonly by: string; readonly asOf: number };

/** The heads named of one log, to be asked as it is gone through. */
export type HeadsOfLog = {
  /** Those that name another hash at the number of this record. */
  contradicting(record: AuditRecord): readonly NamedHead[];
  /** Whether one names this very record. */
  confirms(record: AuditRecord): boolean;
  /** Those that name a record after number `end`. */
  after(end: bigint): readonly NamedHead[];
};

/** Every head that the holders of `logs` name, of their own log and of each other's. */
export class NamedHeads {
  readonly #heads = new Map<string, NamedHead[]>();

  constructor(logs: readonly AuditLog[]) {
    for (const { holder: by, asOf, head, remembered } of logs)
      for (const each of [{ holder: by, head, signature: new Uint8Array() }, ...remembered])
        this.#add({ ...each, by, asOf });
  }

  /** Heads come in here and nowhere else: this is where the signature of one is to be checked before it counts. */
  #add(named: NamedHead): void {
    if (named.head.sequence === 0n) return;
    this.#heads.set(named.holder, [...(this.#heads.get(named.holder) ?? []), named]);
  }

  of(holder: string): HeadsOfLog {
    const heads = this.#heads.get(holder) ?? [];
    const at = new Map<bigint, NamedHead[]>();
    for (const each of heads) at.set(each.head.sequence, [...(at.get(each.head.sequence) ?? []), each]);
    return {
      contradicting: ({ sequence, hash }) => (at.get(sequence) ?? []).filter(({ head }) => !equal(head.hash, hash)),
      confirms: ({ sequence, hash }) => (at.get(sequence) ?? []).some(({ head }) => equal(head.hash, hash)),
      after: (end) => heads.filter(({ head }) => head.sequence > end),
    };
  }
}
