import { equal } from '../../common/bytes.ts';
import type { Head } from '../state/store.ts';

export type FenceOptions = {
  /** Holders that must have compared, this one included. */
  readonly threshold: number;
  /** The durable head here. */
  readonly own: () => Head;
  /** The hash of the record with that number in the log here; undefined where there is none. */
  readonly hashAt: (sequence: bigint) => Uint8Array | undefined;
  /** What is remembered of a peer. */
  readonly remembered: (peer: string) => Head;
};

/** What a step asks for: peers to tell that this side has joined them, peers that are joined now. */
export type Step = {
  readonly answer?: boolean;
  readonly tell: readonly string[];
  readonly joined: readonly string[];
};

type Link = { told: boolean; heard: boolean; confirmed: boolean; refused: string };

const NOTHING: Step = { tell: [], joined: [] };
const CLEARING =
  'RollbackDetected: nothing clears this in this version, which has no approvals for it; start the signer on its newest data folder, never on a copy';

/**
 * Tells whether a signer came back with an older disk: each side of a link looks up in its own log the head that the
 * other remembers of it, and what is remembered of a peer moves on only after that peer found it, so that records
 * appended to a restored log never take the place of those it lost. No ceremony before both sides compared with
 * a quorum. PROTOCOL.md 6.
 */
export class RollbackFence {
  readonly #options: FenceOptions;
  readonly #links = new Map<string, Link>();
  /** Peers compared with since the start; their links may be gone. */
  readonly #witnesses = new Set<string>();
  readonly #refusals = new Map<string, string>();
  #stopped = '';

  constructor(options: FenceOptions) {
    this.#options = options;
  }

  /** Why this signer does nothing any more; "" while it does. For the life of the process. */
  get stopped(): string {
    return this.#stopped;
  }

  /** Whether anything may be appended. */
  get witnessed(): boolean {
    return this.#stopped === '' && this.#witnesses.size + 1 >= this.#options.threshold;
  }

  /** Why peers are refused, by name. */
  get refusals(): ReadonlyMap<string, string> {
    return this.#refusals;
  }

  joined(peer: string): boolean {
    const link = this.#links.get(peer);
    return this.#stopped === '' && link !== undefined && link.refused === '' && link.told && link.heard;
  }

  /** A link is up; the peer has `head` on disk and remembers `ours`. Its answer is {@link found}. */
  up(peer: string, head: Head, ours: Head): Step {
    this.#links.set(peer, { told: false, heard: false, confirmed: false, refused: '' });
    this.#refusals.delete(peer);
    if (!this.found(ours))
      this.#stopped ||= `this signer's audit log ends at record ${this.#options.own().sequence} or was changed: ${peer} remembers record ${ours.sequence} of it, which is not there. Its data folder was restored from an earlier copy. ${CLEARING}`;
    this.#compare(peer, head);
    return NOTHING;
  }

  down(peer: string): void {
    this.#links.delete(peer);
  }

  /** Whether that very record is in the log here. */
  found({ sequence, hash }: Head): boolean {
    if (sequence === 0n) return true;
    if (sequence > this.#options.own().sequence) return false;
    const here = this.#options.hashAt(sequence);
    return here !== undefined && equal(here, hash);
  }

  /** The peer looked for `about` in its log. Throws where that is not what is remembered: the link has to begin anew. */
  answered(peer: string, about: Head, found: boolean): Step {
    const link = this.#links.get(peer);
    if (link === undefined || link.confirmed) return NOTHING;
    const remembered = this.#options.remembered(peer);
    if (about.sequence !== remembered.sequence || (about.sequence > 0n && !equal(about.hash, remembered.hash)))
      throw new Error(`${peer} answered about record ${about.sequence}, remembered is ${remembered.sequence}`);
    if (!found) this.#refuse(peer, `does not find record ${remembered.sequence} that this signer remembers of it`);
    if (link.refused !== '' || this.#stopped !== '') return NOTHING;
    link.confirmed = true;
    this.#witnesses.add(peer);
    return this.#settle();
  }

  /** The peer compared heads with this signer and with a quorum. */
  heardJoined(peer: string): Step {
    const link = this.#links.get(peer);
    if (link === undefined || link.heard) return NOTHING;
    const before = this.joined(peer);
    link.heard = true;
    return { tell: [], joined: !before && this.joined(peer) ? [peer] : [] };
  }

  /** A joined peer's message carried `head`; whether it is to be remembered. An older one, out of order, never is. */
  saw(peer: string, head: Head): boolean {
    const { sequence, hash } = this.#options.remembered(peer);
    if (!this.joined(peer) || head.sequence < sequence) return false;
    if (head.sequence > sequence) return true;
    if (sequence > 0n && !equal(head.hash, hash)) this.#refuse(peer, `has another record ${sequence} than before`);
    return false;
  }

  #compare(peer: string, head: Head): void {
    const { sequence, hash } = this.#options.remembered(peer);
    if (head.sequence < sequence)
      this.#refuse(peer, `has ${head.sequence} audit records, this signer remembers ${sequence}`);
    else if (head.sequence === sequence && sequence > 0n && !equal(head.hash, hash))
      this.#refuse(peer, `has another record ${sequence} than this signer remembers`);
  }

  #refuse(peer: string, why: string): void {
    const link = this.#links.get(peer);
    const text = `${peer} is refused: its signer ${why}, so its data folder was restored from an earlier copy. ${CLEARING}`;
    if (link !== undefined) link.refused ||= text;
    this.#refusals.set(peer, text);
  }

  /** With a quorum, every peer that confirmed is told so. */
  #settle(): Step {
    if (!this.witnessed) return NOTHING;
    const tell: string[] = [];
    const joined: string[] = [];
    for (const [peer, link] of this.#links) {
      if (!link.confirmed || link.told || link.refused !== '') continue;
      link.told = true;
      tell.push(peer);
      if (this.joined(peer)) joined.push(peer);
    }
    return { tell, joined };
  }
}
