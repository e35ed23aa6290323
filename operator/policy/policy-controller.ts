import type { Clock } from '../../common/clock.ts';
import type { Key } from '../api/resource.ts';
import type { Controller } from '../operator.ts';
import type { ResourceStore } from '../store/resource-store.ts';
import { planPolicy } from './policy-plan.ts';
import { readPolicy } from './read-policy.ts';

/** Says of every SigningPolicy whether it can be enforced, and whether it is. */
export const policyController = ({
  store,
  clock,
}: {
  readonly store: ResourceStore;
  readonly clock: Clock;
}): Controller => ({
  kind: 'SigningPolicy',
  async reconcile(key) {
    const policy = await store.get(key as Key<'SigningPolicy'>);
    if (policy === undefined) return undefined;
    const wallets = (await store.list('Wallet', key)).filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
    await store.writeStatus(policy, planPolicy({ policy, reading: readPolicy(policy), wallets, now: clock.now() }));
    return undefined;
  },
});
