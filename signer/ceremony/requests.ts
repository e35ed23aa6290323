import { Refused } from '../../common/errors.ts';
import type { RequestRow, Store } from '../state/store.ts';
import type { VerifiedRequest } from './judge.ts';

/** An id's request under way, with what was known of it before. `doubted`: its shares may be out, whatever that says. */
export type Claim = {
  readonly known: RequestRow | undefined;
  readonly doubted: boolean;
  readonly release: () => void;
};

/** Which request an initiator's id belongs to: one digest for good, from the moment its signature verified. */
export class Requests {
  readonly #store: Pick<Store, 'request' | 'requestById'>;
  /** Rows on their way to disk. */
  readonly #pending = new Map<string, RequestRow>();
  readonly #digests = new Map<string, string>();
  /** Ids of requests that are under way here and may not be on disk yet. */
  readonly #claims = new Map<string, string>();
  /** Ids of requests whose shares may be out while no write that says so succeeded. */
  readonly #doubts = new Map<string, string>();

  constructor(store: Pick<Store, 'request' | 'requestById'>) {
    this.#store = store;
  }

  get(digest: string): RequestRow | undefined {
    return this.#pending.get(digest) ?? this.#store.request(digest);
  }

  /** The request that an id belongs to: one on its way to disk or on it, else one that is under way or in doubt here. */
  owner(initiator: string, id: string): string | undefined {
    const key = idKey(initiator, id);
    const kept = this.#digests.get(key) ?? this.#store.requestById(initiator, id)?.digest;
    return kept ?? this.#doubts.get(key) ?? this.#claims.get(key);
  }

  /** What is known of this very request. Throws `IdReused` where its id belongs to another. */
  find({ statement, digest }: VerifiedRequest): RequestRow | undefined {
    const owner = this.owner(statement.initiator, statement.id);
    if (owner !== undefined && owner !== digest)
      throw new Refused(
        'IdReused',
        `id ${JSON.stringify(statement.id)} of ${statement.initiator} belongs to request ${owner}: use another id`,
      );
    return this.get(digest);
  }

  /** Gives a request its id while it is under way, so that no other gets it meanwhile. Throws `IdReused`. */
  claim(request: VerifiedRequest): Claim {
    const known = this.find(request);
    const id = idKey(request.statement.initiator, request.statement.id);
    // Reserved and nobody at it: the write that was to say how it ended failed.
    const doubted = this.#doubts.has(id) || known?.state === 'Reserved';
    this.#claims.set(id, request.digest);
    return { known, doubted, release: () => this.#claims.delete(id) };
  }

  /** Shares of a request may be out and this could not be written: that is known until a later write says so. */
  doubt({ statement, digest }: VerifiedRequest): void {
    this.#doubts.set(idKey(statement.initiator, statement.id), digest);
  }

  /** Holds `row` until `written` settles; others see it at once. A row that could not be written is forgotten. */
  async keep(row: RequestRow, written: Promise<void>): Promise<void> {
    const id = idKey(row.initiator, row.id);
    this.#pending.set(row.digest, row);
    this.#digests.set(id, row.digest);
    try {
      await written;
      if (row.state === 'Released' || row.state === 'Signed') this.#doubts.delete(id);
    } finally {
      if (this.#pending.get(row.digest) === row) {
        this.#pending.delete(row.digest);
        this.#digests.delete(id);
      }
    }
  }
}

const idKey = (initiator: string, id: string): string => `${initiator}\n${id}`;

/** A row of `request` in `state`; what a row already knows stays unless `change` says otherwise. */
export const requestRow = (
  { request, statement, digest, expiresAt }: VerifiedRequest,
  firstSeen: number,
  change: Pick<RequestRow, 'state'> & Partial<RequestRow>,
): RequestRow => ({
  digest,
  initiator: statement.initiator,
  id: statement.id,
  key: statement.key,
  statement: request.statement,
  signature: request.signature,
  expiresAt,
  firstSeen,
  reason: '',
  message: '',
  rule: '',
  policyDigest: '',
  participants: [],
  signatures: [],
  ...change,
});
