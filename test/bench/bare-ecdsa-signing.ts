import type { Addon } from '../../signer/native/addon.ts';
import { dklsScheme } from '../../signer/scheme/dkls-scheme.ts';
import { openAll, Parties, random, signed, upTo } from '../ecdsa-parties.ts';
import type { Size } from './options.ts';

/**
 * What an ECDSA signature costs by the addon without Holdfast: all steps of all `t` parties, aggregate and verify, in this
 * process. The parties' steps run side by side on its thread pool, as far as there are cores.
 */
export async function bareEcdsaSigning({ t, n }: Size, addon: Addon): Promise<() => Promise<void>> {
  const scheme = dklsScheme(addon);
  const made = await new Parties(scheme, t, n).all();
  const publicKey = made[0]?.key.groupKey ?? new Uint8Array();
  const keys = await openAll(scheme, made.slice(0, t));
  return async () => {
    const hash = random();
    if (!scheme.verify(publicKey, hash, await signed(keys, upTo(t), { hash })))
      throw new Error('ECDSA: bare signature is wrong');
  };
}
