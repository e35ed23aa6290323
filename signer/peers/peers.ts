import type { Head, PeerAddress } from '../../proto/gen/signer/v1/signer.ts';
import type { Hello, PeerMessage } from '../../proto/gen/signer/v1/peer.ts';

export type PeerBody = NonNullable<PeerMessage['body']>;

/** A message with both parts present: one without is malformed and ends its link. */
export type Received = PeerMessage & { readonly head: Head; readonly body: PeerBody };

/** The other signers of a wallet, by holder name. */
export interface Peers {
  /**
   * Queues a copy of `body` for `peer`, with the durable head of the moment it leaves. False where no link is up or the
   * message is larger than a link carries. Between `onUp` and `onDown` messages arrive in order and without gaps;
   * what was queued when a link goes down may or may not have arrived.
   */
  send(peer: string, body: PeerBody): boolean;
  available(peer: string): boolean;
}

/** What a signer does with its links. Called synchronously; one that throws ends that peer's link. */
export type PeerHandlers = {
  /** What to say first on a new stream to `peer`. */
  hello(peer: string): Hello;
  /** The link is usable; `hello`, sent with `head`, has named our genesis and this peer. Always before its first `onMessage`. */
  onUp(peer: string, hello: Hello, head: Head): void;
  /** Nothing sent or received on the link counts any more. Once for each `onUp`. */
  onDown(peer: string): void;
  /** Any message but Hello; `body` is decoded, not judged. */
  onMessage(peer: string, message: Received): void;
};

/** Running links: listens for peers and dials those whose address is known. */
export interface PeerLinks extends Peers {
  /** The port listened on. */
  readonly port: number;
  /**
   * Addresses and certificates as provisioned; repeating it is harmless. An entry whose certificate does not carry
   * the key that genesis pins for that name throws and changes nothing. An empty endpoint is never dialled.
   */
  setPeers(peers: readonly PeerAddress[]): void;
  close(): Promise<void>;
}
