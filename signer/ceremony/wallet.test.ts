import { describe, expect, it } from 'vitest';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';

describe('what is remembered of a peer', () => {
  it('comes to disk with the next write where its own failed', async () => {
    const simulated = new SimulatedWallet({ policy: { rules: [{ name: 'no', verdict: 'Deny', match: {} }] } });
    await simulated.startAll([]);
    const wallet = simulated.signer('client').wallet?.wallet;
    if (wallet === undefined) throw new Error('not provisioned');
    simulated.store('client').failure = new Error('disk full');
    await expect(wallet.write({ peers: [wallet.remember('backup', { fenced: 'it cheated' })] })).rejects.toThrow(
      'full',
    );
    simulated.store('client').failure = undefined;
    await wallet.write({});
    expect(simulated.disk('client').peers.get('backup')?.fenced).toBe('it cheated');
  });
});
