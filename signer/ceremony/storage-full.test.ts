import { describe, expect, it } from 'vitest';
import { Refused } from '../../common/errors.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';

const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];
const problem = 'the disk of its state is full: it signs again once 32 MiB are free there';

async function started(): Promise<SimulatedWallet> {
  const wallet = new SimulatedWallet({
    policy: { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] },
  });
  await wallet.startAll(keys);
  await wallet.keyActive('solana');
  return wallet;
}

describe('a signer without room on its disk', () => {
  it('says so to whoever asks how it is, until there is room again', async () => {
    const wallet = await started();
    const problems = (): readonly string[] => wallet.signer('client').describe().problems;
    wallet.store('client').problem = problem;
    expect(problems()).toEqual([problem]);
    wallet.store('client').problem = '';
    expect(problems()).toEqual([]);
  });

  it('lets nobody release shares for a request that it cannot reserve', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'no-room' });
    wallet.store('infrastructure').problem = problem;
    expect(await wallet.sign('infrastructure', request)).toMatchObject({
      outcome: 'failed',
      reason: 'StorageFull',
      message: `infrastructure: ${problem}`,
    });
    for (const { name } of wallet.holders) expect(wallet.disk(name).releases).toHaveLength(0);
    wallet.store('infrastructure').problem = '';
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ outcome: 'signed' });
  });

  it('still answers with what it signed before', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'before' });
    const { signatures } = await wallet.sign('infrastructure', request);
    wallet.store('infrastructure').problem = problem;
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ outcome: 'signed', signatures });
  });

  it('is named by the coordinator that asked it', async () => {
    const wallet = await started();
    wallet.store('client').failure = new Refused('StorageFull', problem);
    expect(await wallet.sign('infrastructure', wallet.request({ id: 'asked' }))).toMatchObject({
      outcome: 'failed',
      reason: 'StorageFull',
      message: `client: ${problem}`,
    });
  });
});
