import { hex } from '../../common/bytes.ts';
import { messageOf, Refused } from '../../common/errors.ts';
import type { Forward, ForwardReply } from '../../proto/gen/signer/v1/peer.ts';
import type { SignReply, SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { refusalReply, waitingFor } from './reply.ts';
import type { Wallet } from './wallet.ts';

/** A coordinator answers a forwarded request within this; it bounds its own steps more tightly. Milliseconds. */
const TIMEOUT = 60_000;
/** Requests that wait for another holder's answer here. */
const MOST_FORWARDED = 1_024;

/** What became of a forwarded request: its answer, nothing known, or it never left. */
type Forwarded = SignReply | 'lost' | 'unsent';
type Waiting = { readonly peer: string; readonly answer: (forwarded: Forwarded) => void };

/** Takes a request to the first reachable Infrastructure holder in roster order: here or over a link. PROTOCOL.md 3. */
export class Forwarding {
  readonly #wallet: Wallet;
  readonly #coordinate: (request: SignRequest) => Promise<SignReply>;
  readonly #waiting = new Map<bigint, Waiting>();
  #next: bigint;

  constructor(wallet: Wallet, coordinate: (request: SignRequest) => Promise<SignReply>) {
    this.#wallet = wallet;
    this.#coordinate = coordinate;
    // A start takes up no number of the one before: the answer to a request of that one may still be on its way.
    this.#next = BigInt(`0x${hex(wallet.env.random(6))}0000`);
  }

  async sign(request: SignRequest): Promise<SignReply> {
    const { roster } = this.#wallet;
    const tried = new Set<string>();
    let lost = '';
    let last: SignReply | undefined;
    for (;;) {
      const next = roster.coordinators.find((m) => !tried.has(m.name) && this.#wallet.usable(m.name));
      if (next === roster.me) {
        last = await this.#coordinate(request);
        if (!last.elsewhere) return last;
        tried.add(next.name);
        continue;
      }
      const refused = this.#check(request);
      if (refused !== undefined) return refusalReply(refused);
      if (next === undefined) return last ?? (lost === '' ? this.#unreachable() : unknown(lost));
      // A coordinator that goes away leaves the request to the next one: the same bytes may always be asked for again.
      const forwarded = await this.#forward(next.name, request);
      if (typeof forwarded !== 'string') {
        if (!forwarded.elsewhere) return forwarded;
        last = forwarded;
      }
      if (forwarded === 'lost') lost = next.name;
      tried.add(next.name);
    }
  }

  /** Only what an initiator signed takes up another signer's time. */
  #check(request: SignRequest): Refused | undefined {
    if (this.#waiting.size >= MOST_FORWARDED) return new Refused('Busy', 'too many requests are under way: ask again');
    try {
      this.#wallet.verify(request);
      return undefined;
    } catch (error) {
      return error instanceof Refused ? error : new Refused('Internal', messageOf(error));
    }
  }

  #unreachable(): SignReply {
    const { roster } = this.#wallet;
    const names = roster.coordinators.map((m) => m.name);
    const leftOut = names.map((name) => this.#wallet.whyLeftOut(name)).filter((why) => why !== '');
    const waitsFor = names.filter((name) => this.#wallet.whyLeftOut(name) === '');
    const because = leftOut.length === 0 ? '' : ` (${leftOut.join('; ')})`;
    const message = `${waitingFor(waitsFor)}: no Infrastructure holder is reachable from ${roster.me.name}${because}`;
    return refusalReply(new Refused('QuorumUnavailable', message), { waitsFor });
  }

  #forward(peer: string, request: SignRequest): Promise<Forwarded> {
    const { env } = this.#wallet;
    const correlation = this.#next++;
    return new Promise((resolve) => {
      const answer = (forwarded: Forwarded): void => {
        cancel();
        this.#waiting.delete(correlation);
        resolve(forwarded);
      };
      const cancel = env.clock.after(TIMEOUT, () => answer(unknown(peer)));
      this.#waiting.set(correlation, { peer, answer });
      if (!env.peers.send(peer, { $case: 'forward', value: { correlation, request } })) answer('unsent');
    });
  }

  async onForward(peer: string, { correlation, request }: Forward): Promise<void> {
    const { roster, env } = this.#wallet;
    const reply =
      roster.me.role !== 'Infrastructure' || request === undefined
        ? refusalReply(new Refused('Malformed', `${roster.me.name} coordinates nothing`))
        : await this.#coordinate(request);
    if (env.peers.send(peer, { $case: 'forwardReply', value: { correlation, reply } })) return;
    // Too large for a link: what the signatures need is enough, the rest follows from the request.
    const essential = { ...reply, transaction: new Uint8Array(), effects: '' };
    env.peers.send(peer, { $case: 'forwardReply', value: { correlation, reply: essential } });
  }

  onReply(peer: string, { correlation, reply }: ForwardReply): void {
    const waiting = this.#waiting.get(correlation);
    if (waiting?.peer === peer && reply !== undefined) waiting.answer(reply);
  }

  onDown(peer: string): void {
    for (const waiting of [...this.#waiting.values()]) if (waiting.peer === peer) waiting.answer('lost');
  }
}

/** The coordinator had the request and gave no answer: what became of it is not known here. */
const unknown = (peer: string): SignReply =>
  refusalReply(
    new Refused('SignatureMayExist', `${peer} was given the request and gave no answer: ask again with the same id`),
    { waitsFor: [peer] },
  );
