import { randomBytes } from 'node:crypto';
import type { Addon } from '../../signer/native/addon.ts';
import { publicKeyOf } from '../../signer/scheme/frost-suite.ts';
import { nativeScheme } from '../../signer/scheme/native-scheme.ts';
import type { FrostScheme, SigningKey } from '../../signer/scheme/scheme.ts';
import { generate } from '../frost-parties.ts';
import type { Size } from './options.ts';

/** Nonces are made in batches ahead, as signers do: a batch's way to the thread pool and back is not one signature's. */
const BATCH = 8;

/**
 * What a signature costs by the addon without Holdfast: commit, share, aggregate and verify of all `t` parties, one
 * after another in this process.
 */
export async function bareNativeSigning(
  scheme: FrostScheme,
  { t, n }: Size,
  addon: Addon,
): Promise<() => Promise<void>> {
  const native = nativeScheme(scheme, addon);
  const [...made] = await generate(() => native, t, n);
  const publicKey = publicKeyOf(scheme, made[0]?.key.groupKey ?? new Uint8Array());
  const keys: SigningKey[] = [];
  for (const { key } of made.slice(0, t)) keys.push(await native.open(key));
  const ahead: Awaited<ReturnType<SigningKey['commit']>>[number][][] = [];
  return async () => {
    if (ahead.length === 0) {
      const batches = await Promise.all(keys.map((key) => key.commit(BATCH)));
      for (let i = 0; i < BATCH; i++) ahead.push(batches.flatMap((batch) => batch[i] ?? []));
    }
    const message = Uint8Array.from(randomBytes(32));
    const fresh = ahead.pop() ?? [];
    const input = { message, commitments: new Map(fresh.map((each, i) => [i + 1, each])) };
    const shares = new Map<number, Uint8Array>();
    for (const [i, key] of keys.entries()) shares.set(i + 1, await key.sign(fresh[i]?.nonce ?? 0, input));
    const signature = await keys[0]?.aggregate(input, shares);
    if (signature === undefined || !native.verify(publicKey, message, signature))
      throw new Error(`${scheme}: bare signature is wrong`);
  };
}
