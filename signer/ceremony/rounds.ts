import { clip, hex } from '../../common/bytes.ts';
import type { Clock } from '../../common/clock.ts';
import { Refused } from '../../common/errors.ts';
import { reasons, type Reason } from '../../common/reasons.ts';
import type { Refusal, SignShares } from '../../proto/gen/signer/v1/peer.ts';

/** How one member answered a round. `silent`: it may have released its shares. */
export type Answer =
  | { readonly kind: 'shares'; readonly shares: readonly Uint8Array[] }
  /** `about`: with whom it never signs under this key again, where that is why. */
  | { readonly kind: 'refused'; readonly refused: Refused; readonly about: string }
  | { readonly kind: 'silent'; readonly why: string }
  /** The session was over before it answered. `released`: it may have let its shares go by then. */
  | { readonly kind: 'ended'; readonly released: boolean };

/** Rounds under way, by session and member: each is answered once, by message, by loss of the link or by time. */
export class Rounds {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, { readonly peer: string; readonly answer: (answer: Answer) => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer of `peer` to `session`, at the latest after `timeout` milliseconds. */
  wait(session: Uint8Array, peer: string, timeout: number): Promise<Answer> {
    const id = roundKey(session, peer);
    return new Promise((resolve) => {
      const answer = (value: Answer): void => {
        cancel();
        this.#waiting.delete(id);
        resolve(value);
      };
      const cancel = this.#clock.after(timeout, () =>
        answer({ kind: 'silent', why: `no answer within ${timeout / 1000} s` }),
      );
      this.#waiting.set(id, { peer, answer });
    });
  }

  /** Nobody waits for answers to `session` any more. */
  end(session: Uint8Array, peers: readonly string[], released: boolean): void {
    for (const peer of peers) this.#waiting.get(roundKey(session, peer))?.answer({ kind: 'ended', released });
  }

  onShares(peer: string, { session, shares }: SignShares): void {
    this.#waiting.get(roundKey(session, peer))?.answer({ kind: 'shares', shares });
  }

  /** False where no round of that session waits for this peer. */
  onRefusal(peer: string, { session, reason, message, rule, about }: Refusal): boolean {
    const waiting = this.#waiting.get(roundKey(session, peer));
    const known: Reason = Object.hasOwn(reasons, reason) ? (reason as Reason) : 'Internal';
    waiting?.answer({
      kind: 'refused',
      refused: new Refused(known, `${peer}: ${clip(message)}`, clip(rule, 63)),
      about: known === 'CounterpartyBanned' ? (about ?? '') : '',
    });
    return waiting !== undefined;
  }

  onDown(peer: string): void {
    for (const waiting of [...this.#waiting.values()])
      if (waiting.peer === peer) waiting.answer({ kind: 'silent', why: 'the link went down' });
  }
}

const roundKey = (session: Uint8Array, peer: string): string => `${hex(session)}/${peer}`;
