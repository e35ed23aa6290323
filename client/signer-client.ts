import { Metadata, status } from '@grpc/grpc-js';
import type { CallOptions, ClientReadableStream, ClientUnaryCall, ServiceError } from '@grpc/grpc-js';
import { quote } from '../common/bytes.ts';
import { SignerServiceClient } from '../proto/gen/signer/v1/signer.ts';
import type {
  AuditRecord,
  Description,
  GetRequestRequest,
  OutcomeEvent,
  ProvisionReply,
  ProvisionRequest,
  PruneAuditReply,
  PruneAuditRequest,
  SignReply,
  SignRequest,
  WalletFacts,
} from '../proto/gen/signer/v1/signer.ts';
import { settledChannel } from '../proto/settled-channel.ts';
import { connectFailure } from './connect-failure.ts';
import { fetchPinned, pinnedCredentials, splitAddress } from './pinned-tls.ts';
import type { ClientIdentity } from './pinned-tls.ts';

/** Where a signer listens and which key it must show: `sha256:` and hex of its SubjectPublicKeyInfo. */
export type Endpoint = { readonly address: string; readonly fingerprint: string };

export type SignerClientOptions = {
  /** host:port of the sign port. */
  readonly address: string;
  /** The signer's own certificate, DER: the pin. */
  readonly certificate: Uint8Array;
  /** Needed for `provision`, `outcomes`, `audit` and `pruneAudit`: the operator's. */
  readonly identity?: ClientIdentity;
  /** Longest wait for an answer, in milliseconds; streams have none. */
  readonly deadlineMs?: number;
  /** Longest wait of a call for a connection, in milliseconds. */
  readonly connectMs?: number;
};

/** A call that gave no answer: nothing is known of what it did. `code` is gRPC's word, like UNAVAILABLE. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

const defaultDeadlineMs = 30_000;
const defaultConnectMs = 5_000;
const channelOptions = {
  'grpc.use_local_subchannel_pool': 1, // a pin is a property of one channel, never shared
  'grpc.ssl_target_name_override': 'signer.holdfast.dev', // the pin decides; only keeps Node from warning of IPs as names
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.keepalive_time_ms': 20_000,
  'grpc.keepalive_timeout_ms': 5_000,
} as const;

type Unary<Request, Reply> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, reply: Reply) => void,
) => ClientUnaryCall;

/** One signer over TLS pinned to its key. Replies are what that signer says: {@link WalletClient} verifies them. */
export class SignerClient {
  readonly address: string;
  readonly #connect: () => SignerServiceClient;
  #client: SignerServiceClient;
  readonly #deadlineMs: number;
  readonly #connectMs: number;

  constructor(options: SignerClientOptions) {
    splitAddress(options.address);
    this.address = options.address;
    this.#deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
    this.#connectMs = options.connectMs ?? defaultConnectMs;
    const secure = pinnedCredentials(options.certificate, options.identity);
    this.#connect = () => new SignerServiceClient(options.address, secure, channelOptions);
    this.#client = this.#connect();
  }

  /** Reaches the signer once, to learn the certificate of which only the fingerprint is known. */
  static async connect(
    options: Omit<SignerClientOptions, 'certificate'> & Endpoint,
    signal?: AbortSignal,
  ): Promise<SignerClient> {
    const certificate = await fetchPinned(options.address, options.fingerprint, signal);
    return new SignerClient({ ...options, certificate });
  }

  describe(signal?: AbortSignal): Promise<Description> {
    return this.#unary('Describe', (client) => client.describe, {}, signal);
  }

  getWallet(signal?: AbortSignal): Promise<WalletFacts> {
    return this.#unary('GetWallet', (client) => client.getWallet, {}, signal);
  }

  sign(request: SignRequest, signal?: AbortSignal): Promise<SignReply> {
    return this.#unary('Sign', (client) => client.sign, request, signal);
  }

  getRequest(request: GetRequestRequest, signal?: AbortSignal): Promise<SignReply> {
    return this.#unary('GetRequest', (client) => client.getRequest, request, signal);
  }

  provision(request: ProvisionRequest, signal?: AbortSignal): Promise<ProvisionReply> {
    return this.#unary('Provision', (client) => client.provision, request, signal);
  }

  /** Outcomes after audit sequence `after`, old ones first; ends only by an error or `signal`. */
  outcomes(after: bigint, signal?: AbortSignal): AsyncIterable<OutcomeEvent> {
    return this.#stream('Outcomes', () => this.#client.outcomes({ after }), signal);
  }

  /** Audit records after sequence `after` to the durable head. */
  audit(after: bigint, signal?: AbortSignal): AsyncIterable<AuditRecord> {
    return this.#stream('Audit', () => this.#client.audit({ after }), signal);
  }

  pruneAudit(request: PruneAuditRequest, signal?: AbortSignal): Promise<PruneAuditReply> {
    return this.#unary('PruneAudit', (client) => client.pruneAudit, request, signal);
  }

  close(): void {
    this.#client.close();
  }

  async #unary<Request, Reply>(
    name: string,
    method: (client: SignerServiceClient) => Unary<Request, Reply>,
    request: Request,
    signal: AbortSignal | undefined,
  ): Promise<Reply> {
    signal?.throwIfAborted();
    const deadline = Date.now() + this.#deadlineMs;
    const client = await this.#reached(Math.min(this.#deadlineMs, this.#connectMs), signal);
    return new Promise<Reply>((resolve, reject) => {
      const call = method(client).call(client, request, new Metadata(), { deadline }, (error, reply) => {
        signal?.removeEventListener('abort', abort);
        if (error === null) resolve(reply);
        else reject(signal?.aborted === true ? signal.reason : this.#rpcError(name, error));
      });
      const abort = () => call.cancel();
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The client, once it is connected or could not be. An attempt that nobody answers is given up for a new one. */
  async #reached(ms: number, signal: AbortSignal | undefined): Promise<SignerServiceClient> {
    const client = this.#client;
    if (await settledChannel(client.getChannel(), ms, signal)) return client;
    signal?.throwIfAborted();
    if (this.#client === client) {
      client.close();
      this.#client = this.#connect();
    }
    throw new RpcError(`${this.address}: cannot connect: no answer in time`, 'UNAVAILABLE');
  }

  async *#stream<Item>(
    name: string,
    open: () => ClientReadableStream<Item>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Item, void, undefined> {
    signal?.throwIfAborted();
    const stream = open();
    const abort = () => stream.cancel();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for await (const item of stream) yield item as Item;
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#rpcError(name, error as ServiceError);
    } finally {
      signal?.removeEventListener('abort', abort);
      stream.cancel();
    }
  }

  #rpcError(name: string, error: ServiceError): RpcError {
    const code = status[error.code] ?? 'UNKNOWN';
    const details = error.details ?? '';
    // Of these grpc-js itself speaks, not the peer.
    const text = details.startsWith('No connection established')
      ? `cannot connect: ${connectFailure(details)}`
      : error.code === status.DEADLINE_EXCEEDED
        ? `${name}: no answer within ${this.#deadlineMs / 1000} s`
        : `${name}: ${code}: ${quote(details, 300)}`;
    return new RpcError(`${this.address}: ${text}`, code);
  }
}
