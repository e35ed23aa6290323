import type { Duplex } from 'node:stream';
import { type ChannelOptions, Client, Metadata } from '@grpc/grpc-js';
import type { Clock } from '../../common/clock.ts';
import type { Log } from '../../common/log.ts';
import { PeerServiceService } from '../../proto/gen/signer/v1/peer.ts';
import { settledChannel } from '../../proto/settled-channel.ts';
import { MAX_BATCH_BYTES } from './link-codec.ts';
import { peerChannelCredentials, type TlsIdentity } from './pinned-credentials.ts';
import type { Wire } from './link.ts';

/** Where a peer listens, and its certificate (DER). */
export type PeerTarget = { readonly endpoint: string; readonly certificate: Uint8Array };

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const CONNECT_MS = 5_000;

const channelOptions: ChannelOptions = {
  // 64 KiB, the default, would make every larger message wait for window updates.
  'grpc-node.flow_control_window': 8 << 20,
  'grpc.max_receive_message_length': MAX_BATCH_BYTES,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.enable_retries': 0,
  // A connection of one's own each time: no state of an earlier attempt delays this one.
  'grpc.use_local_subchannel_pool': 1,
  // The key is the identity; a fixed name keeps addresses, which may be IPs, out of the handshake.
  'grpc.ssl_target_name_override': 'peer.holdfast.dev',
  // Environment and DNS shall not choose another way or behaviour than the roster's.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
};

const asIs = (bytes: Buffer): Buffer => bytes;

export type DiallerOptions = {
  readonly identity: TlsIdentity;
  readonly clock: Clock;
  readonly log: Log;
  /** Gets each new stream; answers with {@link Dialler.gone} when it is gone, {@link Dialler.greeted} when it works. */
  readonly attach: (wire: Wire) => void;
};

/** Keeps dialling one peer: at once after a change of address, else with growing, jittered pauses of up to 5 s. */
export class Dialler {
  readonly #options: DiallerOptions;
  #target: PeerTarget | undefined;
  #failures = 0;
  #lastReason = '';
  #connected = false;
  #cancelRetry: (() => void) | undefined;
  /** What has no stream yet. */
  #connecting: Client | undefined;
  #closed = false;

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  /** The address from now on. A stream that is there stays: whom it leads to does not depend on the address. */
  aim(target: PeerTarget): void {
    const changed = this.#target?.endpoint !== target.endpoint;
    this.#target = target;
    this.#failures = changed ? 0 : this.#failures;
    if (changed && !this.#connected) this.#dial();
  }

  greeted(): void {
    this.#failures = 0;
    this.#lastReason = '';
  }

  gone(reason: string): void {
    this.#connected = false;
    if (this.#closed) return;
    if (reason !== this.#lastReason) this.#options.log.info('dialling peer again', { reason });
    this.#lastReason = reason;
    const pause = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
    this.#cancelRetry = this.#options.clock.after(pause * (0.5 + Math.random() / 2), () => this.#dial());
  }

  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#connecting?.close();
  }

  #dial(): void {
    this.#cancelRetry?.();
    if (this.#closed || this.#target === undefined || this.#target.endpoint === '') return;
    const { endpoint, certificate } = this.#target;
    const client = new Client(
      `dns:${endpoint}`,
      peerChannelCredentials(this.#options.identity, certificate),
      channelOptions,
    );
    this.#connected = true;
    this.#connecting = client;
    void settledChannel(client.getChannel(), CONNECT_MS).then((settled) => {
      this.#connecting = undefined;
      if (settled && !this.#closed) return this.#open(client);
      client.close();
      this.gone(`not connected within ${CONNECT_MS / 1000} s`);
    });
  }

  /** A stream begins with its connection: until then there is nothing that a peer could leave without an answer. */
  #open(client: Client): void {
    const call = client.makeBidiStreamRequest(PeerServiceService.link.path, asIs, asIs, new Metadata());
    this.#options.attach({
      stream: call as unknown as Duplex, // grpc-js declares less than the Duplex it makes
      abort() {
        call.cancel();
        client.close();
      },
    });
  }
}
