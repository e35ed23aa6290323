import type { Duplex } from 'node:stream';
import { equal, quote } from '../../common/bytes.ts';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import type { Heartbeat, Hello } from '../../proto/gen/signer/v1/peer.ts';
import type { Head } from '../../proto/gen/signer/v1/signer.ts';
import { decodeBatch, encodeBatch, encodeBody, MAX_BODY_BYTES, MAX_SEQUENCE } from './link-codec.ts';
import { Outbox } from './outbox.ts';
import type { PeerBody, PeerHandlers, Received } from './peers.ts';

/** One authenticated gRPC stream to a peer, whoever dialled it. Reads and writes batches. */
export type Wire = {
  readonly stream: Duplex;
  /** Ends both directions at once and frees what is under the stream. Called once. */
  abort(reason: string): void;
};

type Side = 'dialled' | 'accepted';

type Strand = {
  readonly side: Side;
  readonly wire: Wire;
  readonly ours: Hello;
  /** Theirs; until it came the strand carries nothing else. */
  hello: Hello | undefined;
  /** This side will say no more on it. */
  finished: boolean;
  /** The other side will say no more on it. */
  ended: boolean;
  dead: boolean;
  cancelTimer: () => void;
};

export type LinkOptions = {
  readonly peer: string;
  readonly handlers: PeerHandlers;
  readonly head: () => Head;
  readonly clock: Clock;
  readonly log: Log;
  /** The peer said Hello on the stream that this side dialled. */
  readonly onGreeted: () => void;
  /** There is no dialled stream any more. */
  readonly onDialledGone: (reason: string) => void;
  /** Seconds from a heartbeat to its answer. */
  readonly onRoundTrip?: (seconds: number) => void;
};

const HELLO_TIMEOUT_MS = 5_000;
/** Three heartbeats. */
const SILENCE_MS = 30_000;

/**
 * Everything between this signer and one peer: up to two streams, one dialled by each side, that live and die together,
 * so that between up and down nothing is lost or overtaken.
 *
 * grpc-js lets only a client widen its receive window, so each side speaks on the stream that the other dialled. Until
 * that one is there it speaks on its own, and ends its half of it before it changes over; the other side reads nothing
 * from the stream it dialled itself before the end of the one it accepted. So order survives the change.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #log: Log;
  readonly #outbox = new Outbox((bodies) => this.#write(bodies));
  #dialled: Strand | undefined;
  #accepted: Strand | undefined;
  /** The process at the other end, while up. */
  #boot: Uint8Array | undefined;
  #lastHeard = 0;
  /** The heartbeat that waits for its answer, in microseconds of our clock. */
  #beaten: bigint | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#log = options.log.with({ peer: options.peer });
  }

  get up(): boolean {
    return this.#boot !== undefined;
  }

  /** Takes a new stream and greets on it. One that replaces another means that the old connection is dead. */
  attach(side: Side, wire: Wire): void {
    if ((side === 'dialled' ? this.#dialled : this.#accepted) !== undefined)
      this.drop('replaced by a newer connection');
    let ours: Hello;
    try {
      ours = this.#options.handlers.hello(this.#options.peer);
    } catch (error) {
      wire.stream.on('error', () => {});
      wire.abort(messageOf(error));
      if (side === 'dialled') this.#options.onDialledGone(messageOf(error));
      return;
    }
    const cancelTimer = this.#options.clock.after(HELLO_TIMEOUT_MS, () => this.#unanswered(strand));
    const strand: Strand = {
      side,
      wire,
      ours,
      hello: undefined,
      finished: false,
      ended: false,
      dead: false,
      cancelTimer,
    };
    if (side === 'dialled') this.#dialled = strand;
    else this.#accepted = strand;
    const { stream } = wire;
    stream.on('data', (batch: Uint8Array) => this.#received(strand, batch));
    stream.on('drain', () => strand === this.#speaking() && this.#outbox.drain());
    stream.on('end', () => this.#peerEnded(strand));
    stream.on('error', (error) => this.#lost(strand, messageOf(error)));
    stream.on('cancelled', () => this.#lost(strand, 'connection lost'));
    stream.on('close', () => this.#lost(strand, 'connection closed'));
    stream.write(encodeBatch(this.#options.head(), [encodeBody({ $case: 'hello', value: ours })]));
    this.#arrange();
  }

  send(body: PeerBody): boolean {
    if (!this.up) return false;
    const bytes = encodeBody(body);
    if (bytes.length > MAX_BODY_BYTES) {
      this.#log.error('message is too large to send', { body: body.$case, bytes: bytes.length });
      return false;
    }
    if (!this.#outbox.push(bytes)) this.drop('peer takes messages slower than they are made');
    return this.up;
  }

  /** To be called at every heartbeat interval. */
  beat(): void {
    if (!this.up) return;
    const now = this.#options.clock.monotonic();
    if (now - this.#lastHeard > SILENCE_MS) return this.drop('peer is silent');
    // Microseconds: round trips on one machine are shorter than a millisecond.
    this.#beaten = BigInt(Math.round(now * 1000));
    this.send({ $case: 'heartbeat', value: { stamp: this.#beaten, answer: false } });
  }

  drop(reason: string): void {
    this.#dropAllBut(undefined, reason);
  }

  #dropAllBut(survivor: Strand | undefined, reason: string): void {
    const dropped = [this.#dialled, this.#accepted].filter((s) => s !== undefined && s !== survivor);
    const wasUp = this.up;
    this.#dialled = survivor?.side === 'dialled' ? survivor : undefined;
    this.#accepted = survivor?.side === 'accepted' ? survivor : undefined;
    this.#boot = undefined;
    this.#beaten = undefined;
    this.#outbox.clear();
    for (const strand of dropped) if (strand !== undefined) kill(strand, reason);
    if (wasUp) {
      this.#log.warn('peer down', { reason });
      this.#guard('onDown', () => this.#options.handlers.onDown(this.#options.peer));
    }
    if (dropped.some((s) => s?.side === 'dialled')) this.#options.onDialledGone(reason);
  }

  /** Where this side speaks: on the stream the peer dialled, once it has greeted there, else on its own. */
  #speaking(): Strand | undefined {
    if (this.#accepted?.hello !== undefined) return this.#accepted;
    return this.#dialled?.hello === undefined ? undefined : this.#dialled;
  }

  /** Puts both streams in the state that the rule of the class asks for. */
  #arrange(): void {
    const dialled = this.#dialled;
    if (dialled === undefined) return;
    if (this.#mustWait(dialled)) dialled.wire.stream.pause();
    else dialled.wire.stream.resume();
    if (this.#accepted?.hello !== undefined && !dialled.finished) {
      dialled.finished = true;
      dialled.wire.stream.end();
    }
  }

  /** Whether what came on `strand` may be later than what is still to come on the other one. */
  #mustWait(strand: Strand): boolean {
    return strand === this.#dialled && this.#accepted !== undefined && !this.#accepted.ended;
  }

  #write(bodies: readonly Uint8Array[]): boolean {
    return this.#speaking()?.wire.stream.write(encodeBatch(this.#options.head(), bodies)) ?? false;
  }

  #received(strand: Strand, batch: Uint8Array): void {
    if (strand.dead) return;
    this.#lastHeard = this.#options.clock.monotonic();
    let messages: Received[];
    try {
      messages = decodeBatch(batch);
    } catch (error) {
      this.#misbehaved(strand, messageOf(error));
      return;
    }
    for (const message of messages) {
      if (strand.dead) return;
      if (strand.hello === undefined) this.#greeted(strand, message);
      else if (message.body.$case === 'hello') this.#misbehaved(strand, 'a second hello on one stream');
      else {
        if (message.body.$case === 'heartbeat') this.#heartbeat(message.body.value);
        this.#guard('onMessage', () => this.#options.handlers.onMessage(this.#options.peer, message));
      }
    }
  }

  #heartbeat({ stamp, answer }: Heartbeat): void {
    if (!answer) {
      this.send({ $case: 'heartbeat', value: { stamp, answer: true } });
    } else if (stamp === this.#beaten) {
      this.#beaten = undefined;
      this.#options.onRoundTrip?.((this.#options.clock.monotonic() * 1000 - Number(stamp)) / 1e6);
    }
  }

  #greeted(strand: Strand, { head, body }: Received): void {
    const wrong =
      body.$case === 'hello' ? wrongHello(strand.ours, this.#options.peer, body.value) : `${body.$case} before hello`;
    if (body.$case !== 'hello' || wrong !== undefined) {
      this.#misbehaved(strand, wrong ?? '');
      return;
    }
    const hello = body.value;
    strand.cancelTimer();
    // Another boot than the link's: the process that the other stream led to is gone.
    if (this.#boot !== undefined && !equal(this.#boot, hello.boot)) this.#dropAllBut(strand, 'peer restarted');
    strand.hello = hello;
    this.#arrange();
    if (strand.side === 'dialled') this.#options.onGreeted();
    if (this.up) {
      this.#outbox.drain();
      return;
    }
    this.#boot = hello.boot.slice();
    this.#log.info('peer up', { version: hello.version });
    this.#guard('onUp', () => this.#options.handlers.onUp(this.#options.peer, hello, head));
  }

  /** On the accepted stream the peer has changed over to the other one; a dialled one ends only with its call. */
  #peerEnded(strand: Strand): void {
    if (strand.side === 'dialled') this.#lost(strand, 'stream ended by the peer');
    strand.ended = true;
    this.#arrange();
  }

  #misbehaved(strand: Strand, why: string): void {
    if (strand.dead) return;
    this.#log.warn('link closed: peer breaks the protocol', { reason: why });
    if (strand.hello === undefined) this.#lost(strand, why);
    else this.drop(why);
  }

  #unanswered(strand: Strand): void {
    if (strand.dead || strand.hello !== undefined) return;
    // It was never read because the peer did not end the other stream, which leaves this link without one direction.
    if (this.#mustWait(strand)) this.drop('peer did not change over to the stream dialled to it');
    else this.#lost(strand, `no hello within ${HELLO_TIMEOUT_MS / 1000} s`);
  }

  /** A stream is gone. One that never greeted carried nothing from here; what it carried to here the peer gives up too. */
  #lost(strand: Strand, reason: string): void {
    if (strand.dead) return;
    if (strand.hello !== undefined) {
      this.drop(reason);
      return;
    }
    kill(strand, reason);
    if (strand.side === 'accepted') {
      this.#accepted = undefined;
      this.#arrange();
    } else {
      this.#dialled = undefined;
      this.#options.onDialledGone(reason);
    }
  }

  /** A handler that throws ends this link, not the process. */
  #guard(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#log.error('handler of peer messages failed', { handler: what, reason: messageOf(error) });
      if (what !== 'onDown') this.drop('internal error');
    }
  }
}

function kill(strand: Strand, reason: string): void {
  strand.dead = true;
  strand.cancelTimer();
  strand.wire.abort(reason);
}

/** What is wrong with `theirs`, the first message from `peer`; undefined where nothing is. */
function wrongHello(ours: Hello, peer: string, theirs: Hello): string | undefined {
  if (theirs.genesis !== ours.genesis)
    return `hello of another wallet: want genesis ${ours.genesis}, got ${quote(theirs.genesis, 80)}`;
  if (theirs.holder !== peer) return `hello of another holder: want ${quote(peer)}, got ${quote(theirs.holder)}`;
  if (theirs.boot.length !== 16) return `hello with a boot of ${theirs.boot.length} bytes, want 16`;
  if ((theirs.remembered?.hash.length ?? 0) > 32) return 'hello remembers a head longer than 32 bytes';
  if ((theirs.remembered?.sequence ?? 0n) > MAX_SEQUENCE || theirs.spendsSeen > MAX_SEQUENCE)
    return 'hello with a number over 63 bits';
  if (theirs.version.length > 100) return 'hello with a version longer than 100 characters';
  return undefined;
}
