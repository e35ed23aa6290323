import type { Clock } from '../../common/clock.ts';
import { setCondition } from '../api/conditions.ts';
import type { Key } from '../api/resource.ts';
import type { Controller } from '../operator.ts';
import type { ResourceStore } from '../store/resource-store.ts';

/** Says of every Approval that it is not counted: signers take none in this version. */
export const approvalController = ({
  store,
  clock,
}: {
  readonly store: ResourceStore;
  readonly clock: Clock;
}): Controller => ({
  kind: 'Approval',
  async reconcile(key) {
    const approval = await store.get(key as Key<'Approval'>);
    if (approval === undefined) return undefined;
    const { generation } = approval.metadata;
    const message =
      'approvals are not in this version: this one is not handed to signers; rules without approvals work';
    const conditions = setCondition(
      approval.status?.conditions,
      { type: 'Recorded', status: 'False', reason: 'FeatureUnsupported', message },
      generation,
      clock.now(),
    );
    await store.writeStatus(approval, { conditions, observedGeneration: generation });
    return undefined;
  },
});
