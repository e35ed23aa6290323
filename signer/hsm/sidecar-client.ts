import { secretCopy } from '../../common/bytes.ts';
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status as codes,
} from '@grpc/grpc-js';
import type { Clock } from '../../common/clock.ts';
import {
  HsmServiceService,
  type PrepareReply,
  type StatusReply,
  type UnwrapReply,
  type WrapReply,
} from '../../proto/gen/hsm/v1/hsm.ts';
import { HsmRefused, hsmStates, HsmUnavailable, said } from './hsm-fault.ts';

/** The sidecar gives a call of the token 5 s of its own (`--deadline-ms`) and then answers TokenSlow. */
const DEADLINE_MS = 10_000;
const MOST_BYTES = 64 << 10;
/** The trailer with the state of a refusal, as proto/hsm/v1 has it. */
const STATE_TRAILER = 'holdfast-hsm-state';

export type HsmOperation = 'Status' | 'Prepare' | 'Wrap' | 'Unwrap' | 'SignHead';

/** Told of every call; `outcome` is "ok", a state, or why the call was refused. */
export type OnHsmOperation = (operation: HsmOperation, outcome: string, seconds: number) => void;

type Method<Q, A> = Pick<MethodDefinition<Q, A>, 'path' | 'requestSerialize' | 'responseDeserialize'>;

/**
 * Calls of the PKCS#11 sidecar over its unix socket: each ends within its deadline, rejecting with
 * {@link HsmUnavailable} or {@link HsmRefused}. Messages with a data key are zeroed as soon as they were read or sent;
 * copies that gRPC and HTTP/2 make underneath are out of reach.
 */
export class SidecarClient {
  readonly #socket: string;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #onOperation: OnHsmOperation;
  readonly #client: Client;

  constructor(options: {
    readonly socket: string;
    readonly clock: Clock;
    readonly onOperation: OnHsmOperation;
    readonly deadlineMs?: number;
  }) {
    this.#socket = options.socket;
    this.#clock = options.clock;
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#onOperation = options.onOperation;
    this.#client = new Client(`unix:${options.socket}`, credentials.createInsecure(), {
      // A killed sidecar is back within moments: the pause between two looks is the caller's.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
      'grpc.max_receive_message_length': MOST_BYTES,
      'grpc.enable_retries': 0,
    });
  }

  status(): Promise<StatusReply> {
    return this.#call('Status', HsmServiceService.status, {});
  }

  prepare(nothingSealed: boolean): Promise<PrepareReply> {
    return this.#call('Prepare', HsmServiceService.prepare, { nothingSealed });
  }

  async wrap(dataKey: Uint8Array, associated: readonly string[]): Promise<Uint8Array> {
    const copy = Buffer.from(secretCopy(dataKey).buffer);
    try {
      const request = { dataKey: copy, associated: [...associated] };
      const reply: WrapReply = await this.#call('Wrap', HsmServiceService.wrap, request);
      return Uint8Array.from(reply.wrapped);
    } finally {
      copy.fill(0);
    }
  }

  /** The data key; the caller zeroes it. */
  async unwrap(wrapped: Uint8Array, associated: readonly string[]): Promise<Uint8Array> {
    const request = { wrapped: Buffer.from(wrapped), associated: [...associated] };
    const { dataKey }: UnwrapReply = await this.#call('Unwrap', HsmServiceService.unwrap, request);
    return dataKey;
  }

  /** ECDSA over P-256 and SHA-256 of `message`: r and s. */
  async signHead(message: Uint8Array): Promise<Uint8Array> {
    const { signature } = await this.#call('SignHead', HsmServiceService.signHead, { message: Buffer.from(message) });
    return Uint8Array.from(signature);
  }

  close(): void {
    this.#client.close();
  }

  #call<Q, A>(operation: HsmOperation, method: Method<Q, A>, request: Q): Promise<A> {
    const started = this.#clock.monotonic();
    const done = (outcome: string): void =>
      this.#onOperation(operation, outcome, (this.#clock.monotonic() - started) / 1000);
    let sent: Buffer | undefined;
    const serialize = (value: Q): Buffer => (sent = method.requestSerialize(value));
    const deserialize = (bytes: Buffer): A => {
      const reply = owned(method.responseDeserialize(bytes));
      bytes.fill(0);
      return reply;
    };
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        serialize,
        deserialize,
        request,
        new Metadata(),
        // gRPC wants a date; how long is left is its own doing from here on.
        { deadline: Date.now() + this.#deadlineMs },
        (error: ServiceError | null, reply?: A) => {
          sent?.fill(0);
          if (error === null && reply !== undefined) {
            done('ok');
            return resolve(reply);
          }
          const fault = faultOf(error, this.#socket, this.#deadlineMs);
          done(fault instanceof HsmRefused ? fault.reason : fault.state);
          reject(fault);
        },
      );
    });
  }
}

/** A message whose byte arrays are its own: decoded ones are views of what was received. */
function owned<A>(message: A): A {
  const entries = Object.entries(message as Readonly<Record<string, unknown>>).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? Buffer.from(secretCopy(value).buffer) : value,
  ]);
  return Object.fromEntries(entries) as A;
}

/** An error of a call as the sidecar meant it; what reached no sidecar is a state of its own. */
export function faultOf(
  error: Pick<ServiceError, 'code' | 'details' | 'metadata'> | null,
  socket: string,
  deadlineMs: number,
): HsmUnavailable | HsmRefused {
  const trailer = error?.metadata?.get(STATE_TRAILER)[0];
  const details = said(error?.details ?? '');
  if (typeof trailer === 'string') {
    const message = details.startsWith(`${trailer}: `) ? details.slice(trailer.length + 2) : details;
    if (trailer === 'WrapRefused' || trailer === 'Malformed' || trailer === 'KeysNotPrepared')
      return new HsmRefused(trailer, message);
    const state = hsmStates.find((known) => known === trailer);
    if (state !== undefined) return new HsmUnavailable(state, message);
  }
  if (error?.code === codes.UNAVAILABLE)
    return new HsmUnavailable('SidecarMissing', `no PKCS#11 sidecar answers at ${socket}: start it`);
  if (error?.code === codes.DEADLINE_EXCEEDED)
    return new HsmUnavailable('SidecarSilent', `the sidecar at ${socket} did not answer within ${deadlineMs} ms`);
  return new HsmUnavailable('SidecarFailed', `the sidecar at ${socket} answers ${details || 'nothing'}`);
}
