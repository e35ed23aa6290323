import { afterEach, describe, expect, it } from 'vitest';
import { fromUtf8, hex } from '../../../common/bytes.ts';
import type { SignedRequest } from '../../../client/request.ts';
import type { SignReply } from '../../../proto/gen/signer/v1/signer.ts';
import { verifyChain } from '../../../statement/audit.ts';
import { pause, ProcessWallet, type KeySpec } from './processes.ts';
import { Seeded } from './seeded.ts';

const names = ['infrastructure', 'client', 'backup'];
const KILLS = 20;

/** Kills one of the signers after a random part of `span` milliseconds and starts it again at once. */
async function killOne(wallet: ProcessWallet, random: Seeded, span: number): Promise<string> {
  const victim = wallet.signer(random.pick(names));
  await pause(random.next() * span);
  await victim.kill();
  await victim.start();
  return victim.name;
}

/** Asks until it is no longer only `failed`. An RPC that fails says nothing: the request is asked again. */
async function settle(wallet: ProcessWallet, at: string, request: SignedRequest): Promise<SignReply> {
  const deadline = performance.now() + 30_000;
  for (;;) {
    const reply = await wallet.sign(at, request).catch(() => undefined);
    if (reply !== undefined && reply.outcome !== 'failed' && reply.outcome !== 'unknown') return reply;
    if (performance.now() > deadline) throw new Error(`${at} does not settle: ${reply?.reason} ${reply?.message}`);
    await pause(50);
  }
}

const auditOf = async (wallet: ProcessWallet, name: string): Promise<Record<string, string>[]> => {
  const records = await wallet.audit(name);
  verifyChain(records);
  return records.map((r) => JSON.parse(fromUtf8(r.record)) as Record<string, string>);
};

describe('kill -9', () => {
  let wallet: ProcessWallet | undefined;
  afterEach(async () => {
    await wallet?.close();
    wallet = undefined;
  });

  it(`of any process at ${KILLS} random moments of key generation leaves the same key everywhere, and every earlier one`, async () => {
    const random = new Seeded('kills during keygen');
    let keys: readonly KeySpec[] = [{ name: 'first', scheme: 'EdDSA' }];
    // How long a key generation takes here.
    let span = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      if (wallet === undefined || keys.length === 11) {
        await wallet?.close();
        keys = [{ name: 'first', scheme: 'EdDSA' }];
        wallet = await ProcessWallet.provisioned({ keys });
        const started = performance.now();
        await wallet.keysActive();
        span = performance.now() - started;
      }
      const running: ProcessWallet = wallet;
      const key: KeySpec = { name: `key-${kill}`, scheme: kill % 2 === 0 ? 'Schnorr' : 'EdDSA' };
      keys = [...keys, key];
      const certificates = new Map((await running.describe('client')).keys.map((k) => [k.name, k.certificate]));
      // As an operator goes on doing: a call that the kill cuts off is made again.
      const provisioned = running.provision(keys).catch(() => {});
      const victim = await killOne(running, random, span);
      await provisioned;
      await running.provision(keys);
      await running.keysActive();
      for (const name of names)
        for (const { name: made, certificate } of (await running.describe(name)).keys) {
          const known = certificates.get(made) ?? certificate;
          expect(certificate, `${made} at ${name} after ${victim} was killed`).toBe(known);
          certificates.set(made, known);
        }
      expect(certificates.size).toBe(keys.length);
      const reply = await settle(running, random.pick(names), running.request(`after-${kill}`, { key: key.name }));
      expect(reply, reply.message).toMatchObject({ outcome: 'signed' });
    }
  });

  it(`of any process at ${KILLS} random moments of signing loses nothing, signs nothing else and counts nothing twice`, async () => {
    const random = new Seeded('kills during signing');
    const each = 4;
    const spare = 3;
    const policy = {
      rules: [
        {
          name: 'counted',
          verdict: 'Allow',
          match: { kinds: ['Digest'] },
          limits: [{ count: KILLS * each + spare, per: '24h' }],
        },
      ],
    };
    const running = (wallet = await ProcessWallet.start({ policy }));
    const messages = new Map<string, string>();
    const note = (id: string, reply: SignReply): void => {
      if (reply.outcome !== 'signed') return;
      const bytes = hex(reply.signatures[0]?.message ?? new Uint8Array());
      expect(messages.get(id) ?? bytes, `bytes signed for ${id}`).toBe(bytes);
      messages.set(id, bytes);
    };
    for (let kill = 0; kill < KILLS; kill++) {
      const requests = Array.from({ length: each }, (_, i) => ({
        id: `r${kill}-${i}`,
        request: running.request(`r${kill}-${i}`, { key: i % 2 === 0 ? 'solana' : 'bitcoin' }),
      }));
      // Each enters at two signers at once; what a kill cuts off gives no answer.
      const entered = requests.flatMap(({ id, request }) =>
        [random.pick(names), random.pick(names)].map((at) =>
          running.sign(at, request).then(
            (reply) => note(id, reply),
            () => {},
          ),
        ),
      );
      await killOne(running, random, 150);
      await Promise.all(entered);
      for (const { id, request } of requests) {
        const reply = await settle(running, random.pick(names), request);
        expect(reply, `${id}: ${reply.message}`).toMatchObject({ outcome: 'signed' });
        note(id, reply);
      }
      // Whom the kill made forget would take other bytes under a known id.
      for (const { id } of requests) {
        const other = running.request(id, { key: random.pick(['solana', 'bitcoin']) });
        const reply = await settle(running, random.pick(names), other);
        expect(reply, `${id} again: ${reply.message}`).toMatchObject({ outcome: 'denied', reason: 'IdReused' });
      }
    }
    expect(messages.size).toBe(KILLS * each);
    await running.connected();
    // What is left of the limit is exactly what was not asked for.
    for (let i = 0; i < spare; i++)
      expect((await settle(running, random.pick(names), running.request(`spare-${i}`))).outcome, `spare ${i}`).toBe(
        'signed',
      );
    expect(await settle(running, random.pick(names), running.request('over'))).toMatchObject({
      outcome: 'denied',
      reason: 'LimitExceeded',
    });
    for (const name of names) {
      const entries = await auditOf(running, name);
      const spends = entries.filter((e) => e['type'] === 'Released').map((e) => e['digest']);
      // A request may be released again while its outcome is not known, but never as another.
      expect(
        new Set(entries.filter((e) => e['type'] === 'Signed').map((e) => `${e['id']} ${e['digest']}`)).size,
      ).toBeLessThanOrEqual(KILLS * each + spare);
      expect(new Set(spends).size).toBeLessThanOrEqual(KILLS * each + spare);
    }
  });
});
