import { describe, expect, it } from 'vitest';
import { pathOf } from '../../runtime/kube-object.ts';
import { applyObject } from '../../runtime/objects.ts';
import { typeOf } from './managed-objects.ts';
import { asked, running } from './testing/running-fleet.ts';

const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' };

describe('what surrounds a pod', () => {
  it.each([
    { kind: { apiVersion: 'v1', kind: 'ServiceAccount' }, name: 'treasury-client' },
    { kind: { apiVersion: 'v1', kind: 'Service' }, name: 'treasury-client' },
    { kind: policy, name: 'treasury-client' },
    { kind: budget, name: 'holdfast.payments.treasury' },
  ])('heals a $kind.kind that somebody deletes or changes, and nothing else', async ({ kind, name }) => {
    const { ensureAll, server, object, writes, user } = await running();
    const made = object(kind, name);
    const fields = (held = object(kind, name)): unknown => [held?.metadata.labels, held?.spec];
    await expect.poll(() => server.watching).toBe(5);
    const before = writes().length;
    /** Looks at all signers until the object is as it was made. */
    const healed = async (): Promise<void> => {
      await expect.poll(async () => (await ensureAll(), fields()), { interval: 5 }).toEqual(fields(made));
      await ensureAll();
    };
    server.remove(pathOf(typeOf(kind), { namespace: 'payments', name }));
    await healed();
    expect(new Set(writes().slice(before).map(asked))).toEqual(new Set([`PATCH ${typeOf(kind).plural}/${name}`]));
    expect(writes()).toHaveLength(before + 1);

    const metadata = { namespace: 'payments', name, labels: { 'holdfast.dev/wallet': 'another' } };
    await applyObject(user, typeOf(kind), { metadata }, { fieldManager: 'somebody' });
    expect(fields()).not.toEqual(fields(made));
    await healed();
    expect(writes()).toHaveLength(before + 2);

    // What others say beside it, and what a controller says of it, is theirs.
    const theirs = { ...metadata, labels: { theirs: 'too' } };
    await applyObject(user, typeOf(kind), { metadata: theirs }, { fieldManager: 'somebody' });
    server.put(pathOf(typeOf(kind), metadata), { ...object(kind, name), status: { seen: true } });
    await expect.poll(async () => (await ensureAll(), writes().length), { interval: 5 }).toBe(before + 3);
    for (let look = 0; look < 5; look++) await ensureAll();
    expect(writes()).toHaveLength(before + 3);
    expect(object(kind, name)?.metadata.labels).toMatchObject({ theirs: 'too' });
  });

  it('is as it should be again when an operator starts', async () => {
    const { server, object, reopen, ensureAll } = await running();
    server.remove(pathOf(typeOf(policy), { namespace: 'payments', name: 'treasury-client' }));
    await ensureAll(await reopen());
    expect(object(policy, 'treasury-client')).toBeDefined();
  });

  it('heals also from what admission would not let the operator write', async () => {
    const { ensureAll, server, object } = await running();
    const made = object(policy, 'treasury-client');
    await expect.poll(() => server.watching).toBe(5);
    const isOpen = (each: { readonly spec?: unknown }): boolean => JSON.stringify(each.spec).includes('"ingress":[{}]');
    server.admit = (each) => (isOpen(each) ? 'signers are reached by rules with names and ports' : undefined);
    const path = pathOf(typeOf(policy), { namespace: 'payments', name: 'treasury-client' });
    server.put(path, { ...made, spec: { ...(made?.spec as object), ingress: [{}] } });
    await expect.poll(async () => (await ensureAll(), object(policy, 'treasury-client')?.spec)).toEqual(made?.spec);
  });
});
