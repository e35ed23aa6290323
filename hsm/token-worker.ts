import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../common/errors.ts';
import type { TokenConfig } from './config.ts';
import type { TokenReply, TokenRequest } from './token-calls.ts';
import { TokenFault } from './token-fault.ts';
import { Token } from './token.ts';

const port = parentPort;
if (port === null) throw new Error('token-worker is the entry of a worker thread');
const token = new Token(workerData as TokenConfig);

port.on('message', ({ id, call }: TokenRequest) => {
  let reply: TokenReply;
  const moved: ArrayBuffer[] = [];
  try {
    const result = token.call(call);
    reply = { id, result };
    // Moved, not copied: a data key is then in one place.
    if (call.op !== 'prepare') moved.push(result.bytes.buffer as ArrayBuffer);
  } catch (error) {
    const reason = error instanceof TokenFault ? error.reason : 'TokenFailed';
    reply = { id, fault: { reason, message: messageOf(error) } };
  } finally {
    if (call.op === 'wrap') call.dataKey.fill(0);
  }
  port.postMessage(reply, moved);
});
