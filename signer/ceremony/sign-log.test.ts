import { describe, expect, it } from 'vitest';
import { createLog } from '../../common/log.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';

const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];
const secret = 'ab'.repeat(32);

async function started() {
  const lines: Record<string, unknown>[] = [];
  const wallet = new SimulatedWallet({
    policy: {
      rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: 1, per: '1h' }] }],
    },
    log: createLog((line) => lines.push(JSON.parse(line) as Record<string, unknown>)),
  });
  await wallet.startAll(keys);
  await wallet.keyActive('solana');
  const said = (...messages: readonly string[]): readonly Record<string, unknown>[] =>
    lines.filter(({ message }) => messages.includes(message as string));
  return { wallet, lines, said };
}

describe('the log', () => {
  it('names a signed request once where it was coordinated and once at the member, and nothing of its payload', async () => {
    const { wallet, lines, said } = await started();
    const request = wallet.request({ id: 'paid', data: `0x${secret}` });
    const { digest } = await wallet.sign('infrastructure', request);
    await wallet.sign('infrastructure', request);
    const who = { level: 'info', digest, id: 'paid', initiator: 'payments-api', key: 'solana', rule: 'raw' };
    const common = { ...who, participants: ['infrastructure', 'client'], ms: expect.any(Number) };
    expect(said('request signed')).toEqual([expect.objectContaining({ ...common, holder: 'infrastructure' })]);
    expect(said('shares released')).toEqual([
      expect.objectContaining({ ...common, holder: 'client', coordinator: 'infrastructure' }),
    ]);
    expect(JSON.stringify(lines)).not.toContain(secret);
  });

  it('says why a request was denied, once however often it is asked for', async () => {
    const { wallet, said } = await started();
    await wallet.sign('infrastructure', wallet.request({ id: 'first' }));
    const second = wallet.request({ id: 'second', data: `0x${secret}` });
    for (let i = 0; i < 3; i++) await wallet.sign('infrastructure', second);
    expect(said('request denied')).toEqual([
      expect.objectContaining({ id: 'second', rule: 'raw', reason: 'LimitExceeded', why: expect.any(String) }),
    ]);
  });

  it('names refusals that leave nothing on disk, and of one initiator no more than would go on record', async () => {
    const { wallet, said } = await started();
    for (let i = 0; i < 250; i++) await wallet.sign('infrastructure', wallet.request({ id: `r${i}`, key: 'other' }));
    const denied = said('request denied');
    expect(denied[0]).toMatchObject({ id: 'r0', key: 'other', reason: 'UnknownKey' });
    expect(denied.length).toBeLessThan(250);
  });

  it('says at the member why it gave no shares', async () => {
    const { wallet, said } = await started();
    wallet.network.onSend = (_from, to, body) =>
      to === 'client' && body.$case === 'signRound'
        ? { $case: 'signRound', value: { ...body.value, policyDigest: 'sha256:other' } }
        : true;
    const { digest } = await wallet.sign('infrastructure', wallet.request({ id: 'tampered' }));
    expect(said('shares refused')).toEqual([
      expect.objectContaining({
        holder: 'client',
        coordinator: 'infrastructure',
        digest,
        reason: 'PolicyMismatch',
        why: expect.stringContaining('sha256:other'),
      }),
    ]);
  });
});
