import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { selfSignedCertificate } from '../common/certificate.ts';
import type { OutcomeEvent } from '../proto/gen/signer/v1/signer.ts';
import { fetchCertificate, splitAddress } from './pinned-tls.ts';
import { RpcError, SignerClient } from './signer-client.ts';
import { startFakeSigner } from './testing/fake-signer.ts';
import type { FakeAnswers, FakeSigner } from './testing/fake-signer.ts';
import { fakeHolder, fakeWallet } from './testing/fake-wallet.ts';

const wallet = fakeWallet();
const holder = wallet.infrastructure;
const toClose: { (): void }[] = [];
afterEach(() => {
  for (const close of toClose.splice(0).reverse()) close();
});

async function start(answers: FakeAnswers): Promise<FakeSigner> {
  const signer = await startFakeSigner(holder, answers);
  toClose.push(() => signer.stop());
  return signer;
}

function clientOf(address: string, certificate = holder.certificate, deadlineMs = 5_000): SignerClient {
  const client = new SignerClient({ address, certificate, deadlineMs });
  toClose.push(() => client.close());
  return client;
}

const event = (sequence: bigint): OutcomeEvent => ({
  sequence,
  time: '2026-12-01T00:00:00Z',
  type: 'Signed',
  digest: '',
  initiator: '',
  id: String(sequence),
  key: '',
  reason: '',
  message: '',
  participants: [],
});

test('a signer is reached with its certificate, or with its fingerprint alone', async () => {
  const { address } = await start({ facts: () => wallet.facts });
  expect(await fetchCertificate(address)).toEqual(holder.certificate);
  expect(await clientOf(address).getWallet()).toEqual(wallet.facts);
  const pinned = await SignerClient.connect({ address, fingerprint: holder.fingerprint });
  toClose.push(() => pinned.close());
  expect(await pinned.getWallet()).toEqual(wallet.facts);
});

test('another fingerprint than the pinned one is refused before anything is sent', async () => {
  const { address } = await start({ facts: () => wallet.facts });
  const other = fakeHolder('other', 'Client');
  await expect(SignerClient.connect({ address, fingerprint: other.fingerprint })).rejects.toThrow(
    `${address}: want the signer with fingerprint ${other.fingerprint}, got one with ${holder.fingerprint}`,
  );
});

test('a server with another key than the pinned certificate gets no call', async () => {
  const { address, asked } = await start({ facts: () => wallet.facts });
  const other = fakeHolder('other', 'Client');
  await expect(clientOf(address, other.certificate).getWallet()).rejects.toThrow(
    'cannot connect: the server has another key',
  );
  // The same name, or another certificate of another key with it, does not help.
  const twin = selfSignedCertificate({ commonName: holder.name, privateKey: other.privateKey });
  await expect(clientOf(address, twin).getWallet()).rejects.toThrow('cannot connect: the server has another key');
  expect(asked).toEqual([]);
});

test('a call that gets no answer is an error with its code, and a refused one says what the signer said', async () => {
  const signer = await start({});
  const client = clientOf(signer.address);
  const error = await client.getWallet().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RpcError);
  expect(error).toMatchObject({
    code: 'UNIMPLEMENTED',
    message: `${signer.address}: GetWallet: UNIMPLEMENTED: "no script"`,
  });
  signer.stop();
  await expect(client.getWallet()).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: `${signer.address}: cannot connect: connection refused`,
  });
});

test('a client outlives a restart of its signer', async () => {
  const signer = await start({ facts: () => wallet.facts });
  const client = clientOf(signer.address);
  await client.getWallet();
  signer.stop();
  await expect(client.getWallet()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  const again = await startFakeSigner(holder, { facts: () => wallet.facts }, splitAddress(signer.address).port);
  toClose.push(() => again.stop());
  await expect.poll(() => client.getWallet().catch(() => undefined), { timeout: 5_000 }).toEqual(wallet.facts);
});

test('a call ends at its deadline and when its signal aborts', async () => {
  const { address } = await start({ sign: () => new Promise(() => {}) });
  const request = { statement: Buffer.from('{}'), signature: '', approvals: [] };
  await expect(clientOf(address, holder.certificate, 150).sign(request)).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    message: `${address}: Sign: no answer within 0.15 s`,
  });
  const reason = new Error('enough');
  const abort = new AbortController();
  const call = clientOf(address).sign(request, abort.signal);
  setTimeout(() => abort.abort(reason), 50);
  await expect(call).rejects.toBe(reason);
  await expect(clientOf(address).sign(request, abort.signal)).rejects.toBe(reason);
});

test('a server that never speaks TLS ends in an error, and an abort is heeded meanwhile', async () => {
  const silent = createServer((socket) => toClose.push(() => socket.destroy()));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  toClose.push(() => silent.close());
  const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const abort = AbortSignal.timeout(50);
  await expect(fetchCertificate(address, abort)).rejects.toMatchObject({ name: 'TimeoutError' });
  const rude = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  rude.listen(0, '127.0.0.1');
  await once(rude, 'listening');
  toClose.push(() => rude.close());
  const other = `127.0.0.1:${(rude.address() as AddressInfo).port}`;
  await expect(fetchCertificate(other)).rejects.toThrow(`${other}: cannot connect:`);
});

test('a connection that nobody answers is given up for a new one, long before a call’s deadline', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const accepted = once(silent, 'connection');
  const client = new SignerClient({
    address: `127.0.0.1:${port}`,
    certificate: holder.certificate,
    deadlineMs: 60_000,
    connectMs: 500,
  });
  toClose.push(() => client.close());
  const call = client.getWallet().catch((error: unknown) => error);
  const [socket] = (await accepted) as [Socket];
  toClose.push(() => socket.destroy());
  expect(await call).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('no answer in time') });

  // The connection is still open when another listens there.
  silent.close();
  const signer = await startFakeSigner(holder, { facts: () => wallet.facts }, port);
  toClose.push(() => signer.stop());
  await expect.poll(() => client.getWallet().catch(() => undefined)).toEqual(wallet.facts);
});

test('outcomes come in order after a sequence and stay open until aborted; audit records end', async () => {
  const after: bigint[] = [];
  const { address } = await start({
    outcomes: (from) => {
      after.push(from);
      return [event(from + 1n), event(from + 2n)];
    },
    audit: (from) => [{ sequence: from + 1n, record: Buffer.from('{}'), hash: Buffer.alloc(32) }],
  });
  const client = clientOf(address);
  const abort = new AbortController();
  const seen: string[] = [];
  const follow = async () => {
    for await (const { id } of client.outcomes(40n, abort.signal))
      if (seen.push(id) === 2) abort.abort(new Error('enough'));
  };
  await expect(follow()).rejects.toThrow('enough');
  expect(seen).toEqual(['41', '42']);
  for await (const { id } of client.outcomes(7n)) {
    seen.push(id);
    break;
  }
  expect(after).toEqual([40n, 7n]);
  const records: bigint[] = [];
  for await (const { sequence } of client.audit(2n)) records.push(sequence);
  expect(records).toEqual([3n]);
});

test.each(['', 'host', 'host:', 'host:0', 'host:70000', 'a b:1', 'http://host:1', '[::1]', '::1:80'])(
  'address %j is refused',
  (address) => {
    expect(() => splitAddress(address)).toThrow('address: want host:port');
  },
);

test('addresses name a host or an IP and a port', () => {
  expect(splitAddress('signer.acme.example:7443')).toEqual({ host: 'signer.acme.example', port: 7443 });
  expect(splitAddress('[::1]:80')).toEqual({ host: '::1', port: 80 });
});
