import { describe, expect, it, vi } from 'vitest';
import { hex } from '../../common/bytes.ts';
import type { SignRound } from '../../proto/gen/signer/v1/peer.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import { frostScheme, inlineEngine } from '../scheme/frost-scheme.ts';
import type { FrostScheme } from '../scheme/scheme.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };

/** A wallet over real arithmetic that notes every commitment named in a round, and the last round. */
async function watched(scheme: FrostScheme) {
  const engine = inlineEngine();
  const wallet = new SimulatedWallet({ policy, scheme: (name) => frostScheme(name, engine) });
  const named: { readonly holder: string; readonly nonce: string; readonly points: readonly string[] }[] = [];
  const rounds: SignRound[] = [];
  const answers: string[] = [];
  wallet.network.onSend = (_from, to, body) => {
    if (body.$case === 'signRound' && to === 'client') {
      rounds.push(structuredClone(body.value));
      for (const { contributions } of body.value.inputs)
        for (const { holder, boot, index, hiding, binding } of contributions)
          named.push({ holder, nonce: `${hex(boot)}/${index}`, points: [hex(hiding), hex(binding)] });
    }
    if (_from === 'client' && (body.$case === 'signShares' || body.$case === 'refusal'))
      answers.push(body.$case === 'refusal' ? body.value.reason : 'shares');
    return true;
  };
  await wallet.startAll([{ name: 'key', scheme }]);
  await wallet.keyActive('key');
  const sign = async (id: string): Promise<Uint8Array> => {
    // The same bytes each time: made anew a second later they are another request, which may not have the id.
    const request = wallet.request({ id, key: 'key' });
    const reply = await vi.waitUntil(
      async () => {
        const given = await wallet.sign('infrastructure', request);
        return given.outcome === 'signed' && given;
      },
      { timeout: 15_000 },
    );
    return reply.signatures[0]?.signature ?? new Uint8Array();
  };
  return { wallet, named, rounds, answers, sign };
}

describe.each(['EdDSA', 'Schnorr'] as const)('nonces of %s', (scheme) => {
  it('are used once, whatever starts anew between two signatures of the same bytes', async () => {
    const { wallet, named, sign } = await watched(scheme);
    const signatures = [await sign('one'), await sign('two')];
    for (const holder of ['client', 'infrastructure']) {
      wallet.kill(holder);
      await wallet.start(holder);
      signatures.push(await sign(`after-${holder}`));
    }
    expect(new Set(signatures.map((signature) => hex(signature.subarray(0, 32)))).size).toBe(4);
    expect(new Set(named.map(({ holder }) => holder))).toEqual(new Set(['client', 'infrastructure']));
    expect(named.length).toBeGreaterThanOrEqual(8);
    expect(new Set(named.map(({ holder, nonce }) => `${holder} ${nonce}`)).size).toBe(named.length);
    const points = named.flatMap((each) => each.points);
    expect(new Set(points).size).toBe(points.length);
  });

  it('give no second share after a restart, though asked in the very words', async () => {
    const { wallet, rounds, answers, sign } = await watched(scheme);
    await sign('one');
    const [round] = rounds;
    expect(answers).toEqual(['shares']);
    wallet.kill('client');
    await wallet.start('client');
    await vi.waitUntil(() => wallet.signer('client').peers.every(([, available]) => available), { timeout: 10_000 });
    const consumed = new Set(wallet.disk('client').nonces);
    expect(consumed.size).toBeGreaterThan(0);
    wallet.network.forge('infrastructure', 'client', { $case: 'signRound', value: round as SignRound });
    await vi.waitUntil(() => answers.length > 1, { timeout: 10_000 });
    expect(answers.slice(1)).toEqual(['NonceUnknown']);
    expect(wallet.disk('client').nonces).toEqual(consumed);
  });
});
