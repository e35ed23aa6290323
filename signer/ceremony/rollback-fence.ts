import { equal } from '../../common/bytes.ts';
import type { Head, SignedHead } from '../state/store.ts';

export type FenceOptions = {
  /** Holders that must have compared, this one included. */
  readonly threshold: number;
  /** The durable head here. */
  readonly own: () => Head;
  /** The hash of the record with that number in the log here; undefined where there is none. */
  readonly hashAt: (sequence: bigint) => Uint8Array | undefined;
  /** Whether this signer's own audit key signed it. */
  readonly signedHere: (signed: SignedHead) => boolean;
  /** The newest head that a peer told of itself on its own links. */
  readonly remembered: (peer: string) => Head;
};

/** What a peer remembers of this signer: the newest head it was told, and the newest with a signature. */
export type Memory = { readonly remembered: Head; readonly signed: SignedHead | undefined };

/** What follows from a step: peers to tell that this side has joined them, and peers that are joined now. */
export type Step = { readonly tell: readonly string[]; readonly joined: readonly string[] };

type Link = {
  /** This side told the peer that it joined it. */
  told: boolean;
  /** The peer said so. */
  heard: boolean;
  /** What the peer remembers of this signer is in the log here. */
  known: boolean;
  /** What this signer remembers of the peer is in the log there. */
  confirmed: boolean;
};

export const NOTHING: Step = { tell: [], joined: [] };

const CLEARING =
  'Nothing clears this in this version, which has no approvals and no recovery. Start that signer on its newest data folder, never on a copy; where that is gone the holder is lost: while the others are a quorum, move what the wallet holds to a new one';

/**
 * Tells whether a signer came back with an older disk: each side of a link presents what it remembers of the other, which
 * looks in its own log for that very record. This signer stops itself only for a record that carries its own signature,
 * so that nobody can make up what stops it; a peer is refused for what it said itself. What is remembered of a peer moves
 * on only after both found theirs, so that records appended to a restored log never take the place of those it lost.
 * No ceremony before both sides compared with a quorum. PROTOCOL.md 6.
 */
export class RollbackFence {
  readonly #options: FenceOptions;
  readonly #links = new Map<string, Link>();
  /** Peers compared with since the start; their links may be gone. */
  readonly #witnesses = new Set<string>();
  readonly #refusals = new Map<string, string>();
  /** Peers that told two histories: refused for the life of this process. */
  readonly #forked = new Set<string>();
  readonly #doubts = new Map<string, string>();
  #stopped = '';
  #evidence: SignedHead | undefined;

  constructor(options: FenceOptions) {
    this.#options = options;
  }

  /** Why this signer does nothing any more; "" while it does. */
  get stopped(): string {
    return this.#stopped;
  }

  /** What stopped it: a head that it signed and does not have. */
  get evidence(): SignedHead | undefined {
    return this.#evidence;
  }

  /** Whether anything may be appended. */
  get witnessed(): boolean {
    return this.#stopped === '' && this.#witnesses.size + 1 >= this.#options.threshold;
  }

  /** Why peers are refused, by name. */
  get refusals(): ReadonlyMap<string, string> {
    return this.#refusals;
  }

  /** What peers say without proof of this signer's own log, by name. */
  get doubts(): ReadonlyMap<string, string> {
    return this.#doubts;
  }

  joined(peer: string): boolean {
    const link = this.#links.get(peer);
    return this.#stopped === '' && link !== undefined && !this.#refusals.has(peer) && link.told && link.heard;
  }

  /** Whether this side has said on this link that it joined the peer. */
  told(peer: string): boolean {
    return this.#links.get(peer)?.told === true;
  }

  up(peer: string): void {
    this.#links.set(peer, { told: false, heard: false, known: false, confirmed: false });
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

  /** Looks for a head that `source` presents as this signer's; false where the signature is not this signer's. */
  shown(source: string, signed: SignedHead): boolean {
    if (!this.#options.signedHere(signed)) return false;
    if (this.#stopped === '' && !this.found(signed.head)) {
      const { sequence } = signed.head;
      this.#stopped = `RollbackDetected: ${source} shows record ${sequence} of this signer's audit log with this signer's signature, and the log here, which ends at record ${this.#options.own().sequence}, does not have it: its data folder is an earlier copy. ${CLEARING}`;
      this.#evidence = signed;
    }
    return true;
  }

  /**
   * A peer presents its {@link Memory} of this signer, whose signature was looked at by {@link shown}. Without one it
   * proves nothing, but such a peer is no witness.
   */
  asked(peer: string, remembered: Head): { readonly found: boolean; readonly step: Step } {
    const found = this.found(remembered);
    const link = this.#links.get(peer);
    if (link === undefined) return { found, step: NOTHING };
    if (found) this.#doubts.delete(peer);
    else
      this.#doubts.set(
        peer,
        `${peer} says without proof that this signer's audit log had a record ${remembered.sequence} which is not there, and is not taken for a witness`,
      );
    if (!link.told) link.known = found;
    return { found, step: this.#settle() };
  }

  /** The peer, whose durable head is `head`, looked for `about` in its log. What is about another record says nothing. */
  answered(peer: string, about: Head, found: boolean, head: Head): Step {
    const link = this.#links.get(peer);
    if (link === undefined || link.confirmed) return NOTHING;
    const remembered = this.#options.remembered(peer);
    const { sequence } = remembered;
    if (!same(about, remembered)) return NOTHING;
    if (!this.#forked.has(peer)) this.#refusals.delete(peer);
    if (head.sequence < sequence)
      this.#refuse(peer, `has ${head.sequence} audit records, this signer remembers ${sequence}`);
    else if (head.sequence === sequence && !same(head, remembered))
      this.#refuse(peer, `has another record ${sequence} than this signer remembers`);
    else if (!found) this.#refuse(peer, `does not have record ${sequence} that this signer remembers of it`);
    if (this.#refusals.has(peer) || this.#stopped !== '') return NOTHING;
    link.confirmed = true;
    return this.#settle();
  }

  /** The peer compared heads with this signer and with a quorum. */
  heardJoined(peer: string): Step {
    const link = this.#links.get(peer);
    if (link === undefined || link.heard) return NOTHING;
    link.heard = true;
    return { tell: [], joined: this.joined(peer) ? [peer] : [] };
  }

  /** A joined peer's message carried `head`; whether it is to be remembered. An older one, out of order, never is. */
  saw(peer: string, head: Head): boolean {
    const remembered = this.#options.remembered(peer);
    if (!this.joined(peer) || head.sequence < remembered.sequence) return false;
    if (head.sequence > remembered.sequence) return true;
    if (!same(head, remembered)) this.forked(peer, head.sequence);
    return false;
  }

  /** The peer told two different records of one number: its log has two histories. */
  forked(peer: string, sequence: bigint): void {
    this.#forked.add(peer);
    this.#refuse(peer, `has told two different records ${sequence}`);
  }

  #refuse(peer: string, why: string): void {
    this.#refusals.set(
      peer,
      `RollbackDetected: ${peer} is refused: its signer ${why}, so its data folder is an earlier copy or its log was changed. ${CLEARING}`,
    );
  }

  /** Who compared both ways is a witness; with a quorum of them, every such peer is told. */
  #settle(): Step {
    const compared = [...this.#links].filter(
      ([peer, link]) => link.known && link.confirmed && !this.#refusals.has(peer),
    );
    if (this.#stopped === '') for (const [peer] of compared) this.#witnesses.add(peer);
    if (!this.witnessed) return NOTHING;
    const tell: string[] = [];
    const joined: string[] = [];
    for (const [peer, link] of compared) {
      if (link.told) continue;
      link.told = true;
      tell.push(peer);
      if (this.joined(peer)) joined.push(peer);
    }
    return { tell, joined };
  }
}

/** Whether both name the same record; of no record there is only one. */
const same = (a: Head, b: Head): boolean => a.sequence === b.sequence && (a.sequence === 0n || equal(a.hash, b.hash));
