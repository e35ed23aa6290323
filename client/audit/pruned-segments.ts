import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { type AuditMembers, type AuditRecord, SEGMENT_RECORDS } from '../../statement/audit.ts';
import type { Finding } from './findings.ts';

/** A run of records that lacks bodies, or that the log says was pruned. */
type Segment = {
  readonly first: bigint;
  readonly last: bigint;
  readonly bare: bigint | undefined;
  readonly hashes: string;
};
type Claim = { readonly sequence: bigint; readonly first: string; readonly hashes: string };

/**
 * Holds what a log says of its own pruning against what is left: a body may be missing only in a segment that a later
 * record names, with the digest of all its hashes.
 */
export class PrunedSegments {
  readonly #holder: string;
  readonly #segments = new Map<string, Segment>();
  readonly #claims = new Map<string, Claim>();
  #hash: Hash = createHash('sha256');
  #bare: bigint | undefined;

  constructor(holder: string) {
    this.#holder = holder;
  }

  /** The next record, in order, and what it says. */
  add({ sequence, hash }: AuditRecord, members: AuditMembers | undefined): void {
    this.#hash.update(hash);
    if (members === undefined) this.#bare ??= sequence;
    if (members?.['type'] === 'AuditPruned')
      this.#claims.set(members['last'] ?? '', {
        sequence,
        first: members['first'] ?? '',
        hashes: members['hashes'] ?? '',
      });
    if (sequence % SEGMENT_RECORDS === 0n) this.#end(sequence);
  }

  #end(last: bigint): void {
    this.#segments.set(String(last), {
      first: last - SEGMENT_RECORDS + 1n,
      last,
      bare: this.#bare,
      hashes: `sha256:${this.#hash.digest('hex')}`,
    });
    this.#hash = createHash('sha256');
    this.#bare = undefined;
  }

  /** What does not fit, and what is pruned as it should be; to be asked at the end of the log. */
  findings(): readonly Finding[] {
    const found: Finding[] = [];
    const holder = this.#holder;
    for (const { first, last, bare, hashes } of this.#segments.values()) {
      const claim = this.#claims.get(String(last));
      if (claim !== undefined && (claim.hashes !== hashes || claim.first !== String(first)))
        found.push({
          severity: 'differs',
          holder,
          sequence: bare ?? first,
          kind: '',
          problem: `is of records ${first} to ${last}, whose hashes are not those that record ${claim.sequence} (AuditPruned) has on record`,
        });
      else if (bare !== undefined && claim === undefined) found.push(unexplained(holder, bare));
      else if (bare !== undefined)
        found.push({
          severity: 'pruned',
          holder,
          sequence: first,
          kind: '',
          problem: `and all to ${last} are pruned: number and hash are left`,
        });
    }
    if (this.#bare !== undefined) found.push(unexplained(holder, this.#bare));
    return found;
  }
}

const unexplained = (holder: string, sequence: bigint): Finding => ({
  severity: 'differs',
  holder,
  sequence,
  kind: '',
  problem: 'has no body, and no later record says that it was pruned',
});
