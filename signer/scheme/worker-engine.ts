import { Worker } from 'node:worker_threads';
import { Refused } from '../../common/errors.ts';
import { workerUrl } from '../../common/worker-url.ts';
import {
  compact,
  errorOf,
  type FrostCall,
  type FrostOp,
  type FrostReply,
  type FrostRequest,
  type FrostResult,
  type FrostResults,
  secretsOfCall,
} from './frost-calls.ts';
import { type FrostEngine, frostScheme } from './frost-scheme.ts';
import type { FrostScheme, Scheme } from './scheme.ts';

/** Room for values that were just made, in the thread's own heap; it fills under load only. */
const YOUNG_MB = 48;

/** All schemes of a process over one worker thread. */
export type Schemes = { get(name: FrostScheme): Scheme; close(): Promise<void> };

/** Calls that may wait for the thread; at 10 ms each more would only be late. */
const MAX_PENDING = 2048;

/**
 * Starts the thread. Where it dies, keys and nonces died with it: pending and later calls reject, and `onFailure` is
 * told once so that the process can end and start anew.
 */
export function createSchemes(
  onFailure: (error: Error) => void,
  entry: URL = workerUrl(import.meta.url, 'frost'),
): Schemes {
  const engine = new WorkerEngine(entry, onFailure);
  const schemes = { EdDSA: frostScheme('EdDSA', engine), Schnorr: frostScheme('Schnorr', engine) };
  return { get: (name) => schemes[name], close: () => engine.close() };
}

type Pending = { readonly resolve: (result: FrostResult) => void; readonly reject: (error: Error) => void };

class WorkerEngine implements FrostEngine {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #onFailure: (error: Error) => void;
  #batch: FrostRequest[] = [];
  #lastId = 0;
  #ended: Error | undefined;

  constructor(entry: URL, onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
    // Big integers die young and by the million: with little room for them a tenth of the time goes into collecting them.
    this.#worker = new Worker(entry, { name: 'frost', resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
    this.#worker.on('message', (reply: FrostReply) => this.#settle(reply));
    this.#worker.on('error', (error: Error) => this.#fail(error.message));
    this.#worker.on('messageerror', (error: Error) => this.#fail(error.message));
    this.#worker.on('exit', (code) => this.#fail(`exit code ${code}`));
  }

  call<Op extends FrostOp>(target: number, call: Extract<FrostCall, { op: Op }>): Promise<FrostResults[Op]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#pending.size >= MAX_PENDING)
      return Promise.reject(new Refused('Busy', `${MAX_PENDING} calls wait for the signing engine`));
    const id = ++this.#lastId;
    // Calls of one turn of the event loop cross together.
    if (this.#batch.length === 0) setImmediate(() => this.#flush());
    this.#batch.push({ id, target, call: compact<FrostCall>(call) });
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
    });
  }

  async close(): Promise<void> {
    this.#end(new Error('signing engine is closed'));
    await this.#worker.terminate();
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    const moved = batch.flatMap(({ call }) => secretsOfCall(call).map((secret) => secret.buffer as ArrayBuffer));
    if (this.#ended === undefined) this.#worker.postMessage(batch, moved);
  }

  #settle(reply: FrostReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ('error' in reply) pending?.reject(errorOf(reply.error));
    else pending?.resolve(reply.result);
  }

  #fail(why: string): void {
    if (this.#ended !== undefined) return;
    const error = new Error(`signing engine stopped: ${why}`);
    this.#end(error);
    this.#onFailure(error);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
