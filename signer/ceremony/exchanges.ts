import { hex, taggedHash, utf8 } from '../../common/bytes.ts';
import type { SignStep } from '../../proto/gen/signer/v1/peer.ts';
import { Refused } from '../../common/errors.ts';
import type { Exchange } from '../scheme/scheme.ts';
import type { Member } from './roster.ts';
import type { Wallet } from './wallet.ts';

/** Steps that two members exchange for one signature. */
export const EXCHANGE_STEPS = 2;
/** Nothing came for so long: it will not. Longer than a coordinator waits for shares, whose word comes first. Milliseconds. */
const STEP_TIMEOUT = 15_000;
/** What one peer may send of sessions that are not known here, or not yet: the coordinator's round may come later. */
const MOST_EARLY = 128;
const MOST_EARLY_BYTES = 8 << 20;

type Early = {
  readonly peer: string;
  readonly session: string;
  readonly said: Pick<SignStep, 'input' | 'step' | 'payload'>;
  readonly cancel: () => void;
};

/** Exchanges of the signatures of one session, one an input. */
export type SessionExchange = {
  /** Of input `index`, from 0. */
  of(index: number): Exchange;
  /** Every message that this holder's shares depend on is here. */
  readonly heard: Promise<void>;
  /** This holder gave another its last message: that one may let its share go. */
  readonly lastSent: boolean;
  /** Whatever waits rejects with `why`; nothing more is taken. */
  close(why: string): void;
};

/** What members of quorums say to one another while they sign: kept by session, input, step and sender, each once. */
export class Exchanges {
  readonly #wallet: Wallet;
  readonly #open = new Map<
    string,
    {
      readonly put: (peer: string, step: SignStep) => void;
      readonly end: (peer: string, why: string) => void;
    }
  >();
  /** Ends each open session that has the peer in it. */
  readonly #ends = new Set<(peer: string, why: string) => void>();
  #early: Early[] = [];

  constructor(wallet: Wallet) {
    this.#wallet = wallet;
  }

  onStep(peer: string, step: SignStep): void {
    const session = hex(step.session);
    const open = this.#open.get(session);
    if (open !== undefined) return open.put(peer, step);
    const held = this.#early.filter((e) => e.peer === peer);
    const bytes = held.reduce((sum, e) => sum + e.said.payload.length, step.payload.length);
    if (step.step !== 1 || held.length >= MOST_EARLY || bytes > MOST_EARLY_BYTES) return;
    const cancel = this.#wallet.env.clock.after(STEP_TIMEOUT, () => {
      this.#early = this.#early.filter((e) => e !== early);
    });
    const said = { input: step.input, step: step.step, payload: Uint8Array.from(step.payload) };
    const early: Early = { peer, session, said, cancel };
    this.#early.push(early);
  }

  /** A check failed on what `peer` said in one session: none goes on with it. */
  onLeftOut(peer: string, why: string): void {
    for (const end of [...this.#ends]) end(peer, why);
  }

  /** The coordinator of a session ended it. */
  onEnd(peer: string, session: Uint8Array, why: string): void {
    this.#open.get(hex(session))?.end(peer, why);
  }

  onDown(peer: string): void {
    for (const { cancel } of this.#early.filter((e) => e.peer === peer)) cancel();
    this.#early = this.#early.filter((e) => e.peer !== peer);
    for (const end of [...this.#ends]) end(peer, `the link to ${peer} went down`);
  }

  /** The exchanges of a session with `count` inputs among this holder and `others`; to be closed when it is over. */
  open(session: Uint8Array, others: readonly Member[], count: number): SessionExchange {
    const { env, roster } = this.#wallet;
    const name = hex(session);
    const kept = new Map<string, Uint8Array>();
    const waiting = new Map<string, { resolve: (payload: Uint8Array) => void; reject: (error: Error) => void }>();
    const { promise: heard, resolve: allHeard, reject: neverHeard } = Promise.withResolvers<void>();
    heard.catch(() => {}); // whoever signs learns of it by what it waits for
    let missing = others.length * count;
    let closed: Error | undefined;
    let lastSent = false;

    const put = (peer: string, { input, step, payload }: Pick<SignStep, 'input' | 'step' | 'payload'>): void => {
      const id = stepId(name, input, step, peer);
      const expected = others.some((m) => m.name === peer) && input < count && step >= 1 && step <= EXCHANGE_STEPS;
      // The first counts: a second is dropped like anything that nobody waits for.
      if (!expected || kept.has(id) || closed !== undefined) return;
      // A view of a batch, which goes when the session is over.
      kept.set(id, payload);
      waiting.get(id)?.resolve(payload);
      if (step === EXCHANGE_STEPS && --missing === 0) allHeard();
    };
    const close = (why: string): void => {
      if (closed !== undefined) return;
      closed = new Refused('QuorumUnavailable', why);
      cancel();
      this.#open.delete(name);
      this.#ends.delete(endWith);
      for (const { reject } of waiting.values()) reject(closed);
      waiting.clear();
      kept.clear();
      neverHeard(closed);
    };
    const endWith = (peer: string, why: string): void => {
      if (others.some((m) => m.name === peer)) close(why);
    };
    const wait = (id: string): Promise<Uint8Array> => {
      if (closed !== undefined) return Promise.reject(closed);
      const known = kept.get(id);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => void waiting.set(id, { resolve, reject }));
    };
    const cancel = env.clock.after(STEP_TIMEOUT, () => {
      const silent = others.filter((m) => ![...kept.keys()].some((id) => id.endsWith(`/${m.name}`)));
      close(
        `no answer of ${(silent.length > 0 ? silent : others).map((m) => m.name).join(', ')} within ${STEP_TIMEOUT / 1000} s`,
      );
    });

    this.#open.set(name, {
      put,
      end: (peer, why) => {
        if (others.some((m) => m.name === peer)) close(`${peer} ended the session: ${why}`);
      },
    });
    this.#ends.add(endWith);
    this.#early = this.#early.filter((e) => {
      if (e.session !== name) return true;
      e.cancel();
      put(e.peer, e.said);
      return false;
    });

    const of = (index: number): Exchange => ({
      session: taggedHash('holdfast/signature/v1', session, utf8(String(index))),
      send(step, messages) {
        if (closed !== undefined) throw closed;
        lastSent ||= step === EXCHANGE_STEPS;
        for (const m of others) {
          const payload = messages.get(m.identifier) ?? new Uint8Array();
          if (!env.peers.send(m.name, { $case: 'signStep', value: { session, input: index, step, payload } }))
            throw new Refused('QuorumUnavailable', `${m.name} is not reachable`);
        }
      },
      async receive(step) {
        const payloads = await Promise.all(others.map((m) => wait(stepId(name, index, step, m.name))));
        return new Map(others.map((m, i) => [roster.get(m.name).identifier, payloads[i] as Uint8Array]));
      },
    });
    return {
      of,
      heard,
      close,
      get lastSent() {
        return lastSent;
      },
    };
  }
}

const stepId = (session: string, input: number, step: number, peer: string): string =>
  `${session}/${input}/${step}/${peer}`;
