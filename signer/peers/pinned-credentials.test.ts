import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  type CallOptions,
  ChannelCredentials,
  Client,
  type ClientOptions,
  Metadata,
  type sendUnaryData,
  Server,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { digest } from '../../common/bytes.ts';
import { certificatePem, fingerprintOfCertificate, selfSignedCertificate } from '../../common/certificate.ts';
import {
  callerFingerprint,
  peerChannelCredentials,
  PeerServerCredentials,
  signPortCredentials,
  type TlsIdentity,
} from './pinned-credentials.ts';

const asIs = (bytes: Buffer): Buffer => bytes;
const method = { requestSerialize: asIs, requestDeserialize: asIs, responseSerialize: asIs, responseDeserialize: asIs };
const service = {
  who: { path: '/test/Who', requestStream: false, responseStream: false, ...method },
  watch: { path: '/test/Watch', requestStream: false, responseStream: true, ...method },
} as const;

function identity(name: string): TlsIdentity & { readonly fingerprint: string } {
  const { privateKey } = generateKeyPairSync('ed25519');
  const fingerprint = digest(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
  return { privateKey, certificate: selfSignedCertificate({ commonName: name, privateKey }), fingerprint };
}

it('writes a key as text once, however often it dials', () => {
  const [own, peer] = [identity('signer'), identity('peer')];
  const exported = vi.spyOn(own.privateKey, 'export');
  signPortCredentials(own);
  const server = new PeerServerCredentials(own);
  for (let i = 0; i < 3; i++) {
    server.accept([peer.certificate]);
    peerChannelCredentials(own, peer.certificate);
  }
  expect(exported).toHaveBeenCalledTimes(1);
});

describe('the sign port', () => {
  const [signer, operator, other] = [identity('signer'), identity('operator'), identity('signer')];
  const server = new Server();
  let address = '';

  beforeAll(async () => {
    const text = (call: unknown): Buffer => Buffer.from(callerFingerprint(call) ?? 'nobody');
    server.addService(service, {
      who: (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => reply(null, text(call)),
      watch(call: ServerWritableStream<Buffer, Buffer>) {
        call.write(text(call));
        call.end();
      },
    });
    address = await new Promise((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', signPortCredentials(signer), (error, port) =>
        error === null ? resolve(`127.0.0.1:${port}`) : reject(error),
      ),
    );
  });
  afterAll(() => server.forceShutdown());

  async function ask(credentials: ChannelCredentials, how: 'who' | 'watch' = 'who'): Promise<string> {
    const options: ClientOptions = { 'grpc.ssl_target_name_override': 'signer' };
    const client = new Client(address, credentials, options);
    const call: CallOptions = { deadline: Date.now() + 3000 };
    try {
      return await new Promise<string>((resolve, reject) => {
        if (how === 'who')
          client.makeUnaryRequest(
            service.who.path,
            asIs,
            asIs,
            Buffer.alloc(0),
            new Metadata(),
            call,
            (error, answer) => (error === null ? resolve(String(answer)) : reject(error)),
          );
        else
          client
            .makeServerStreamRequest(service.watch.path, asIs, asIs, Buffer.alloc(0), new Metadata(), call)
            .on('data', (answer: Buffer) => resolve(String(answer)))
            .on('error', reject);
      });
    } finally {
      client.close();
    }
  }

  it('knows a caller by the key of its self-signed certificate, in calls and streams', async () => {
    const credentials = peerChannelCredentials(operator, signer.certificate);
    expect(await ask(credentials)).toBe(operator.fingerprint);
    expect(await ask(credentials, 'watch')).toBe(operator.fingerprint);
    expect(operator.fingerprint).toBe(fingerprintOfCertificate(operator.certificate));
  });

  it('serves a caller without a certificate, as nobody', async () => {
    const pem = Buffer.from(certificatePem(signer.certificate));
    expect(await ask(ChannelCredentials.createSsl(pem, null, null, { checkServerIdentity: () => undefined }))).toBe(
      'nobody',
    );
  });

  it('is left by a caller that pinned another key', async () => {
    await expect(ask(peerChannelCredentials(operator, other.certificate))).rejects.toThrow();
  });

  it('recognises nobody in what is no call of grpc-js', () => {
    for (const value of [
      undefined,
      null,
      {},
      { call: {} },
      { call: { stream: { session: { destroyed: false, socket: {} } } } },
    ])
      expect(callerFingerprint(value)).toBeUndefined();
  });
});
