import { Metadata, type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { messageOf, UserError } from '../common/errors.ts';
import type { Log } from '../common/log.ts';
import { HsmServiceService, type HsmServiceServer } from '../proto/gen/hsm/v1/hsm.ts';
import type { TokenCall, TokenResult } from './token-calls.ts';
import { type FaultReason, isTokenState, TokenFault } from './token-fault.ts';

const MOST_BYTES = 64 << 10;
/** The trailer that carries the state of a refusal. */
export const STATE_TRAILER = 'holdfast-hsm-state';

/** Those that a caller need not wait for anybody to mend are UNAVAILABLE or DEADLINE_EXCEEDED. */
const codes: Partial<Record<FaultReason, status>> = {
  ModuleMissing: status.UNAVAILABLE,
  TokenMissing: status.UNAVAILABLE,
  TokenFailed: status.UNAVAILABLE,
  TokenSlow: status.DEADLINE_EXCEEDED,
  Busy: status.RESOURCE_EXHAUSTED,
  Malformed: status.INVALID_ARGUMENT,
  WrapRefused: status.INVALID_ARGUMENT,
};

/** Serves one holder's token on a unix socket that only this user can open. */
export async function serveHsm(options: {
  readonly socket: string;
  readonly wallet: string;
  readonly holder: string;
  readonly token: { call(call: TokenCall): Promise<TokenResult> };
  readonly log: Log;
}): Promise<{ close(): Promise<void> }> {
  const { socket, wallet, holder, token, log } = options;
  let last = '';
  /** Says a state once when it begins. */
  const tell = (state: string, message: string): void => {
    if (state === last) return;
    last = state;
    if (state === 'Ready') log.info('token serves');
    else log.warn('token does not serve', { state, error: message });
  };
  const ask = async (call: TokenCall): Promise<TokenResult> => {
    try {
      const result = await token.call(call);
      tell('Ready', '');
      return result;
    } catch (error) {
      if (error instanceof TokenFault && isTokenState(error.reason)) tell(error.reason, error.message);
      throw error;
    }
  };
  const unary =
    <Q, A>(run: (request: Q) => Promise<A>) =>
    (call: ServerUnaryCall<Q, A>, done: sendUnaryData<A>): void => {
      run(call.request).then(
        (answer) => done(null, answer),
        (error: unknown) => {
          if (!(error instanceof TokenFault))
            log.error('call failed', { method: call.getPath(), error: messageOf(error) });
          done(errorOf(error));
        },
      );
    };
  const service: HsmServiceServer = {
    status: unary(async () => {
      try {
        await ask({ op: 'check' });
        return { state: 'Ready', message: '', wallet, holder };
      } catch (error) {
        const state = error instanceof TokenFault && isTokenState(error.reason) ? error.reason : 'TokenFailed';
        return { state, message: messageOf(error), wallet, holder };
      }
    }),
    prepare: unary(async ({ nothingSealed }) => {
      const { bytes, made } = await ask({ op: 'prepare', nothingSealed });
      if (made.length > 0) log.info('made keys in the token', { made });
      return { auditKey: Buffer.from(bytes), made: [...made] };
    }),
    wrap: unary(async ({ dataKey, associated }) => {
      try {
        return { wrapped: Buffer.from((await ask({ op: 'wrap', dataKey, associated })).bytes) };
      } finally {
        dataKey.fill(0);
      }
    }),
    unwrap: unary(async ({ wrapped, associated }) => {
      const { bytes } = await ask({ op: 'unwrap', wrapped, associated });
      return { dataKey: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) };
    }),
    signHead: unary(async ({ message }) => ({ signature: Buffer.from((await ask({ op: 'sign', message })).bytes) })),
    random: unary(async ({ length }) => ({ random: Buffer.from((await ask({ op: 'random', length })).bytes) })),
  };
  const server = new Server({
    'grpc.max_receive_message_length': MOST_BYTES,
    'grpc.max_send_message_length': MOST_BYTES,
  });
  server.addService(HsmServiceService, service);
  await clearSocket(socket);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve();
      else reject(new UserError(`cannot listen on socket ${socket}: ${error.message}`));
    });
  });
  chmodSync(socket, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.tryShutdown(() => resolve());
        server.forceShutdown();
      }),
  };
}

/** Removes a socket that a killed sidecar left; one that answers, or anything that is no socket, is left alone. */
async function clearSocket(socket: string): Promise<void> {
  const stats = lstatSync(socket, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw new UserError(`cannot listen on socket ${socket}: something else is there`);
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(socket, () => resolve(true)).on('error', () => resolve(false));
    probe.on('connect', () => probe.destroy());
  });
  if (answers) throw new UserError(`cannot listen on socket ${socket}: another sidecar serves there`);
  unlinkSync(socket);
}

function errorOf(error: unknown): { readonly code: status; readonly details: string; readonly metadata: Metadata } {
  const metadata = new Metadata();
  if (!(error instanceof TokenFault))
    return { code: status.INTERNAL, details: "internal error: the sidecar's log says more", metadata };
  metadata.set(STATE_TRAILER, error.reason);
  return {
    code: codes[error.reason] ?? status.FAILED_PRECONDITION,
    details: `${error.reason}: ${error.message}`,
    metadata,
  };
}
