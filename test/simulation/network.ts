import { PeerMessage, type Hello } from '../../proto/gen/signer/v1/peer.ts';
import type { PeerBody, PeerHandlers, PeerLinks } from '../../signer/peers/peers.ts';
import type { Connect } from '../../signer/signer.ts';
import type { Head } from '../../signer/state/store.ts';

/** Runs what `actor` sent `way` when it arrives: after all that went that way before. */
type Later = (actor: string, way: string, run: () => void) => void;
type Node = { readonly handlers: PeerHandlers; readonly head: () => Head };

/**
 * Links between signers in one process: in order, without gaps while a link lives, a turn of the event loop late.
 * Links go down with `stop` and `cut`; what was under way then is lost.
 */
export class Network {
  readonly #nodes = new Map<string, Node>();
  readonly #cut = new Set<string>();
  readonly #up = new Map<string, number>();
  /** Milliseconds that messages of a direction take besides a turn. */
  readonly #delays = new Map<string, number>();
  readonly #queues = new Map<string, Promise<void>>();
  readonly #later: Later;
  #generation = 0;
  /**
   * Sees every message on its way: false loses it together with its link, another body goes in its place, and what is
   * 'held' is not delivered: whoever holds it may forge it later, out of order.
   */
  onSend: (from: string, to: string, body: PeerBody) => boolean | PeerBody | 'held' = () => true;
  /** What `from` says first on a new link in place of its own Hello. */
  onHello: (from: string, to: string, hello: Hello) => Hello = (_from, _to, hello) => hello;

  constructor(later: Later = (_actor, _way, run) => void setImmediate(run)) {
    this.#later = later;
  }

  /** How the signer of `name` gets its links. */
  connect(name: string, head: () => Head): Connect {
    return async (_pins, _genesis, handlers): Promise<PeerLinks> => {
      const node = { handlers, head };
      this.#nodes.set(name, node);
      // A signer that was killed may go on computing in this process; nobody hears of it.
      const alive = (): boolean => this.#nodes.get(name) === node;
      // Not before who connects has its links: no link of a network is up before a turn of the event loop.
      this.#later(name, name, () => {
        if (alive()) for (const other of this.#nodes.keys()) this.#raise(name, other);
      });
      return {
        port: 0,
        send: (peer, body) => alive() && this.#send(name, peer, body),
        available: (peer) => alive() && this.#up.has(linkId(name, peer)),
        setPeers() {},
        close: async () => this.stop(name),
      };
    };
  }

  /** The signer is gone, as if killed. */
  stop(name: string): void {
    for (const other of this.#nodes.keys()) this.#drop(name, other);
    this.#nodes.delete(name);
  }

  cut(a: string, b: string): void {
    this.#cut.add(linkId(a, b));
    this.#drop(a, b);
  }

  heal(a: string, b: string): void {
    this.#cut.delete(linkId(a, b));
    this.#raise(a, b);
  }

  /** What `from` sends to `to` takes `ms` longer until the link goes down; order stays. */
  delay(from: string, to: string, ms: number): void {
    this.#delays.set(`${from}>${to}`, ms);
  }

  /** Hands `to` a message as if `from` had sent it: what a forger with from's identity could do. */
  forge(from: string, to: string, body: PeerBody): void {
    this.#deliver(from, to, body);
  }

  #raise(a: string, b: string): void {
    const left = this.#nodes.get(a);
    const right = this.#nodes.get(b);
    if (
      a === b ||
      left === undefined ||
      right === undefined ||
      this.#cut.has(linkId(a, b)) ||
      this.#up.has(linkId(a, b))
    )
      return;
    this.#up.set(linkId(a, b), ++this.#generation);
    const fromLeft = this.onHello(a, b, left.handlers.hello(b));
    const fromRight = this.onHello(b, a, right.handlers.hello(a));
    left.handlers.onUp(b, fromRight, right.head());
    right.handlers.onUp(a, fromLeft, left.head());
  }

  #drop(a: string, b: string): void {
    if (!this.#up.delete(linkId(a, b))) return;
    for (const way of [`${a}>${b}`, `${b}>${a}`]) {
      this.#delays.delete(way);
      this.#queues.delete(way);
    }
    this.#nodes.get(a)?.handlers.onDown(b);
    this.#nodes.get(b)?.handlers.onDown(a);
  }

  #send(from: string, to: string, body: PeerBody): boolean {
    const generation = this.#up.get(linkId(from, to));
    if (generation === undefined) return false;
    const passed = this.onSend(from, to, body);
    if (passed === 'held') return true;
    if (passed === false) {
      this.#drop(from, to);
      this.#later(from, from, () => this.#raise(from, to));
      return true;
    }
    const sent = copyOf(passed === true ? body : passed);
    const deliver = (): void => {
      if (this.#up.get(linkId(from, to)) === generation) this.#deliver(from, to, sent);
    };
    const way = `${from}>${to}`;
    const ms = this.#delays.get(way);
    if (ms === undefined) {
      this.#later(from, way, deliver);
      return true;
    }
    const before = this.#queues.get(way) ?? new Promise<void>((resolve) => void setTimeout(resolve, ms));
    const after = before.then(() => new Promise<void>((resolve) => void setImmediate(resolve))).then(deliver);
    this.#queues.set(way, after);
    return true;
  }

  #deliver(from: string, to: string, body: PeerBody): void {
    const head = this.#nodes.get(from)?.head() ?? { sequence: 0n, hash: new Uint8Array(32) };
    try {
      this.#nodes.get(to)?.handlers.onMessage(from, { head, body });
    } catch {
      // As a real link does.
      this.#drop(from, to);
      setImmediate(() => this.#raise(from, to));
    }
  }
}

/** As a link carries it: whoever sent it may change its own bytes afterwards. */
export const copyOf = (body: PeerBody): PeerBody =>
  PeerMessage.decode(PeerMessage.encode({ head: undefined, body }).finish()).body as PeerBody;

const linkId = (a: string, b: string): string => [a, b].toSorted().join('|');
