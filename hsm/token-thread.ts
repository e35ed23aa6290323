import { Worker } from 'node:worker_threads';
import type { Clock } from '../common/clock.ts';
import { workerUrl } from '../common/worker-url.ts';
import type { TokenConfig } from './config.ts';
import type { TokenCall, TokenReply, TokenRequest, TokenResult } from './token-calls.ts';
import { TokenFault } from './token-fault.ts';

/** One signer asks, a few at a time. */
const MAX_PENDING = 64;

type Pending = {
  readonly resolve: (result: TokenResult) => void;
  readonly reject: (error: Error) => void;
  readonly cancel: () => void;
};

/** A token in a thread of its own, whose blocking calls hold up nobody else. */
export class TokenThread {
  readonly #worker: Worker;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #pending = new Map<number, Pending>();
  /** Calls given up whose answers are still to come: until then the thread is stuck in one of them. */
  readonly #late = new Set<number>();
  #lastId = 0;
  #ended: Error | undefined;

  /** `onFailure` is told once where the thread dies: the process has to start anew. */
  constructor(config: TokenConfig, deadlineMs: number, clock: Clock, onFailure: (error: Error) => void) {
    this.#deadlineMs = deadlineMs;
    this.#clock = clock;
    this.#worker = new Worker(workerUrl(import.meta.url, 'token'), { name: 'token', workerData: config });
    this.#worker.on('message', (reply: TokenReply) => this.#settle(reply));
    const fail = (why: string): void => {
      if (this.#ended !== undefined) return;
      this.#ended = new Error(`the token's thread stopped: ${why}`);
      for (const { reject, cancel } of this.#pending.values()) {
        cancel();
        reject(this.#ended);
      }
      this.#pending.clear();
      onFailure(this.#ended);
    };
    this.#worker.on('error', (error: Error) => fail(error.message));
    this.#worker.on('exit', (code) => fail(`exit code ${code}`));
  }

  /** Whether the thread may be inside a call of the module, which nothing can end. */
  get busy(): boolean {
    return this.#pending.size + this.#late.size > 0;
  }

  call(call: TokenCall): Promise<TokenResult> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#late.size > 0) return Promise.reject(this.#slow());
    if (this.#pending.size >= MAX_PENDING)
      return Promise.reject(new TokenFault('Busy', `${MAX_PENDING} calls wait for the token`));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(this.#deadlineMs, () => {
        this.#pending.delete(id);
        this.#late.add(id);
        reject(this.#slow());
      });
      this.#pending.set(id, { resolve, reject, cancel });
      this.#worker.postMessage({ id, call } satisfies TokenRequest);
    });
  }

  #slow(): TokenFault {
    return new TokenFault(
      'TokenSlow',
      `the token held up a call for over ${this.#deadlineMs} ms: it serves again once it has answered`,
    );
  }

  #settle(reply: TokenReply): void {
    if (this.#late.delete(reply.id)) {
      if ('result' in reply) reply.result.bytes.fill(0);
      return;
    }
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    pending?.cancel();
    if ('fault' in reply) pending?.reject(new TokenFault(reply.fault.reason, reply.fault.message));
    else pending?.resolve(reply.result);
  }
}
