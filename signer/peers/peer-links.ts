import type { Duplex } from 'node:stream';
import { Server, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { digest, quote } from '../../common/bytes.ts';
import { fingerprintOfCertificate } from '../../common/certificate.ts';
import { type Clock, systemClock } from '../../common/clock.ts';
import type { Log } from '../../common/log.ts';
import { PeerServiceService } from '../../proto/gen/signer/v1/peer.ts';
import type { Head, PeerAddress } from '../../proto/gen/signer/v1/signer.ts';
import { Dialler } from './dialler.ts';
import { Link } from './link.ts';
import { MAX_BATCH_BYTES } from './link-codec.ts';
import { peerFingerprint, PeerServerCredentials, type TlsIdentity } from './pinned-credentials.ts';
import type { PeerBody, PeerHandlers, PeerLinks } from './peers.ts';

export type PeerLinksOptions = {
  /** `host:port` to listen on; port 0 takes a free one. */
  readonly listen: string;
  readonly identity: TlsIdentity;
  /** The holders' identities (SubjectPublicKeyInfo, DER) by name, from genesis. Nobody else is ever a peer; nor is this signer. */
  readonly pins: ReadonlyMap<string, Uint8Array>;
  /** The audit head that is on disk now. */
  readonly head: () => Head;
  readonly handlers: PeerHandlers;
  readonly log: Log;
  readonly clock?: Clock;
  /** Told of each heartbeat that was answered. */
  readonly onRoundTrip?: (peer: string, seconds: number) => void;
};

const HEARTBEAT_MS = 10_000;

const asIs = (bytes: Buffer): Buffer => bytes;
/** PeerService with batches left encoded: links decode them, with their own limits. */
const service = {
  link: {
    ...PeerServiceService.link,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

type Peer = { readonly link: Link; readonly dialler: Dialler; certificate: Uint8Array | undefined };

/** Listens on the peer port and keeps a link to every peer whose address is known. Rejects where it cannot listen. */
export async function openPeerLinks(options: PeerLinksOptions): Promise<PeerLinks> {
  const links = new SignerLinks(options);
  await links.listen(options.listen);
  return links;
}

class SignerLinks implements PeerLinks {
  readonly #options: PeerLinksOptions;
  readonly #clock: Clock;
  readonly #peers: ReadonlyMap<string, Peer>;
  /** Names by fingerprint. */
  readonly #names: ReadonlyMap<string, string>;
  readonly #credentials: PeerServerCredentials;
  readonly #server = new Server({
    'grpc.max_receive_message_length': MAX_BATCH_BYTES,
    // A peer has one stream, and for a moment the one that replaces it.
    'grpc.max_concurrent_streams': 4,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
  });
  #port = 0;
  #cancelBeat: () => void;

  constructor(options: PeerLinksOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#credentials = new PeerServerCredentials(options.identity);
    const own = fingerprintOfCertificate(options.identity.certificate);
    this.#names = new Map(
      [...options.pins].map(([name, spki]) => [digest(spki), name] as const).filter(([pin]) => pin !== own),
    );
    this.#peers = new Map([...this.#names.values()].map((name) => [name, this.#makePeer(name)]));
    this.#server.addService(service, { link: (call: ServerDuplexStream<Buffer, Buffer>) => this.#accept(call) });
    this.#cancelBeat = this.#clock.after(HEARTBEAT_MS, () => this.#beat());
  }

  get port(): number {
    return this.#port;
  }

  listen(address: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, this.#credentials, (error, port) => {
        this.#port = port;
        if (error === null) resolve();
        else reject(new Error(`cannot listen for peers on ${address}: ${error.message}`));
      });
    });
  }

  send(peer: string, body: PeerBody): boolean {
    return this.#peers.get(peer)?.link.send(body) ?? false;
  }

  available(peer: string): boolean {
    return this.#peers.get(peer)?.link.up ?? false;
  }

  setPeers(addresses: readonly PeerAddress[]): void {
    const checked = addresses.map((address) => ({ ...address, peer: this.#checked(address) }));
    for (const { peer, certificate } of checked) peer.certificate = Uint8Array.from(certificate);
    this.#credentials.accept(
      [...this.#peers.values()].flatMap((p) => (p.certificate === undefined ? [] : [p.certificate])),
    );
    for (const { peer, endpoint, certificate } of checked)
      peer.dialler.aim({ endpoint, certificate: Uint8Array.from(certificate) });
  }

  async close(): Promise<void> {
    this.#cancelBeat();
    for (const { dialler } of this.#peers.values()) dialler.close();
    for (const { link } of this.#peers.values()) link.drop('this signer stops');
    this.#server.forceShutdown();
  }

  #makePeer(name: string): Peer {
    const log = this.#options.log.with({ peer: name });
    const dialler = new Dialler({
      identity: this.#options.identity,
      clock: this.#clock,
      log,
      attach: (wire) => link.attach('dialled', wire),
    });
    const link: Link = new Link({
      peer: name,
      handlers: this.#options.handlers,
      head: this.#options.head,
      clock: this.#clock,
      log: this.#options.log,
      onGreeted: () => dialler.greeted(),
      onDialledGone: (reason) => dialler.gone(reason),
      onRoundTrip: (seconds) => this.#options.onRoundTrip?.(name, seconds),
    });
    return { link, dialler, certificate: undefined };
  }

  /** The peer that `address` is of; throws unless genesis pins the certificate's key for it. */
  #checked({ name, endpoint, certificate }: PeerAddress): Peer {
    const peer = this.#peers.get(name);
    if (peer === undefined) throw new Error(`peer ${quote(name)}: want a holder of this wallet other than this signer`);
    // Only hosts: gRPC would also take paths of sockets and other schemes.
    if (endpoint !== '' && !/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}$/.test(endpoint))
      throw new Error(`peer ${quote(name)}: want an endpoint like host:7443, got ${quote(endpoint)}`);
    const fingerprint = fingerprintOfCertificate(certificate);
    if (this.#names.get(fingerprint) !== name)
      throw new Error(`peer ${quote(name)}: certificate has the key ${fingerprint}, not the one in genesis`);
    return peer;
  }

  #accept(call: ServerDuplexStream<Buffer, Buffer>): void {
    const fingerprint = peerFingerprint(call);
    const name = fingerprint === undefined ? undefined : this.#names.get(fingerprint);
    const peer = name === undefined ? undefined : this.#peers.get(name);
    if (peer === undefined) {
      this.#options.log.warn('refused a connection: not a holder of this wallet', { fingerprint });
      refuse(call, status.PERMISSION_DENIED, 'not a holder of this wallet');
      return;
    }
    peer.link.attach('accepted', {
      stream: call as unknown as Duplex, // grpc-js declares less than the Duplex it makes
      abort: (reason) => refuse(call, status.ABORTED, reason),
    });
  }

  #beat(): void {
    this.#cancelBeat = this.#clock.after(HEARTBEAT_MS, () => this.#beat());
    for (const { link } of this.#peers.values()) link.beat();
  }
}

/** How grpc-js ends a server stream with a status: an `error` that it turns into one. */
function refuse(call: ServerDuplexStream<Buffer, Buffer>, code: status, details: string): void {
  call.emit('error', { code, details });
}
