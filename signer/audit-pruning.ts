import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { equal, hex } from '../common/bytes.ts';
import { messageOf, Refused } from '../common/errors.ts';
import type { PruneAuditRequest } from '../proto/gen/signer/v1/signer.ts';
import { AuditChain, emptyHead, SEGMENT_RECORDS } from '../statement/audit.ts';
import type { Change, Head, Store } from './state/store.ts';

/** Records read at once: reading is synchronous, and signing goes on between two pages. */
const PAGE = 128;
const NEWLINE = Uint8Array.of(10);

type Segment = {
  readonly end: Head;
  /** SHA-256 of all hashes: what the log itself says of the segment from now on. */
  readonly hashes: string;
  /** SHA-256 of all bodies, each with a newline. */
  readonly bodies: Uint8Array;
};

/**
 * Takes bodies of the audit log off the disk, a whole segment at once and the oldest first, for who shows that it has
 * all of them. Nothing a signer needs to sign is in the audit log: ids, outcomes and spends have tables of their own.
 */
export class AuditPruning {
  readonly #store: Pick<Store, 'auditAfter' | 'head'>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: Pick<Store, 'auditAfter' | 'head'>) {
    this.#store = store;
  }

  /** Prunes the segment that `request` names, with `write`; gives the last record without a body. One call at a time. */
  prune(request: PruneAuditRequest, write: (change: Omit<Change, 'now'>) => Promise<void>): Promise<bigint> {
    const done = this.#last.then(() => this.#prune(request, write));
    this.#last = done.catch(() => {});
    return done;
  }

  async #prune(
    { last, hash, bodies }: PruneAuditRequest,
    write: (change: Omit<Change, 'now'>) => Promise<void>,
  ): Promise<bigint> {
    if (last <= 0n || last % SEGMENT_RECORDS !== 0n || last > this.#store.head.sequence)
      throw new Refused(
        'Malformed',
        `want the last record of a whole segment, a multiple of ${SEGMENT_RECORDS} up to ${this.#store.head.sequence}, got ${last}`,
      );
    const [end] = this.#store.auditAfter(last - 1n, 1);
    if (end === undefined || !equal(end.hash, hash))
      throw new Refused('Malformed', `audit record ${last} has another hash here than the export that is acknowledged`);
    if (end.record.length === 0) return last;
    const first = last - SEGMENT_RECORDS + 1n;
    if (first > 1n && this.#store.auditAfter(first - 2n, 1)[0]?.record.length !== 0)
      throw new Refused('Malformed', `bodies of audit records before ${first} are not pruned yet: the oldest go first`);
    const segment = await this.#read(first);
    if (!equal(segment.bodies, bodies))
      throw new Refused('Malformed', `audit records ${first} to ${last} have other bodies here than in the export`);
    await write({
      pruneAudit: segment.end,
      audit: [
        {
          type: 'AuditPruned',
          first: String(first),
          last: String(last),
          hashes: segment.hashes,
          bodies: `sha256:${hex(segment.bodies)}`,
        },
      ],
    });
    return last;
  }

  /** Reads the segment that begins with `first` and checks it: what is pruned must have been sound. */
  async #read(first: bigint): Promise<Segment> {
    const before = first === 1n ? emptyHead : this.#store.auditAfter(first - 2n, 1)[0];
    if (before === undefined) throw new Refused('Internal', `audit record ${first - 1n} is missing`);
    const chain = new AuditChain({ sequence: before.sequence, hash: before.hash });
    const [hashes, bodies] = [createHash('sha256'), createHash('sha256')];
    const end = first + SEGMENT_RECORDS - 1n;
    while (chain.head.sequence < end) {
      const page = this.#store.auditAfter(chain.head.sequence, Math.min(PAGE, Number(end - chain.head.sequence)));
      if (page.length === 0) throw new Refused('Internal', `audit record ${chain.head.sequence + 1n} is missing`);
      for (const record of page) {
        try {
          if (chain.add(record) === undefined) throw new Error(`audit record ${record.sequence}: its body is missing`);
        } catch (error) {
          throw new Refused('Internal', `nothing is pruned from a log that does not verify: ${messageOf(error)}`);
        }
        hashes.update(record.hash);
        bodies.update(record.record).update(NEWLINE);
      }
      await setImmediate();
    }
    return {
      end: chain.head,
      hashes: `sha256:${hashes.digest('hex')}`,
      bodies: Uint8Array.from(bodies.digest()),
    };
  }
}
