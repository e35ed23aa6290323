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
import type { Schemes } from './scheme.ts';

/** How long the thread lives on with nothing open in it: a ceremony's next step comes within less. */
const IDLE_MS = 1_000;

/** Calls that may wait for the thread; at 10 ms each more would only be late. */
const MAX_PENDING = 2048;

/**
 * All schemes over one worker thread. It ends whenever nothing has been open in it for a while, and is started anew for the
 * next. Where it dies, keys and nonces died with it: pending and later calls reject, and `onFailure` is told once so that
 * the process can end and start anew.
 */
export function workerSchemes(
  onFailure: (error: Error) => void,
  entry: URL = workerUrl(import.meta.url, 'frost'),
  idleMs = IDLE_MS,
): Omit<Schemes, 'ecdsa'> {
  const engine = new WorkerEngine(entry, onFailure, idleMs);
  const schemes = { EdDSA: frostScheme('EdDSA', engine), Schnorr: frostScheme('Schnorr', engine) };
  return {
    engine: 'noble',
    get: (name) => schemes[name],
    close: () => engine.close(),
  };
}

type Pending = { readonly resolve: (result: FrostResult) => void; readonly reject: (error: Error) => void };

class WorkerEngine implements FrostEngine {
  readonly #entry: URL;
  readonly #idleMs: number;
  readonly #pending = new Map<number, Pending>();
  readonly #onFailure: (error: Error) => void;
  /** Keygens and keys that are open in the thread. */
  readonly #targets = new Set<number>();
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #batch: FrostRequest[] = [];
  #lastId = 0;
  #ended: Error | undefined;

  constructor(entry: URL, onFailure: (error: Error) => void, idleMs: number) {
    this.#entry = entry;
    this.#idleMs = idleMs;
    this.#onFailure = onFailure;
    // Ready for the first call.
    this.#start();
  }

  call<Op extends FrostOp>(target: number, call: Extract<FrostCall, { op: Op }>): Promise<FrostResults[Op]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    if (this.#pending.size >= MAX_PENDING)
      return Promise.reject(new Refused('Busy', `${MAX_PENDING} calls wait for the signing engine`));
    const id = ++this.#lastId;
    if (call.op === 'open' || call.op === 'keygen') this.#targets.add(target);
    if (call.op === 'close') this.#targets.delete(target);
    // Calls of one turn of the event loop cross together.
    if (this.#batch.length === 0) setImmediate(() => this.#flush());
    this.#batch.push({ id, target, call: compact<FrostCall>(call) });
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
    });
  }

  async close(): Promise<void> {
    this.#end(new Error('signing engine is closed'));
    await this.#worker?.terminate();
  }

  #start(): void {
    const worker = new Worker(this.#entry, { name: 'frost' });
    this.#worker = worker;
    const fail = (why: string): void => {
      if (this.#worker === worker) this.#fail(why);
    };
    worker.on('message', (reply: FrostReply) => this.#settle(reply));
    worker.on('error', (error: Error) => fail(error.message));
    worker.on('messageerror', (error: Error) => fail(error.message));
    worker.on('exit', (code) => fail(`exit code ${code}`));
  }

  #flush(): void {
    const batch = this.#batch;
    this.#batch = [];
    const moved = batch.flatMap(({ call }) => secretsOfCall(call).map((secret) => secret.buffer as ArrayBuffer));
    if (this.#ended !== undefined) return;
    clearTimeout(this.#idle);
    if (this.#worker === undefined) this.#start();
    this.#worker?.postMessage(batch, moved);
  }

  /** Nothing is open in the thread: what its heap still has of shares goes with it, since no one can erase an integer. */
  #rest(): void {
    if (this.#targets.size > 0 || this.#pending.size > 0 || this.#ended !== undefined) return;
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
  }

  #settle(reply: FrostReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (this.#targets.size === 0 && this.#pending.size === 0) {
      clearTimeout(this.#idle);
      this.#idle = setTimeout(() => this.#rest(), this.#idleMs).unref();
    }
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
    clearTimeout(this.#idle);
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}
