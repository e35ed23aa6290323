import { describe, expect, it } from 'vitest';
import type { Signer } from '../../api/resource.ts';
import type { OtherOperator } from '../../reach.ts';
import { aWallet, conditionsOf } from '../../testing/objects.ts';
import { digestOf } from './testing/facts.ts';
import { fleetOverApi, founded, specOf } from './testing/fleet-over-api.ts';
import type { signerNetworkPolicy } from './signer-network.ts';
import { imageOf } from './signer-set.ts';
import type { SignerSet } from './signer-set.ts';

/*
 * A wallet in `payments`, whose client lives in `acme`: an operator of the wallet's, and one of the client's.
 */

const other = (namespace: string): OtherOperator => ({
  namespaces: [namespace],
  fingerprint: digestOf('1'),
  pods: { namespace: `operator-of-${namespace}`, labels: { app: 'operator' } },
});
const resources = founded(
  aWallet({
    holders: [
      { name: 'infrastructure', role: 'Infrastructure' },
      { name: 'client', role: 'Client', namespace: 'acme' },
      { name: 'backup', role: 'Backup' },
    ],
  }),
);
const signerOf = (holder: string): Signer =>
  resources.find((each): each is Signer => each.kind === 'Signer' && each.spec.walletRef.holder === holder)!;
const id = { wallet: 'payments/treasury', holder: 'client' };
const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
const statefulSet = { apiVersion: 'apps/v1', kind: 'StatefulSet' };
const next = `registry.example/holdfast/signer@${digestOf('c')}`;

describe('the operator of a holder', () => {
  const ofHolder = { namespaces: ['acme'], others: [other('payments')] };

  it("runs the signer, which the operator of the wallet and it alone reach on the sign port, and asks nothing else's", async () => {
    const { fleet, object, server } = await fleetOverApi(resources, ofHolder);
    await fleet.ensure(specOf(signerOf('client')));
    const { ingress } = object(policy, 'treasury-client', 'acme')!.spec as ReturnType<
      typeof signerNetworkPolicy
    >['spec'];
    const namespaces = (port: number): readonly unknown[] =>
      ingress
        .filter(({ ports }) => ports[0]?.port === port)
        .flatMap(({ from }) => from.map(({ namespaceSelector }) => namespaceSelector));
    const named = (name: string): unknown => ({
      matchExpressions: [expect.objectContaining({ operator: 'In', values: [name] })],
    });
    expect(namespaces(8443)).toEqual([named('holdfast'), named('operator-of-payments')]);
    expect(namespaces(9090)).toEqual([named('holdfast')]);
    expect(server.asked.filter(({ path }) => !path.includes('/namespaces/acme/')).map(({ path }) => path)).toEqual([]);
    expect(await fleet.list()).toEqual([id]);
  });

  it('changes a signer that serves only when somebody deletes its pod', async () => {
    const { fleet, cluster, store, object } = await fleetOverApi(resources, ofHolder);
    const signer = signerOf('client');
    await fleet.ensure(specOf(signer));
    await expect.poll(() => cluster.ready).toHaveLength(1);
    store.put({ ...signer, spec: { ...signer.spec, image: next } });
    await fleet.ensure(specOf(signer));
    expect(await fleet.observe(id)).toMatchObject({
      waits:
        'another operator works for Wallet payments/treasury, so this signer changes when somebody deletes its pod',
    });
    cluster.starts = () => false;
    cluster.deletePod('acme/treasury-client');
    await expect.poll(async () => fleet.observe(id)).toHaveProperty('unready');
    await fleet.ensure(specOf(signer));
    expect(imageOf(object(statefulSet, 'treasury-client', 'acme') as SignerSet)).toBe(next);
  });
});

describe('the operator of a wallet', () => {
  const ofWallet = { namespaces: ['payments'], others: [other('acme')] };

  it('asks the signer of a holder with an operator of its own where its Service is, and writes nothing there', async () => {
    const { fleet, store, writes } = await fleetOverApi(resources, ofWallet);
    const there = { running: true, signEndpoint: 'treasury-client.acme.svc:8443', reason: '' };
    expect(await fleet.observe(id)).toMatchObject(there);
    expect(await fleet.observe({ ...id, holder: 'infrastructure' })).toBeUndefined();
    expect(await fleet.observe({ ...id, wallet: 'far/away' })).toBeUndefined();
    await fleet.remove(id, { destroy: false });
    expect([writes(), await fleet.list()]).toEqual([[], []]);
    store.objects.delete('Signer/acme/treasury-client');
    expect(await fleet.observe(id)).toBeUndefined();
  });

  it('counts it among those that serve when it changes its own', async () => {
    const { fleet, cluster, store, object } = await fleetOverApi(resources, ofWallet);
    const own = ['infrastructure', 'backup'].map(signerOf);
    for (const signer of own) await fleet.ensure(specOf(signer));
    await expect.poll(() => cluster.ready).toHaveLength(2);
    for (const signer of own) store.put({ ...signer, spec: { ...signer.spec, image: next } });
    store.put({ ...signerOf('client'), status: { conditions: conditionsOf(['Ready', 'False', 'NotServing']) } });
    await fleet.ensure(specOf(signerOf('backup')));
    expect(await fleet.observe({ ...id, holder: 'backup' })).toMatchObject({
      waits: 'signing needs 2 signers, and of the 2 others 1 serve',
    });
    store.put(signerOf('client'));
    await fleet.ensure(specOf(signerOf('backup')));
    await expect.poll(() => imageOf(object(statefulSet, 'treasury-backup') as SignerSet)).toBe(next);
  });
});
