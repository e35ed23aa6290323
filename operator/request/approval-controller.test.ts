import { expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { conditionOf } from '../api/conditions.ts';
import { keyOf } from '../api/resource.ts';
import { approval } from '../store/testing/drafts.ts';
import { MemoryStore } from '../testing/memory-store.ts';
import { metadata } from '../testing/objects.ts';
import { approvalController } from './approval-controller.ts';

test('an approval is told that nobody takes it', async () => {
  const given = { ...approval(), metadata: metadata('pay-42-alice') };
  const store = new MemoryStore(given);
  const key = keyOf<'Approval'>(given);
  await approvalController({ store, clock: systemClock }).reconcile(key, new AbortController().signal);
  const status = (await store.get(key))?.status;
  expect(conditionOf(status?.conditions, 'Recorded')).toMatchObject({ status: 'False', reason: 'FeatureUnsupported' });
});
