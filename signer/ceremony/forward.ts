import { messageOf, Refused } from '../../common/errors.ts';
import type { Forward, ForwardReply } from '../../proto/gen/signer/v1/peer.ts';
import type { SignReply, SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { refusalReply } from './reply.ts';
import type { Wallet } from './wallet.ts';

/** A coordinator answers a forwarded request within this; it bounds its own steps more tightly. Milliseconds. */
const TIMEOUT = 60_000;
/** Requests of one peer that wait for its answer here. */
const MOST_FORWARDED = 1_024;

type Waiting = { readonly peer: string; readonly answer: (reply: SignReply) => void };

/** Takes a request to the first reachable Infrastructure holder in roster order: here or over a link. PROTOCOL.md 3. */
export class Forwarding {
  readonly #wallet: Wallet;
  readonly #coordinate: (request: SignRequest) => Promise<SignReply>;
  readonly #waiting = new Map<bigint, Waiting>();
  #next = 1n;

  constructor(wallet: Wallet, coordinate: (request: SignRequest) => Promise<SignReply>) {
    this.#wallet = wallet;
    this.#coordinate = coordinate;
  }

  async sign(request: SignRequest): Promise<SignReply> {
    const { roster } = this.#wallet;
    const first = roster.coordinators.find((m) => this.#wallet.usable(m.name));
    if (first === roster.me) return this.#coordinate(request);
    // Only what an initiator signed takes up another signer's time.
    try {
      this.#wallet.recent.verify(request);
    } catch (error) {
      return refusalReply(error instanceof Refused ? error : new Refused('Internal', messageOf(error)));
    }
    const waitsFor = roster.coordinators.map((m) => m.name);
    if (first === undefined || this.#waiting.size >= MOST_FORWARDED) {
      const message =
        first === undefined
          ? `waits for ${waitsFor.join(' or ')}: no Infrastructure holder is reachable from ${roster.me.name}`
          : 'too many requests are under way';
      return refusalReply(new Refused(first === undefined ? 'QuorumUnavailable' : 'Busy', message), { waitsFor });
    }
    return this.#forward(first.name, request);
  }

  #forward(peer: string, request: SignRequest): Promise<SignReply> {
    const { env } = this.#wallet;
    const correlation = this.#next++;
    return new Promise((resolve) => {
      const answer = (reply: SignReply): void => {
        cancel();
        this.#waiting.delete(correlation);
        resolve(reply);
      };
      const cancel = env.clock.after(TIMEOUT, () => answer(unknown(peer, 'did not answer')));
      this.#waiting.set(correlation, { peer, answer });
      if (!env.peers.send(peer, { $case: 'forward', value: { correlation, request } }))
        answer(unknown(peer, 'is not reachable'));
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
    for (const waiting of [...this.#waiting.values()])
      if (waiting.peer === peer) waiting.answer(unknown(peer, 'went away'));
  }
}

/** The coordinator had the request and its answer is lost: what became of it is not known here. */
const unknown = (peer: string, why: string): SignReply =>
  refusalReply(
    new Refused('SignatureMayExist', `${peer} ${why} after it was given the request: ask again with the same id`),
    {
      waitsFor: [peer],
    },
  );
