import type { Clock } from '../../common/clock.ts';
import type { Key } from '../api/resource.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Controller } from '../operator.ts';
import type { ResourceStore } from '../store/resource-store.ts';
import type { SignerAnswer } from './signer-answer.ts';
import type { SignerContacts } from './signer-contacts.ts';
import { planSigner } from './signer-plan.ts';
import type { SignerFacts } from './signer-plan.ts';

export type SignerControllerOptions = {
  readonly store: ResourceStore;
  readonly fleet: Fleet;
  readonly contacts: SignerContacts;
  readonly clock: Clock;
  /** The operator's own fingerprint. */
  readonly operator: string;
};

/** Has a process run for every Signer that serves a holder, and says how it is. */
export const signerController = (options: SignerControllerOptions): Controller => ({
  kind: 'Signer',
  async reconcile(key, signal) {
    const facts = await observe(options, key as Key<'Signer'>, signal);
    if (facts === undefined) return undefined;
    const { status, ensure, stop, warn, nextMs } = planSigner(facts);
    // The pin first: no wallet may be founded on a signer that would be forgotten.
    await options.store.writeStatus(key as Key<'Signer'>, status);
    if (warn !== undefined) {
      const { namespace, name } = facts.signer.spec.walletRef;
      const { reason, message } = warn;
      await options.store.event(key, 'Warning', reason, message);
      // Of what peers see the wallet's own controller tells.
      if (reason === 'SealUnusable')
        await options.store.event({ kind: 'Wallet', namespace, name }, 'Warning', reason, message);
    }
    if (ensure !== undefined) await options.fleet.ensure(ensure);
    if (stop !== undefined) await options.fleet.remove(stop, { destroy: false });
    if (facts.signer.metadata.deletionTimestamp === undefined) return nextMs;
    await options.store.remove(key);
    return undefined;
  },
});

async function observe(
  { store, fleet, contacts, clock, operator }: SignerControllerOptions,
  key: Key<'Signer'>,
  signal: AbortSignal,
): Promise<SignerFacts | undefined> {
  const signer = await store.get(key);
  if (signer === undefined) return undefined;
  const { namespace, name, holder } = signer.spec.walletRef;
  const id = { wallet: `${namespace}/${name}`, holder };
  const [wallet, signers, observation] = await Promise.all([
    store.get({ kind: 'Wallet', namespace, name }),
    store.list('Signer'),
    fleet.observe(id),
  ]);
  let answer: SignerAnswer | undefined;
  if (observation?.running === true && observation.signEndpoint !== '')
    answer = await contacts.describe(id, observation.signEndpoint, signer.status?.fingerprint, signal);
  return { signer, wallet, signers, observation, answer, operator, now: clock.now() };
}
