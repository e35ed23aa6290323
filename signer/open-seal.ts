import type { Clock } from '../common/clock.ts';
import type { Log } from '../common/log.ts';
import { type Identity, SealUnavailable } from './ceremony/environment.ts';
import type { SealConfig } from './config.ts';
import { Hsm } from './hsm/hsm.ts';
import type { OnHsmOperation } from './hsm/sidecar-client.ts';
import { hsmSeal } from './state/hsm-seal.ts';
import { loadOrCreateIdentity, nothingSealed } from './state/identity.ts';
import { keyFileSeal } from './state/key-file-seal.ts';
import type { Seal } from './state/seal.ts';
import type { Store } from './state/store.ts';

/** A signer's seal as it was configured; `hsm` where that is an HSM. */
export type OpenedSeal = { readonly seal: Seal; readonly hsm?: Hsm };

export function openSeal(options: {
  readonly config: SealConfig;
  readonly store: Store;
  readonly wallet: string;
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly onOperation: OnHsmOperation;
}): OpenedSeal {
  const { config, store, ...rest } = options;
  if (config.kind === 'KeyFile') return { seal: keyFileSeal(config.file) };
  // Never again once it is false: what was sealed stays so.
  let first = true;
  const hsm = new Hsm({ ...rest, socket: config.socket, nothingSealed: () => (first &&= nothingSealed(store)) });
  return { seal: hsmSeal(hsm, config.socket), hsm };
}

/** The identity, as soon as the seal serves: a signer whose HSM is not there waits for it. */
export async function openIdentity(
  { seal, hsm }: OpenedSeal,
  options: Omit<Parameters<typeof loadOrCreateIdentity>[0], 'seal'>,
): Promise<Identity> {
  for (;;) {
    await hsm?.whenServing();
    try {
      return await loadOrCreateIdentity({ ...options, seal });
    } catch (error) {
      if (!(error instanceof SealUnavailable)) throw error;
    }
  }
}
