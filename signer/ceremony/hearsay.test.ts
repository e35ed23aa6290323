import { describe, expect, it } from 'vitest';
import { fromUtf8 } from '../../common/bytes.ts';
import { formatTime } from '../../common/clock.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import { keptHearsay } from './hearsay.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const digest = `sha256:${'ab'.repeat(32)}`;

async function started(): Promise<SimulatedWallet> {
  const wallet = new SimulatedWallet({ policy });
  await wallet.startAll([{ name: 'solana', scheme: 'EdDSA' }]);
  await wallet.keyActive('solana');
  return wallet;
}

const lastRecord = (wallet: SimulatedWallet, holder: string): unknown =>
  JSON.parse(fromUtf8(wallet.disk(holder).audit.at(-1)?.record ?? new Uint8Array()));

describe('what another holder says of a decision', () => {
  it('is kept where it has its form, and left out where not', async () => {
    const { roster } = (await started()).signer('backup').wallet?.wallet ?? {};
    if (roster === undefined) throw new Error('not provisioned');
    const said = { policyDigest: digest, rule: 'payroll,raw-2', participants: ['client', 'infrastructure'] };
    expect(keptHearsay(said, roster)).toEqual({ ...said, participants: ['infrastructure', 'client'] });
    const nothing = { policyDigest: '', rule: '', participants: [] };
    expect(keptHearsay(nothing, roster)).toEqual(nothing);
    for (const bad of [
      { policyDigest: digest.toUpperCase() },
      { policyDigest: `${digest}\n` },
      { policyDigest: '\u0001'.repeat(200_000) },
      { rule: 'a b' },
      { rule: 'raw,' },
      { rule: 'x'.repeat(64) },
      { rule: Array.from({ length: 65 }, () => 'raw').join() },
      { participants: ['nobody', 'constructor'] },
    ])
      expect(keptHearsay(bad, roster), JSON.stringify(bad).slice(0, 80)).toEqual(nothing);
    const repeated = Array.from({ length: 70_000 }, () => 'client');
    expect(keptHearsay({ participants: repeated }, roster).participants).toEqual(['client']);
  });

  it('never keeps a spend from counting, nor comes to disk', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'said' });
    wallet.network.forge('client', 'backup', {
      $case: 'spend',
      value: {
        sequence: 1n,
        statement: request.statement,
        signature: request.signature,
        policyDigest: '\u0001'.repeat(200_000),
        rule: '\u0001'.repeat(200_000),
        time: formatTime(Date.now()),
      },
    });
    await expect.poll(() => wallet.disk('backup').ledger.size).toBe(1);
    expect(lastRecord(wallet, 'backup')).toMatchObject({ type: 'SpendLearned', policy: '', from: 'client' });
    expect([...wallet.disk('backup').requests.values()]).toMatchObject([{ policyDigest: '', rule: '' }]);
  });

  it('never keeps a signature from being known, nor comes to disk', async () => {
    const wallet = await started();
    // What the coordinator tells the client is lost; it comes again from a liar.
    wallet.network.onSend = (_from, to, body) =>
      body.$case === 'outcome' && to === 'client'
        ? {
            $case: 'outcome',
            value: {
              ...body.value,
              policyDigest: 'x'.repeat(200_000),
              participants: Array.from({ length: 70_000 }, () => 'client'),
            },
          }
        : true;
    const { digest: signed } = await wallet.sign('infrastructure', wallet.request({ id: 'told' }));
    await expect.poll(() => wallet.disk('client').requests.get(signed)?.state).toBe('Signed');
    const ours = wallet.signer('client').wallet?.wallet.policyDigest;
    expect(wallet.disk('client').requests.get(signed)).toMatchObject({ policyDigest: ours, participants: ['client'] });
    expect(lastRecord(wallet, 'client')).toMatchObject({ type: 'Signed', participants: 'client' });
  });
});
