import { type KeyObject } from 'node:crypto';
import type { Http2Session, SecureServerOptions } from 'node:http2';
import { createSecureContext, TLSSocket, type SecureContextOptions } from 'node:tls';
import { ChannelCredentials, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { certificatePem, fingerprintOfCertificate } from '../../common/certificate.ts';

/** What this signer shows of itself on every port: its self-signed certificate (DER) and that certificate's key. */
export type TlsIdentity = { readonly certificate: Uint8Array; readonly privateKey: KeyObject };

/** TLS takes a key only as text, which nothing can erase: it is made once, not at each dial. */
const ownSides = new WeakMap<TlsIdentity, SecureContextOptions>();

function ownSide(identity: TlsIdentity): SecureContextOptions {
  const known = ownSides.get(identity);
  if (known !== undefined) return known;
  const made: SecureContextOptions = {
    cert: certificatePem(identity.certificate),
    key: identity.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    minVersion: 'TLSv1.3',
  };
  ownSides.set(identity, made);
  return made;
}

/** Server credentials that identify this signer; `callers` says what it wants to know of the other side. */
class IdentifiedServer extends ServerCredentials {
  constructor(identity: TlsIdentity, callers: SecureServerOptions) {
    super({ ...callers, minVersion: 'TLSv1.3' });
    this.updateSecureContextOptions(ownSide(identity));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/**
 * For the peer port: a handshake ends well only for a certificate in the list, which may change while streams live on.
 * That is not enough to believe a caller: handlers compare {@link peerFingerprint} with genesis, as a certificate in
 * the list could have issued another.
 */
export class PeerServerCredentials extends IdentifiedServer {
  readonly #identity: TlsIdentity;

  constructor(identity: TlsIdentity) {
    super(identity, { requestCert: true, rejectUnauthorized: true });
    this.#identity = identity;
    this.accept([]);
  }

  /** Certificates (DER) of callers from now on. */
  accept(certificates: readonly Uint8Array[]): void {
    // Node takes an absent or empty `ca` for its own roots: with nobody to accept, only this signer itself would do.
    const ca = certificates.length === 0 ? [this.#identity.certificate] : certificates;
    this.updateSecureContextOptions({ ...ownSide(this.#identity), ca: ca.map(certificatePem) });
  }
}

/** For the sign port: anybody may connect; a caller that shows a certificate is known by {@link callerFingerprint}. */
export const signPortCredentials = (identity: TlsIdentity): ServerCredentials =>
  new IdentifiedServer(identity, { requestCert: true, rejectUnauthorized: false });

/** Fingerprint of the caller on the peer port, or undefined. Parses a certificate: once a stream, not once a message. */
export function peerFingerprint(
  call: Pick<ServerDuplexStream<unknown, unknown>, 'getAuthContext'>,
): string | undefined {
  const raw = call.getAuthContext().sslPeerCertificate?.raw;
  return raw === undefined ? undefined : fingerprintOfCertificate(raw);
}

/**
 * Fingerprint of the key that the caller of the sign port proved to hold in its handshake, or undefined without a
 * certificate. grpc-js tells only of certificates whose issuer it trusts (getAuthContext), which a self-signed one never
 * has, so this looks at the connection itself; where a later grpc-js is built otherwise, nobody is recognised.
 */
export function callerFingerprint(call: unknown): string | undefined {
  const socket = connectionOf(call);
  if (!(socket instanceof TLSSocket)) return undefined;
  const { raw } = socket.getPeerCertificate();
  return raw === undefined ? undefined : fingerprintOfCertificate(raw);
}

/** The socket under a grpc-js server call: call -> intercepting call -> HTTP/2 stream -> session. */
function connectionOf(call: unknown): unknown {
  const stream = member(member(call, 'call'), 'stream');
  const session = member(stream, 'session') as Http2Session | undefined;
  return session?.destroyed === false ? session.socket : undefined;
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

/** For dialling one peer: exactly its certificate (DER) is accepted, whatever its address. */
export function peerChannelCredentials(identity: TlsIdentity, certificate: Uint8Array): ChannelCredentials {
  const pinned = fingerprintOfCertificate(certificate);
  const context = createSecureContext({ ...ownSide(identity), ca: certificatePem(certificate) });
  return ChannelCredentials.createFromSecureContext(context, {
    // Replaces Node's check of the host name: the key is the identity, the address is a hint.
    checkServerIdentity: (_host, presented) =>
      fingerprintOfCertificate(presented.raw) === pinned
        ? undefined
        : new Error('peer shows another key than the pinned one'),
  });
}
