import { parentPort, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import {
  compact,
  errorParts,
  FrostHost,
  type FrostReply,
  type FrostRequest,
  secretsOfCall,
  secretsOfResult,
} from './frost-calls.ts';

/** Entry of the thread that does all FROST arithmetic of a process: batches of requests in, a reply for each out. */
function serve(port: MessagePort): void {
  const host = new FrostHost();
  const queue: FrostRequest[] = [];
  // New nonces can wait for everything else: a refill would hold up the signatures that caused it.
  const refills: FrostRequest[] = [];

  const take = (batch: readonly FrostRequest[]): void => {
    for (const request of batch) (request.call.op === 'commit' ? refills : queue).push(request);
  };

  port.on('message', (batch: readonly FrostRequest[]) => {
    take(batch);
    for (let next = queue.shift() ?? refills.shift(); next !== undefined; next = queue.shift() ?? refills.shift()) {
      answer(port, host, next);
      // What arrived meanwhile is seen before the next refill, not after all of them.
      for (let more = receiveMessageOnPort(port); more !== undefined; more = receiveMessageOnPort(port))
        take(more.message);
    }
  });
}

function answer(port: MessagePort, host: FrostHost, { id, target, call }: FrostRequest): void {
  try {
    const made = host.run(target, call);
    const result = compact(made);
    for (const secret of [...secretsOfResult(call.op, made), ...secretsOfCall(call)]) secret.fill(0);
    const moved = secretsOfResult(call.op, result).map((secret) => secret.buffer as ArrayBuffer);
    port.postMessage({ id, result } satisfies FrostReply, moved);
  } catch (error) {
    port.postMessage({ id, error: errorParts(error) } satisfies FrostReply);
  }
}

if (parentPort === null) throw new Error('frost-worker runs only as a worker thread');
serve(parentPort);
