import { digest as digestOf } from '../../common/bytes.ts';
import type { Policy } from '../../policy/document.ts';
import type { RootKey } from '../../policy/child-key.ts';
import type { SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { read, verifyRequest, type Reading, type VerifiedRequest } from './judge.ts';

/** A request comes several times within moments: to be signed, as others' spends, with its outcome. */
const MOST = 1_024;
/** Larger requests are rare and verified each time, so that nobody fills the memory. Bytes. */
const LARGEST = 4_096;

type Entry = { readonly verified: VerifiedRequest; reading?: Reading };

/** What was verified and decoded lately: the same bytes under the same signature are the same for good. */
export class RecentRequests {
  readonly #genesis: string;
  readonly #policy: Policy;
  /** By digest and signature, the latest used last. */
  readonly #entries = new Map<string, Entry>();

  constructor(genesis: string, policy: Policy) {
    this.#genesis = genesis;
    this.#policy = policy;
  }

  /** As {@link verifyRequest}. */
  verify(request: SignRequest): VerifiedRequest {
    const id = `${digestOf(request.statement)}\n${request.signature}`;
    const known = request.approvals.length === 0 ? this.#entries.get(id) : undefined;
    const verified = known?.verified ?? verifyRequest(own(request), this.#genesis, this.#policy);
    if (request.statement.length <= LARGEST) this.#keep(id, known ?? { verified });
    return verified;
  }

  /** As {@link read}: a statement names its key, and a key's public key never changes. */
  read({ request, statement, digest }: VerifiedRequest, key: RootKey): Reading {
    const entry = this.#entries.get(`${digest}\n${request.signature}`);
    const reading = entry?.reading ?? read(statement, key);
    if (entry !== undefined) entry.reading = reading;
    return reading;
  }

  #keep(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    if (this.#entries.size <= MOST) return;
    const [oldest = ''] = this.#entries.keys();
    this.#entries.delete(oldest);
  }
}

/** `request` with bytes of its own: those that came over a link are a view of a whole batch. */
const own = (request: SignRequest): SignRequest => ({ ...request, statement: Uint8Array.from(request.statement) });
