import { generateKeyPairSync } from 'node:crypto';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientIdentity } from '../client/pinned-tls.ts';
import { SignerClient } from '../client/signer-client.ts';
import { fingerprintOfCertificate, selfSignedCertificate } from '../common/certificate.ts';
import { systemClock } from '../common/clock.ts';
import { silentLog } from '../common/log.ts';
import type { OutcomeEvent } from '../proto/gen/signer/v1/signer.ts';
import { SimulatedWallet } from '../test/simulation/simulated-wallet.ts';
import { callerFingerprint, signPortCredentials } from './peers/pinned-credentials.ts';
import { serveSigner, type SignServer } from './server.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];

const identity = (commonName: string): ClientIdentity => {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, certificate: selfSignedCertificate({ commonName, privateKey }) };
};

describe('the sign port', () => {
  const wallet = new SimulatedWallet({ policy });
  const shown = identity('signer');
  const operator = identity('operator');
  const clients: SignerClient[] = [];
  let server: SignServer;

  beforeAll(async () => {
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    server = await serveSigner({
      listen: '127.0.0.1:0',
      credentials: signPortCredentials(shown),
      caller: callerFingerprint,
      operator: fingerprintOfCertificate(operator.certificate),
      signer: wallet.signer('infrastructure'),
      store: wallet.store('infrastructure'),
      clock: systemClock,
      log: silentLog,
    });
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await server.close();
  });

  const client = (as?: ClientIdentity, certificate = shown.certificate): SignerClient => {
    const made = new SignerClient({
      address: `127.0.0.1:${server.port}`,
      certificate,
      deadlineMs: 5_000,
      ...(as && { identity: as }),
    });
    clients.push(made);
    return made;
  };
  const unexported = { last: 10_000n, hash: Buffer.alloc(32), bodies: Buffer.alloc(32) };
  const provisioning = () => ({
    genesis: Buffer.from(wallet.genesis),
    policyDocument: Buffer.from(wallet.policyDocument),
    peers: [],
    keys: [],
  });

  it('serves whoever pins the signer, and nobody who pins another', async () => {
    expect(await client().describe()).toMatchObject({
      holder: 'infrastructure',
      keys: [{ name: 'solana', state: 'Active' }],
      problems: [],
    });
    await expect(client(undefined, identity('other').certificate).describe()).rejects.toThrow(/another key/);
  });

  it('speaks TLS 1.3 only', async () => {
    const code = await new Promise<string>((resolve, reject) => {
      const socket = connect(
        { host: '127.0.0.1', port: server.port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' },
        () => reject(new Error('connected')),
      );
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    });
    expect(code).toMatch(/PROTOCOL_VERSION|ECONNRESET/);
  });

  it('signs for anyone whose request the initiator signed, and tells what became of it', async () => {
    const request = wallet.request({ id: 'one' });
    const reply = await client().sign(request);
    expect(reply).toMatchObject({ outcome: 'signed', digest: expect.stringMatching(/^sha256:/) });
    expect(await client().getRequest({ initiator: 'payments-api', id: 'one' })).toMatchObject({
      outcome: 'signed',
      signatures: reply.signatures,
    });
    expect(await client().getRequest({ initiator: 'payments-api', id: 'two' })).toMatchObject({
      outcome: 'failed',
      reason: 'Unknown',
    });
  });

  it('answers statements that are none in band', async () => {
    const good = wallet.request({ id: 'good' });
    const text = Buffer.from(good.statement).toString();
    const garbage: readonly (readonly [what: string, statement: Buffer<ArrayBuffer>])[] = [
      ['nothing', Buffer.from('')],
      ['no JSON', Buffer.from('{')],
      ['no UTF-8', Buffer.from([0xff, 0xfe])],
      ['a space too many', Buffer.from(`${text} `)],
      ['a member too many', Buffer.from(text.replace('{', '{"a":"b",'))],
      ['a member twice', Buffer.from(text.replace('{', '{"chain":"",'))],
      ['a number', Buffer.from(text.replace('"good"', '1'))],
      ['another type', Buffer.from(text.replace('request/v1', 'approval/v1'))],
      ['depth', Buffer.from('['.repeat(100_000))],
    ];
    for (const [what, statement] of garbage)
      expect(await client().sign({ ...good, statement }), what).toMatchObject({
        outcome: 'denied',
        reason: 'Malformed',
      });
    const other = await client().sign({ ...good, signature: 'x'.repeat(100_000) });
    expect(other).toMatchObject({ outcome: 'denied', reason: 'InitiatorUnverified' });
    expect(await client().sign({ ...good, approvals: [{ statement: Buffer.from(''), signature: '' }] })).toMatchObject({
      reason: 'Unsupported',
    });
  });

  it('refuses what is larger than any request, and lives on', async () => {
    const huge = { ...wallet.request({ id: 'huge' }), statement: Buffer.alloc(2 << 20) };
    await expect(client().sign(huge)).rejects.toThrow(/RESOURCE_EXHAUSTED/);
    expect((await client().describe()).holder).toBe('infrastructure');
  });

  it('lets only the operator provision, follow and prune', async () => {
    for (const as of [undefined, identity('operator')]) {
      const stranger = client(as);
      await expect(stranger.provision(provisioning())).rejects.toThrow(/PERMISSION_DENIED/);
      await expect(firstOf(stranger.outcomes(0n))).rejects.toThrow(/PERMISSION_DENIED/);
      await expect(firstOf(stranger.audit(0n))).rejects.toThrow(/PERMISSION_DENIED/);
      await expect(stranger.pruneAudit(unexported)).rejects.toThrow(/PERMISSION_DENIED/);
    }
    await expect(client(operator).pruneAudit(unexported)).rejects.toThrow(/INVALID_ARGUMENT.*whole segment/);
    expect((await client(operator).provision(provisioning())).genesis).toMatch(/^sha256:/);
  });

  it('accepts one genesis, and says what is wrong with others', async () => {
    const other = new SimulatedWallet({ policy });
    const asOperator = client(operator);
    const second = {
      ...provisioning(),
      genesis: Buffer.from(other.genesis),
      policyDocument: Buffer.from(other.policyDocument),
    };
    await expect(asOperator.provision(second)).rejects.toThrow(/FAILED_PRECONDITION.*for good/);
    await expect(asOperator.provision({ ...provisioning(), genesis: Buffer.from('{}') })).rejects.toThrow(/for good/);
    const key = (name: string, scheme: string) => ({ ...provisioning(), keys: [{ name, scheme }] });
    await expect(asOperator.provision(key('ethereum', 'BLS'))).rejects.toThrow(/UNIMPLEMENTED.*BLS/);
    await expect(asOperator.provision(key('../x', 'EdDSA'))).rejects.toThrow(/INVALID_ARGUMENT/);
    await expect(asOperator.provision(key('solana', 'Schnorr'))).rejects.toThrow(/INVALID_ARGUMENT.*for good/);
    expect((await client().describe()).keys).toHaveLength(1);
  });

  it('gives the audit log from where it is asked to its end', async () => {
    const records = [];
    for await (const { sequence } of client(operator).audit(2n)) records.push(sequence);
    expect(records[0]).toBe(3n);
    expect(records.at(-1)).toBe(wallet.store('infrastructure').head.sequence);
    await expect(firstOf(client(operator).audit(2n ** 64n - 1n))).rejects.toThrow(/INVALID_ARGUMENT/);
  });

  it('follows outcomes from where it is asked, as they come', async () => {
    const stop = new AbortController();
    const events: OutcomeEvent[] = [];
    const following = (async () => {
      for await (const event of client(operator).outcomes(wallet.store('infrastructure').head.sequence, stop.signal)) {
        events.push(event);
        if (events.length === 2) break;
      }
    })();
    await client().sign(wallet.request({ id: 'followed' }));
    await client().sign(
      wallet.request({
        id: 'denied',
        chain: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
        format: 'Transaction',
        data: '0x00',
      }),
    );
    await following;
    stop.abort();
    expect(events).toMatchObject([
      { type: 'Signed', id: 'followed', initiator: 'payments-api', participants: ['infrastructure', 'client'] },
      { type: 'Denied', id: 'denied', reason: 'Malformed' },
    ]);
  });

  it('gives room to a bounded number of streams', async () => {
    const stop = new AbortController();
    const asOperator = client(operator);
    const streams = Array.from({ length: 17 }, () => firstOf(asOperator.outcomes(2n ** 62n, stop.signal)));
    const ended = await Promise.race(streams.map((stream) => stream.catch((error: unknown) => String(error))));
    expect(ended).toMatch(/RESOURCE_EXHAUSTED/);
    stop.abort();
    await Promise.allSettled(streams);
  });
});

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
