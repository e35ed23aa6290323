import { equal } from '../../common/bytes.ts';
import type { AuditRecord } from '../../statement/audit.ts';
import { isSignedHead } from '../../statement/head-signature.ts';
import type { Known } from './agreement.ts';
import type { Findings } from './findings.ts';
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
  readonly #isSigned: (named: NamedHead) => boolean;
  readonly #findings: Findings;

  /** Heads that are not signed by whom they say count for nothing, and whoever has one is told to `findings`. */
  constructor(
    logs: readonly AuditLog[],
    { genesis, auditKeys }: Pick<Known, 'genesis' | 'auditKeys'>,
    findings: Findings,
  ) {
    this.#isSigned = ({ holder, head, signature }) => {
      const key = auditKeys.get(holder);
      return key !== undefined && isSignedHead({ genesis, holder }, { head, signature }, key);
    };
    this.#findings = findings;
    for (const { holder: by, asOf, head, remembered } of logs)
      for (const each of [{ holder: by, head, signature: new Uint8Array() }, ...remembered])
        this.#add({ ...each, by, asOf });
  }

  /** Heads come in here and nowhere else. */
  #add(named: NamedHead): void {
    const { holder, by, head, signature } = named;
    if (head.sequence === 0n) return;
    if (signature.length > 0 && !this.#isSigned(named)) {
      const problem = `is named by ${by} as the head of ${holder} with a signature that is not of ${holder}'s audit key`;
      this.#findings.add({ severity: 'differs', holder: by, sequence: head.sequence, kind: 'head', problem });
      return;
    }
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
