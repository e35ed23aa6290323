import { messageOf } from '../../common/errors.ts';
import { RateLimit } from '../../common/rate-limit.ts';
import type { HeadAnswer, HeadQuestion, Hello } from '../../proto/gen/signer/v1/peer.ts';
import { SignedHead as SignedHeadMessage, type Head as HeadMessage } from '../../proto/gen/signer/v1/signer.ts';
import { emptyHead } from '../../statement/audit.ts';
import { headPayload, isSignedHead } from '../../statement/head-signature.ts';
import type { PeerBody, Peers, Received } from '../peers/peers.ts';
import type { Head, SignedHead, Snapshot } from '../state/store.ts';
import { NOTHING, type Step } from './rollback-fence.ts';
import type { Wallet } from './wallet.ts';

/** From an appended record to the signature of its head, and from a peer's head to its row on disk. Milliseconds. */
const SOON = 1_000;
/** Where a link is not joined it is asked again, and the newest signed head is told again. Milliseconds. */
const BEAT = 10_000;
/** Questions and signed heads of a peer that are looked at: each costs a read or a verification. */
const CLAIMS_BURST = 8;
const CLAIMS_PER_SECOND = 2;

/** What stopped an earlier start, in the store. */
const META = 'rollback';

/** What ceremonies hear of links. */
export type LinkListener = { joined(peer: string): void; left(peer: string): void };

/**
 * Heads of audit logs between signers: signs this signer's and tells peers, keeps theirs, and asks and answers what the
 * {@link RollbackFence} of its wallet needs before a link carries anything else. PROTOCOL.md 6.
 */
export class HeadExchange {
  readonly #wallet: Wallet;
  /** Links as they are, for what is said before ceremonies may use them. */
  readonly #links: Peers;
  readonly #listener: LinkListener;
  readonly #claims: RateLimit;
  readonly #up = new Set<string>();
  readonly #joined = new Set<string>();
  /** Of whom it was told that they are refused. */
  readonly #refused = new Set<string>();
  #signed: SignedHead | undefined;
  #signing = false;
  /** Why the last head could not be signed, so that each reason is told once. */
  #signingFails = '';
  #cancelSign: (() => void) | undefined;
  #cancelSave: (() => void) | undefined;
  #cancelBeat: (() => void) | undefined;

  constructor(wallet: Wallet, links: Peers, listener: LinkListener) {
    this.#wallet = wallet;
    this.#links = links;
    this.#listener = listener;
    this.#claims = new RateLimit(wallet.env.clock, CLAIMS_BURST, CLAIMS_PER_SECOND);
  }

  /** Begins; a signer that an earlier start found restored stays stopped while its log lacks that record. */
  start({ meta }: Snapshot): void {
    const evidence = meta.get(META);
    if (evidence !== undefined)
      this.#step(() => {
        const signed = signedHeadOf(SignedHeadMessage.decode(evidence));
        if (signed !== undefined) this.#wallet.fence.shown('what stopped an earlier start', signed);
        return NOTHING;
      });
    this.#wallet.onAppended = () => this.#signSoon();
    this.#cancelBeat = this.#wallet.env.clock.after(BEAT, () => this.#beat());
  }

  close(): void {
    this.#cancelBeat?.();
    this.#cancelSign?.();
    this.#cancelSave?.();
  }

  /** The newest head that this signer signed since its start. */
  get signed(): SignedHead | undefined {
    return this.#signed;
  }

  onUp(peer: string, { remembered, signed }: Hello): void {
    this.#up.add(peer);
    this.#step(() => {
      this.#wallet.fence.up(peer);
      return NOTHING;
    });
    this.#onQuestion(peer, { remembered, signed });
  }

  onDown(peer: string): void {
    this.#up.delete(peer);
    this.#wallet.fence.down(peer);
    this.#leave(peer);
  }

  /**
   * What a message says of heads; false where it is for ceremonies and the link is joined. Throws on one for ceremonies
   * before that: were it left out, what follows on the link would have a gap.
   */
  onMessage(peer: string, { head, body }: Received): boolean {
    switch (body.$case) {
      case 'headQuestion':
        if (this.#claims.allow(peer)) this.#onQuestion(peer, body.value);
        return true;
      case 'headAnswer':
        this.#onAnswer(peer, body.value, head);
        return true;
      case 'joined':
        this.#step(() => this.#wallet.fence.heardJoined(peer));
        return true;
      case 'signedHead':
        this.#saw(peer, head);
        if (this.#claims.allow(peer)) this.#onSigned(peer, head, signedHeadOf(body.value));
        return true;
      default:
        return !this.#mayPass(peer, body.$case, head);
    }
  }

  #mayPass(peer: string, what: PeerBody['$case'], head: Head): boolean {
    const { fence } = this.#wallet;
    // Whoever sends it has joined, even where its word of that comes late.
    if (what !== 'heartbeat' && !this.#joined.has(peer)) this.#step(() => fence.heardJoined(peer));
    this.#saw(peer, head);
    if (this.#joined.has(peer)) return true;
    // A refused peer may send what it likes.
    if (what === 'heartbeat' || fence.stopped !== '' || fence.refusals.has(peer)) return false;
    throw new Error(`${peer} sends ${what} before both sides compared their audit logs`);
  }

  /** A step of the rollback fence and what follows from it. */
  #step(run: () => Step): void {
    const { fence, env } = this.#wallet;
    const before = fence.stopped;
    const { tell, joined } = run();
    if (fence.stopped !== before) {
      env.log.error('rollback detected', { reason: fence.stopped });
      this.#keepEvidence();
    }
    for (const peer of this.#refused) if (!fence.refusals.has(peer)) this.#refused.delete(peer);
    for (const [peer, why] of fence.refusals) {
      if (!this.#refused.has(peer)) env.log.error('rollback detected', { peer, reason: why });
      this.#refused.add(peer);
    }
    for (const peer of this.#joined) if (!fence.joined(peer)) this.#leave(peer);
    for (const peer of tell) this.#links.send(peer, { $case: 'joined', value: {} });
    for (const peer of joined) this.#join(peer);
  }

  /** So that this signer stays stopped if it is started again where nobody who remembers is up. */
  #keepEvidence(): void {
    const { fence, env, time } = this.#wallet;
    if (fence.evidence === undefined) return;
    const bytes = SignedHeadMessage.encode(messageOfSigned(fence.evidence)).finish();
    env.store
      .write({ meta: { [META]: Uint8Array.from(bytes) }, now: time.seconds() })
      .catch((error: unknown) => env.log.error('why it stopped is not on disk', { error: messageOf(error) }));
  }

  #join(peer: string): void {
    this.#joined.add(peer);
    this.#tellSigned(peer);
    this.#signSoon();
    this.#listener.joined(peer);
  }

  #leave(peer: string): void {
    if (this.#joined.delete(peer)) this.#listener.left(peer);
  }

  #onQuestion(peer: string, { remembered, signed }: HeadQuestion): void {
    const about = ownHead(remembered);
    let found = false;
    this.#step(() => {
      const { fence } = this.#wallet;
      const claim = signedHeadOf(signed);
      if (claim !== undefined && !fence.shown(peer, claim))
        this.#fault(peer, `shows a head ${claim.head.sequence} that this signer never signed`);
      const asked = fence.asked(peer, about);
      found = asked.found;
      return asked.step;
    });
    this.#links.send(peer, { $case: 'headAnswer', value: { remembered: about, found } });
    // Whoever asks has not joined: it may have missed that this side did.
    if (this.#wallet.fence.told(peer)) this.#links.send(peer, { $case: 'joined', value: {} });
  }

  #onAnswer(peer: string, { remembered, found }: HeadAnswer, head: Head): void {
    this.#step(() => this.#wallet.fence.answered(peer, ownHead(remembered), found, head));
  }

  /** Keeps the newest head that a joined peer told of itself. */
  #saw(peer: string, head: Head): void {
    const { fence } = this.#wallet;
    if (fence.saw(peer, head)) {
      this.#wallet.remember(peer, { head: ownHead(head) });
      this.#saveSoon();
    } else if (this.#joined.has(peer) && !fence.joined(peer)) this.#step(() => NOTHING);
  }

  #onSigned(peer: string, durable: Head, signed: SignedHead | undefined): void {
    const { fence, roster, genesisDigest } = this.#wallet;
    if (!fence.joined(peer)) return;
    if (signed === undefined) return this.#fault(peer, 'sends a signed head without head or signature');
    const { head } = signed;
    if (head.sequence > durable.sequence)
      return this.#fault(peer, `signed head ${head.sequence} before it had it on disk`);
    const { head: told, signed: known } = this.#wallet.peer(peer);
    const other = [known?.head, told].find((h) => h?.sequence === head.sequence);
    const agrees = other === undefined || Buffer.compare(other.hash, head.hash) === 0;
    if (agrees && head.sequence <= (known?.head.sequence ?? 0n)) return;
    if (!isSignedHead({ genesis: genesisDigest, holder: peer }, signed, roster.get(peer).auditKey))
      return this.#fault(peer, `sends head ${head.sequence} with a signature that is not its own`);
    if (!agrees)
      return this.#step(() => {
        fence.forked(peer, head.sequence);
        return NOTHING;
      });
    this.#wallet.remember(peer, { signed });
    this.#saveSoon();
  }

  /** What a peer did wrong stops nobody: it is counted, and it is the peer's. */
  #fault(peer: string, what: string): void {
    const { env } = this.#wallet;
    env.meter.badHead(peer);
    env.log.warn('head refused', { peer, reason: `${peer} ${what}` });
  }

  #beat(): void {
    this.#cancelBeat = this.#wallet.env.clock.after(BEAT, () => this.#beat());
    for (const peer of this.#up) {
      if (this.#joined.has(peer)) this.#tellSigned(peer);
      else this.#links.send(peer, { $case: 'headQuestion', value: this.remembered(peer) });
    }
    this.#signSoon();
  }

  /** What is remembered of a peer, as it is presented to it. */
  remembered(peer: string): { readonly remembered: HeadMessage; readonly signed: SignedHeadMessage | undefined } {
    const { head, signed } = this.#wallet.peer(peer);
    return { remembered: { ...head }, signed: signed && messageOfSigned(signed) };
  }

  #tellSigned(peer: string): void {
    if (this.#signed !== undefined)
      this.#links.send(peer, { $case: 'signedHead', value: messageOfSigned(this.#signed) });
  }

  /** At most once a second, and never in the turn that appended. */
  #signSoon(): void {
    if (this.#signing || this.#cancelSign !== undefined || this.#joined.size === 0) return;
    if (this.#wallet.env.store.head.sequence <= (this.#signed?.head.sequence ?? 0n)) return;
    this.#cancelSign = this.#wallet.env.clock.after(SOON, () => {
      this.#cancelSign = undefined;
      void this.#sign();
    });
  }

  /** Signs what is on disk. Where that fails the next record, or the next beat, has it tried again. Never rejects. */
  async #sign(): Promise<void> {
    const { env, genesisDigest, roster, fence } = this.#wallet;
    const { head } = env.store;
    if (!fence.witnessed) return;
    const owner = { genesis: genesisDigest, holder: roster.me.name };
    this.#signing = true;
    try {
      const signature = await env.heads.sign(headPayload(owner, head));
      const signed = { head, signature: Uint8Array.from(signature) };
      // With the wrong key every one would be wrong.
      if (this.#signed === undefined && !isSignedHead(owner, signed, roster.me.auditKey))
        throw new Error('the signature does not verify with the audit key that genesis gives this holder');
      this.#signed = signed;
      this.#signingFails = '';
      for (const peer of this.#joined) this.#tellSigned(peer);
    } catch (error) {
      const message = messageOf(error);
      if (message !== this.#signingFails) env.log.warn('audit head not signed', { error: message });
      this.#signingFails = message;
      return;
    } finally {
      this.#signing = false;
    }
    this.#signSoon();
  }

  /** What is remembered of peers travels with other writes; where there is none it is written by itself. */
  #saveSoon(): void {
    this.#cancelSave ??= this.#wallet.env.clock.after(SOON, () => {
      this.#cancelSave = undefined;
      if (!this.#wallet.unsaved) return;
      this.#wallet
        .write({})
        .catch((error: unknown) =>
          this.#wallet.env.log.warn('heads of peers not written', { error: messageOf(error) }),
        );
    });
  }
}

/** In bytes of its own: those that came over a link are a view of a whole batch. */
const ownHead = (head: HeadMessage | undefined): Head =>
  head === undefined ? emptyHead : { sequence: head.sequence, hash: Uint8Array.from(head.hash) };

const signedHeadOf = (message: SignedHeadMessage | undefined): SignedHead | undefined =>
  message?.head === undefined
    ? undefined
    : { head: ownHead(message.head), signature: Uint8Array.from(message.signature) };

const messageOfSigned = ({ head, signature }: SignedHead): SignedHeadMessage => ({ head: { ...head }, signature });
