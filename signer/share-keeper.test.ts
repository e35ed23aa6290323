import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ShareLabel } from './ceremony/environment.ts';
import { FrostKeygen } from './scheme/frost-keygen.ts';
import type { FrostScheme, KeyShare } from './scheme/scheme.ts';
import { shareKeeper } from './share-keeper.ts';
import { keyFileSeal } from './state/key-file-seal.ts';
import { temporaryFolder } from './state/testing/temporary-folder.ts';

/** Party 1's share of a key made by two. */
function newShare(scheme: FrostScheme): KeyShare {
  const parties = [1, 2].map((identifier) => new FrostKeygen(scheme, identifier, 2, 2));
  const round1 = new Map(parties.map((party, i) => [i + 1, party.round1()]));
  const others = (i: number): Map<number, ReturnType<FrostKeygen['round1']>> =>
    new Map([...round1].filter(([id]) => id !== i));
  const shares = parties.map((party, i) => party.round2(others(i + 1)));
  const [first] = parties.map((party, i) => party.round3(new Map([[2 - i, shares[1 - i]?.get(i + 1) as Uint8Array]])));
  return (first as { key: KeyShare }).key;
}

const label: ShareLabel = {
  genesis: `sha256:${'00'.repeat(32)}`,
  holder: 'client',
  key: 'solana',
  scheme: 'EdDSA',
  attempt: 1,
  epoch: 0,
};

function newSeal(): ReturnType<typeof keyFileSeal> {
  const file = join(temporaryFolder(), 'kek');
  writeFileSync(file, randomBytes(32), { mode: 0o600 });
  return keyFileSeal(file);
}

describe('a kept share', () => {
  for (const scheme of ['EdDSA', 'Schnorr'] as const)
    it(`of ${scheme} opens as it was sealed`, async () => {
      const keeper = shareKeeper(newSeal());
      const share = newShare(scheme);
      const sealed = await keeper.seal(share, { ...label, scheme });
      expect(Buffer.from(sealed).includes(Buffer.from(share.share))).toBe(false);
      expect(await keeper.open(sealed, { ...label, scheme })).toEqual(share);
    });

  it('opens nowhere else than where it belongs, nor under another seal', async () => {
    const keeper = shareKeeper(newSeal());
    const sealed = await keeper.seal(newShare('EdDSA'), label);
    const elsewhere: readonly Partial<ShareLabel>[] = [
      { genesis: `sha256:${'11'.repeat(32)}` },
      { holder: 'backup' },
      { key: 'other' },
      { attempt: 2 },
      { epoch: 1 },
      { scheme: 'Schnorr' },
    ];
    for (const change of elsewhere)
      await expect(keeper.open(sealed, { ...label, ...change }), JSON.stringify(change)).rejects.toThrow();
    await expect(shareKeeper(newSeal()).open(sealed, label)).rejects.toThrow(/does not open/);
  });
});
