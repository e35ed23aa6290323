import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, createSecureContext } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { quote } from '../common/bytes.ts';
import { certificatePem, fingerprintOfCertificate } from '../common/certificate.ts';
import { messageOf } from '../common/errors.ts';
import { connectFailure } from './connect-failure.ts';

/** A client's own identity in TLS, where the server asks who calls. */
export type ClientIdentity = { readonly certificate: Uint8Array; readonly privateKey: KeyObject };

const fetchTimeoutMs = 5_000;

/**
 * The certificate that the TLS server at `address` (host:port) proves to have the key of. Whose it is, only its
 * fingerprint can say: compare it with a pin, or pin it now (trust on first use).
 */
export async function fetchCertificate(address: string, signal?: AbortSignal): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const { host, port } = splitAddress(address);
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  // The handshake itself proves the key; nothing is sent before the caller has compared the pin.
  const socket = connect({
    host,
    port,
    ...(isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.3',
    rejectUnauthorized: false,
  });
  socket.setTimeout(fetchTimeoutMs, () => socket.destroy(new Error('no answer in time')));
  socket.once('secureConnect', () => {
    const raw = socket.getPeerX509Certificate()?.raw;
    if (raw === undefined) reject(new Error(`${address}: the server shows no certificate`));
    else resolve(Uint8Array.from(raw));
  });
  socket.on('error', (error) => reject(new Error(`${address}: cannot connect: ${connectFailure(messageOf(error))}`)));
  socket.on('close', () => reject(new Error(`${address}: closed the connection before its certificate came`)));
  const abort = () => reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await promise;
  } finally {
    signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** The certificate at `address`, once its fingerprint is the pinned one; throws naming both otherwise. */
export async function fetchPinned(address: string, fingerprint: string, signal?: AbortSignal): Promise<Uint8Array> {
  const certificate = await fetchCertificate(address, signal);
  const got = fingerprintOfCertificate(certificate);
  if (got !== fingerprint)
    throw new Error(`${address}: want the signer with fingerprint ${fingerprint}, got one with ${got}`);
  return certificate;
}

/** TLS 1.3 with whoever has the key of `certificate` and nobody else; names and addresses do not matter. */
export function pinnedCredentials(certificate: Uint8Array, identity?: ClientIdentity): ChannelCredentials {
  const pin = fingerprintOfCertificate(certificate);
  const context = createSecureContext({
    ca: certificatePem(certificate),
    minVersion: 'TLSv1.3',
    ...(identity !== undefined && {
      cert: certificatePem(identity.certificate),
      key: identity.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    }),
  });
  return credentials.createFromSecureContext(context, {
    // Takes the place of the host name check.
    checkServerIdentity: (_host, shown) =>
      fingerprintOfCertificate(shown.raw) === pin
        ? undefined
        : new Error('the server has another key than the pinned one'),
  });
}

/** Host and port of `host:port` or `[v6]:port`; throws on anything else. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[-_.0-9a-zA-Z]+)):(?<port>[1-9][0-9]{0,4})$/.exec(address);
  const host = match?.groups?.['v6'] ?? match?.groups?.['name'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined || port > 65535) throw new Error(`address: want host:port, got ${quote(address)}`);
  return { host, port };
}
