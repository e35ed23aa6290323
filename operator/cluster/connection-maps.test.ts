import { beforeEach, expect, test } from 'vitest';
import { connectionOf, encodeConnection } from '../../client/connection.ts';
import type { Connection } from '../../client/connection.ts';
import { systemClock } from '../../common/clock.ts';
import type { KubeRequest } from '../runtime/kube-client.ts';
import { pathOf } from '../runtime/kube-object.ts';
import { applyObject } from '../runtime/objects.ts';
import { ApiState } from '../runtime/testing/api-state.ts';
import { memoryClient } from '../runtime/testing/memory-client.ts';
import { known } from '../testing/holder-states.ts';
import { aWallet } from '../testing/objects.ts';
import { configMapType, connectionMaps } from './connection-maps.ts';

const connectionAt = (port: number): Connection =>
  connectionOf(known, new Map(known.genesis.holders.map(({ name }, i) => [name, `${name}.payments.svc:${port + i}`])));
const path = pathOf(configMapType, { namespace: 'payments', name: 'treasury-connection' });

let api: ApiState;
let asked: KubeRequest[];
const client = () => {
  const inner = memoryClient(api, systemClock);
  return {
    request: async (request: KubeRequest) => {
      asked.push(request);
      return inner.request(request);
    },
  };
};
beforeEach(() => {
  api = new ApiState();
  asked = [];
});

const held = () => api.get(path);

test('a connection is a ConfigMap beside its Wallet, which owns it', async () => {
  await connectionMaps(client()).publish(aWallet(), connectionAt(8443));
  expect(held()).toMatchObject({
    metadata: {
      labels: { 'app.kubernetes.io/managed-by': 'holdfast', 'holdfast.dev/wallet': 'treasury' },
      ownerReferences: [{ kind: 'Wallet', name: 'treasury', uid: aWallet().metadata.uid, controller: true }],
    },
    data: { 'connection.json': encodeConnection(connectionAt(8443)) },
  });
});

test('one that changes, or that somebody changed, is as it should be once it is published again', async () => {
  const maps = connectionMaps(client());
  await maps.publish(aWallet(), connectionAt(8443));
  const theirs = {
    metadata: { namespace: 'payments', name: 'treasury-connection' },
    data: { 'connection.json': '{}' },
  };
  await applyObject(memoryClient(api, systemClock), configMapType, theirs, { fieldManager: 'somebody' });
  await maps.publish(aWallet(), connectionAt(9443));
  expect(held()).toMatchObject({ data: { 'connection.json': encodeConnection(connectionAt(9443)) } });
});

test('it is written and never read, and nothing is asked for when its Wallet goes: it goes with that', async () => {
  const maps = connectionMaps(client());
  await maps.publish(aWallet(), connectionAt(8443));
  await maps.withdraw('payments/treasury');
  expect(asked.map(({ method, query }) => [method, query?.['fieldManager']])).toEqual([['PATCH', 'holdfast-wallet']]);
  // Nor every so often: a wallet that stays the same costs no write.
  expect(maps.republishMs).toBe(Infinity);
});

test('that it cannot be written is said, so that the Wallet is looked at again', async () => {
  api.faults.push({ kind: 'status', status: 403, reason: 'Forbidden' });
  await expect(connectionMaps(client()).publish(aWallet(), connectionAt(8443))).rejects.toThrow('refused');
});
