import { beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { pathOf } from '../../runtime/kube-object.ts';
import { applyObject } from '../../runtime/objects.ts';
import { ApiState } from '../../runtime/testing/api-state.ts';
import { memoryClient } from '../../runtime/testing/memory-client.ts';
import type { Manifest } from './manifest.ts';
import { ManagedObjects, typeOf } from './managed-objects.ts';
import { managed } from './signer-labels.ts';

type Service = Manifest & { readonly spec: Readonly<Record<string, unknown>> };
const service = (spec: Service['spec'], labels = managed): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'payments', name: 'a', labels },
  spec,
});
const path = pathOf(typeOf(service({})), { namespace: 'payments', name: 'a' });

let api: ApiState;
let objects: ManagedObjects;
const client = () => memoryClient(api, systemClock);
beforeEach(() => {
  api = new ApiState();
  objects = new ManagedObjects(client(), { stands: () => true });
});

describe('an object of the operator', () => {
  it('is made, and then left alone until something else is wanted of it or it is asked for anew', async () => {
    await objects.apply(service({ type: 'ClusterIP', port: 1 }));
    const theirs = { metadata: { namespace: 'payments', name: 'a' }, spec: { port: 9, note: 'theirs' } };
    await applyObject(client(), typeOf(service({})), theirs, { fieldManager: 'somebody' });
    await objects.apply(service({ type: 'ClusterIP', port: 1 }));
    expect(api.get(path)?.spec).toMatchObject({ port: 9 });
    await objects.apply(service({ type: 'ClusterIP', port: 1 }), { anew: true });
    expect(api.get(path)?.spec).toEqual({ type: 'ClusterIP', port: 1, note: 'theirs' });
    await objects.apply(service({ port: 2 }));
    expect(api.get(path)?.spec).toEqual({ port: 2, note: 'theirs' });
  });

  it('is applied again after a failure, although it was applied before', async () => {
    await objects.apply(service({ port: 1 }));
    api.faults.push({ kind: 'status', status: 500 });
    await expect(objects.apply(service({ port: 2 }))).rejects.toThrow('refused');
    await objects.apply(service({ port: 1 }));
    await objects.apply(service({ port: 2 }));
    expect(api.get(path)?.spec).toEqual({ port: 2 });
  });

  it.each([{}, { app: 'theirs' }, { 'app.kubernetes.io/managed-by': 'Helm' }])(
    'is none that somebody else made, with labels %j',
    async (labels) => {
      await applyObject(client(), typeOf(service({})), service({ port: 9 }, labels), { fieldManager: 'somebody' });
      await expect(objects.apply(service({ port: 1 }))).rejects.toThrow('Service payments/a was made by somebody else');
      expect(api.get(path)?.spec).toEqual({ port: 9 });
    },
  );

  it('is of a kind that the chart gives rights to', () => {
    expect(() => typeOf({ apiVersion: 'v1', kind: 'Secret' })).toThrow('Secret');
  });
});
