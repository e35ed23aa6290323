import {
  Server,
  type ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { digest as digestOf, quote } from '../common/bytes.ts';
import type { Clock } from '../common/clock.ts';
import { messageOf, Refused } from '../common/errors.ts';
import type { Log } from '../common/log.ts';
import type { Reason } from '../common/reasons.ts';
import { SignerServiceService, type SignerServiceServer } from '../proto/gen/signer/v1/signer.ts';
import { refusalReply } from './ceremony/reply.ts';
import { outcomeEvent } from './outcome-event.ts';
import { MAX_SEQUENCE } from './peers/link-codec.ts';
import type { Signer } from './signer.ts';
import type { AuditRecord, Store } from './state/store.ts';

/** A request is at most 256 KiB of payload, as hex inside JSON. */
const MOST_BYTES = 1 << 20;
/** How often an Outcomes stream looks for new records. Milliseconds. */
const FOLLOW_MS = 250;
/** Records read at once: reading is synchronous, and signing goes on between two pages. */
const PAGE = 128;
/** Outcomes and Audit streams at once: an operator needs one or two. */
const MOST_STREAMS = 16;
/** How long a stop waits for calls under way. Milliseconds. */
const DRAIN_MS = 2_000;

export type SignServer = { readonly port: number; close(): Promise<void> };

/**
 * The sign port: the only place where gRPC calls meet the signer. `caller` tells the fingerprint of a client's
 * certificate; Provision, Outcomes, Audit and PruneAudit need the operator's.
 */
export async function serveSigner(options: {
  readonly listen: string;
  readonly credentials: ServerCredentials;
  readonly caller: (call: unknown) => string | undefined;
  readonly operator: string;
  readonly signer: Signer;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<SignServer> {
  const { signer, store, log, clock } = options;
  /** Answers with what `run` gives; a refusal becomes a gRPC error with its reason, anything else an internal one. */
  const unary =
    <Q, A>(run: (request: Q, call: ServerUnaryCall<Q, A>) => A | Promise<A>) =>
    (call: ServerUnaryCall<Q, A>, done: sendUnaryData<A>): void => {
      Promise.resolve()
        .then(() => run(call.request, call))
        .then(
          (answer) => done(null, answer),
          (error: unknown) => {
            if (!(error instanceof Refused || error instanceof NotOperator))
              log.error('call failed', { method: call.getPath(), error: messageOf(error) });
            done(statusOf(error));
          },
        );
    };
  const onlyOperator = (call: unknown): void => {
    if (options.caller(call) !== options.operator)
      throw new NotOperator('this call needs the client certificate of the operator that the signer was started for');
  };

  let closing = false;
  let streams = 0;
  /** Audit records after the asked one through `write`, page by page; to the head of now, or for ever. */
  const follow = async (
    call: ServerWritableStream<{ after: bigint }, unknown>,
    forever: boolean,
    messageFor: (record: AuditRecord) => unknown,
  ): Promise<void> => {
    const end = store.head.sequence;
    let last = call.request.after;
    while (!call.cancelled && !call.destroyed && !closing) {
      // The head is known without reading: an idle stream costs nothing.
      if (last >= (forever ? store.head.sequence : end)) {
        if (!forever) break;
        await pause(FOLLOW_MS);
        continue;
      }
      for (const record of store.auditAfter(last, PAGE)) {
        last = record.sequence;
        if (!forever && last > end) break;
        const message = messageFor(record);
        if (message !== undefined && !call.write(message)) await drained(call);
      }
      await pause(0);
    }
    call.end();
  };
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      clock.after(ms, resolve);
    });
  const stream =
    (forever: boolean, messageFor: (record: AuditRecord) => unknown) =>
    (call: ServerWritableStream<{ after: bigint }, unknown>): void => {
      const run = async (): Promise<void> => {
        onlyOperator(call);
        if (streams >= MOST_STREAMS)
          throw new Refused('Busy', `${streams} streams are open: want at most ${MOST_STREAMS}`);
        if (call.request.after > MAX_SEQUENCE)
          throw new Refused('Malformed', `want a sequence of at most ${MAX_SEQUENCE}, got ${call.request.after}`);
        streams++;
        await follow(call, forever, messageFor).finally(() => void streams--);
      };
      run().catch((error: unknown) => {
        log.warn('stream ended', { method: call.getPath(), error: messageOf(error) });
        call.emit('error', statusOf(error));
      });
    };

  const service: SignerServiceServer = {
    describe: unary(() => signer.describe()),
    getWallet: unary(() => signer.facts()),
    sign: unary(async (request) => {
      try {
        return await signer.sign(request);
      } catch (error) {
        if (error instanceof Refused) return refusalReply(error, { digest: digestOf(request.statement) });
        throw error;
      }
    }),
    getRequest: unary(({ initiator, id }) => {
      const known = signer.request(initiator, id);
      return (
        known ??
        refusalReply(new Refused('Unknown', `nothing is known here of id ${quote(id, 253)} of ${quote(initiator)}`))
      );
    }),
    submit: unary(() => {
      throw new Refused('Unsupported', 'approvals are not in this version');
    }),
    provision: unary(async (request, call) => {
      onlyOperator(call);
      return { genesis: await signer.provision(request) };
    }),
    pruneAudit: unary(async (request, call) => {
      onlyOperator(call);
      return { pruned: await signer.pruneAudit(request) };
    }),
    outcomes: stream(true, outcomeEvent),
    audit: stream(false, (record) => record),
  };
  const server = new Server({
    'grpc.max_receive_message_length': MOST_BYTES,
    'grpc.max_send_message_length': MOST_BYTES * 4,
    'grpc.max_concurrent_streams': 1_024,
    'grpc.keepalive_time_ms': 30_000,
  });
  server.addService(SignerServiceService, service);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(options.listen, options.credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(new Error(`cannot listen for requests on ${options.listen}: ${error.message}`));
    });
  });
  return {
    port,
    close: async () => {
      closing = true;
      await Promise.race([pause(DRAIN_MS), new Promise<void>((resolve) => server.tryShutdown(() => resolve()))]);
      server.forceShutdown();
    },
  };
}

class NotOperator extends Error {}

const codes: Partial<Record<Reason, status>> = {
  Unsupported: status.UNIMPLEMENTED,
  Unprovisioned: status.UNAVAILABLE,
  Malformed: status.INVALID_ARGUMENT,
  Busy: status.RESOURCE_EXHAUSTED,
};

/** What a caller is told; of a fault of this signer, only that there is one. */
function statusOf(error: unknown): { readonly code: status; readonly details: string } {
  if (error instanceof NotOperator) return { code: status.PERMISSION_DENIED, details: error.message };
  if (!(error instanceof Refused))
    return { code: status.INTERNAL, details: "internal error: the signer's log says more" };
  return { code: codes[error.reason] ?? status.FAILED_PRECONDITION, details: `${error.reason}: ${error.message}` };
}

const drained = (call: ServerWritableStream<unknown, unknown>): Promise<void> =>
  new Promise((resolve) => {
    if (call.cancelled || call.destroyed) return resolve();
    call.once('drain', resolve);
    call.once('close', resolve);
    call.once('cancelled', resolve);
  });
