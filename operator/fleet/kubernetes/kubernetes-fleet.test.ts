import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fleetSuite, untilObserved, untilServing } from '../../../test/fleet-suite.ts';
import type { Signer } from '../../api/resource.ts';
import { pathOf } from '../../runtime/kube-object.ts';
import { applyObject } from '../../runtime/objects.ts';
import type { RequestFault } from '../../runtime/testing/api-state.ts';
import { hastyClock } from '../../runtime/testing/hasty-clock.ts';
import type { MemoryStore } from '../../testing/memory-store.ts';
import { aSigner, aWallet, conditionsOf } from '../../testing/objects.ts';
import type { SignerId } from '../fleet.ts';
import { typeOf } from './managed-objects.ts';
import { managed } from './signer-labels.ts';
import { imageOf } from './signer-set.ts';
import type { SignerSet } from './signer-set.ts';
import { digestOf, signerImage } from './testing/facts.ts';
import { fleetOverApi, founded, setPath, specOf, withSigners } from './testing/fleet-over-api.ts';
import { worst } from './testing/roll-outs.ts';
import { asked, running, signersOf } from './testing/running-fleet.ts';

const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
const statefulSet = { apiVersion: 'apps/v1', kind: 'StatefulSet' };
const budget = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget' };
const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
const setOf = ({ wallet, holder }: SignerId): string => `${wallet}-${holder}`;

fleetSuite(
  'a fleet over the Kubernetes API',
  async () => {
    const cold = aWallet({}, undefined, { name: 'cold', uid: 'uid-of-cold' });
    const { fleet, cluster, reopen, object } = await fleetOverApi([...withSigners(aWallet()), ...withSigners(cold)]);
    return {
      fleet,
      reopen: () => reopen(),
      count: (id) => cluster.count(setOf(id)),
      crash: (id) => cluster.crash(setOf(id)),
      hasState: ({ wallet, holder }) =>
        object(claim, ['holdfast', ...wallet.split('/'), holder, 'state'].join('.')) !== undefined,
      setSecret: () => {
        throw new Error('the fleet reads no Secrets');
      },
    };
  },
  {
    readsSecrets: false,
    destroys: false,
    // Nothing listens: the address is that of the signer's Service.
    answers: async ({ metricsEndpoint }) => {
      if (!/^(treasury|cold)-[a-z]+\.payments\.svc:9090$/.test(metricsEndpoint)) throw new Error(metricsEndpoint);
    },
  },
);

const client: SignerId = { wallet: 'payments/treasury', holder: 'client' };
const next = `registry.example/holdfast/signer@${digestOf('c')}`;

/** Has Signers say something else. */
function change(store: MemoryStore, spec: Partial<Signer['spec']>): void {
  for (const signer of signersOf([...store.objects.values()]))
    store.put({ ...signer, spec: { ...signer.spec, ...spec } });
}

describe('what a fleet writes', () => {
  it('isolates a pod before there is one, and bounds evictions', async () => {
    const { fleet, writes } = await fleetOverApi();
    await fleet.ensure(specOf(aSigner('client')));
    const created = writes().filter(({ headers }) => headers['content-type'] === 'application/apply-patch+yaml');
    expect(created.map(asked)).toEqual([
      'PATCH serviceaccounts/treasury-client',
      'PATCH networkpolicies/treasury-client',
      'PATCH services/treasury-client',
      'PATCH persistentvolumeclaims/holdfast.payments.treasury.client.state',
      'PATCH poddisruptionbudgets/holdfast.payments.treasury',
      'PATCH statefulsets/treasury-client',
    ]);
  });

  it('is nothing where nothing changes', async () => {
    const { fleet, server, ensureAll, reopen } = await running();
    const before = server.asked.length;
    await ensureAll();
    await fleet.observe(client);
    await fleet.list();
    expect(server.asked.slice(before).map(asked)).toEqual([]);

    // Another operator looks once, and changes nothing.
    const kinds = [statefulSet, claim, policy, { apiVersion: 'v1', kind: 'Service' }, budget];
    const versions = (): readonly string[] =>
      kinds.flatMap((kind) =>
        [...server.stored(pathOf(typeOf(kind)))].map(([path, { metadata }]) => `${path} ${metadata.resourceVersion}`),
      );
    const were = versions();
    expect(were).toHaveLength(3 * 4 + 1);
    await ensureAll(await reopen());
    expect(versions()).toEqual(were);
  });

  it('is no template for the sake of another image, or version, of the operator', async () => {
    const { cluster, ensureAll, reopen, object } = await running();
    const made = cluster.events.length;
    await ensureAll(await reopen({ settings: { signerImage: next } }));
    expect(cluster.events).toHaveLength(made);
    expect(imageOf(object(statefulSet, 'treasury-client') as SignerSet)).toBe(signerImage);
  });

  it('is applied again where only its surroundings change, and restarts nothing', async () => {
    const { store, ensureAll, writes, cluster } = await running();
    const [wallet] = founded();
    store.put({ ...wallet, spec: { ...wallet.spec, access: [{ podSelector: { matchLabels: { app: 'api' } } }] } });
    const [before, made] = [writes().length, cluster.events.length];
    await ensureAll();
    expect([...new Set(writes().slice(before).map(asked))]).toEqual(
      ['infrastructure', 'client', 'backup'].map((holder) => `PATCH networkpolicies/treasury-${holder}`),
    );
    expect(cluster.events).toHaveLength(made);
  });

  it('leaves a claim what nobody can change about it', async () => {
    const { ensureAll, reopen, store, object } = await running();
    change(store, { storage: { size: '5Gi' } });
    await ensureAll(await reopen({ settings: { volumes: { accessMode: 'ReadWriteOnce', storageClassName: 'slow' } } }));
    expect(object(claim, 'holdfast.payments.treasury.client.state')?.spec).toEqual({
      accessModes: ['ReadWriteOncePod'],
      resources: { requests: { storage: '5Gi' } },
    });
  });

  it('is within what the chart lets the operator do', async () => {
    const { fleet, server, store, ensureAll } = await running();
    change(store, { image: next });
    await ensureAll();
    await fleet.remove(client, { destroy: true });
    const helpers = readFileSync(new URL('../../../charts/holdfast/templates/_helpers.tpl', import.meta.url), 'utf8');
    const text = /define "holdfast\.operatorRules" -\}\}\n([^]*?)\{\{- end/.exec(helpers)?.[1];
    const rules = parse(text ?? '') as readonly { apiGroups: string[]; resources: string[]; verbs: string[] }[];
    for (const { method, path, query, headers } of server.asked.filter(
      ({ headers }) => headers['user-agent'] === 'test-operator',
    )) {
      const {
        group = '',
        resource = '',
        name,
      } = /^\/(?:api|apis\/(?<group>[^/]+))\/v1(?:\/namespaces\/[^/]+)?\/(?<resource>[^/]+)(?:\/(?<name>.+))?$/.exec(
        path,
      )?.groups ?? {};
      const applies = headers['content-type'] === 'application/apply-patch+yaml';
      const read = name !== undefined ? ['get'] : [query.get('watch') === 'true' ? 'watch' : 'list'];
      const verbs = method === 'GET' ? read : method === 'PATCH' ? ['patch', ...(applies ? ['create'] : [])] : [method];
      for (const verb of verbs)
        expect(
          rules.some(
            (rule) => rule.apiGroups.includes(group) && rule.resources.includes(resource) && rule.verbs.includes(verb),
          ),
          `${verb} ${group}/${resource}`,
        ).toBe(true);
    }
  });

  it.each([
    { kind: statefulSet, name: 'treasury-client' },
    { kind: { apiVersion: 'v1', kind: 'Service' }, name: 'treasury-client' },
    { kind: claim, name: 'holdfast.payments.treasury.client.state' },
  ])('is no $kind.kind that somebody else made', async ({ kind, name }) => {
    const { fleet, user, object, cluster } = await fleetOverApi();
    const theirs = { metadata: { namespace: 'payments', name, labels: { app: 'theirs' } }, spec: { replicas: 0 } };
    await applyObject(user, typeOf(kind), theirs, { fieldManager: 'somebody' });
    const before = object(kind, name);
    await expect(fleet.ensure(specOf(aSigner('client')))).rejects.toThrow(
      `${kind.kind} payments/${name} was made by somebody else`,
    );
    expect(await fleet.observe(client)).toMatchObject({
      running: false,
      reason: 'InternalError',
      message: expect.stringContaining('delete or rename it'),
    });
    expect(object(kind, name)?.metadata.labels).toEqual(before?.metadata.labels);
    expect(object(kind, name)?.spec).toEqual({ replicas: 0 });
    await fleet.remove(client, { destroy: true });
    expect(object(kind, name)?.spec).toEqual({ replicas: 0 });
    expect(cluster.count('payments/treasury-client')).toBe(0);
  });
});

describe('a changed template', () => {
  /** Looks at all Signers until all pods that are ready have an image. */
  const rolled = async (
    { ensureAll, cluster, object }: Awaited<ReturnType<typeof running>>,
    image: string,
  ): Promise<void> => {
    const signers = ['infrastructure', 'client', 'backup'].map((holder) => `treasury-${holder}`);
    await expect
      .poll(
        async () => {
          await ensureAll();
          return signers.map((name) => imageOf(object(statefulSet, name) as SignerSet));
        },
        { interval: 5 },
      )
      .toEqual(signers.map(() => image));
    await expect.poll(() => cluster.ready).toHaveLength(3);
  };

  it('reaches all signers, one after the other', async () => {
    const opened = await running();
    change(opened.store, { image: next });
    await rolled(opened, next);
    expect(worst(opened.cluster.events)).toEqual({ ready: 2, changing: 1 });
  });

  it('that does not start stops at the first signer, and a better one goes on from there', async () => {
    const opened = await running();
    const { cluster, fleet, store, ensureAll } = opened;
    cluster.starts = (_, image) => image !== next;
    change(store, { image: next });
    for (let look = 0; look < 10; look++) await ensureAll();
    await expect
      .poll(() => cluster.events.at(-1))
      .toMatchObject({ set: 'payments/treasury-infrastructure', what: 'made' });
    for (let look = 0; look < 10; look++) await ensureAll();
    expect(cluster.ready).toHaveLength(2);
    expect(await fleet.observe(client)).toMatchObject({
      running: true,
      waits: expect.stringContaining('infrastructure changed and is not ready yet'),
    });
    const better = next.replace(/c{64}/, 'd'.repeat(64));
    change(store, { image: better });
    await rolled(opened, better);
    expect(worst(cluster.events)).toEqual({ ready: 2, changing: 1 });
    expect(await fleet.observe(client)).not.toHaveProperty('waits');
  });

  it('waits while another signer is down, or does not serve', async () => {
    const { cluster, fleet, store, ensureAll } = await running();
    cluster.starts = ({ metadata }) => metadata.name !== 'treasury-backup';
    cluster.crash('payments/treasury-backup');
    await expect.poll(async () => fleet.observe({ ...client, holder: 'backup' })).toHaveProperty('unready');
    change(store, { image: next });
    await fleet.ensure(specOf(aSigner('client')));
    expect(await fleet.observe(client)).toMatchObject({
      waits: 'signing needs 2 signers, and of the 2 others 1 serve',
    });

    cluster.starts = () => true;
    await expect.poll(() => cluster.ready).toHaveLength(3);
    const backup = signersOf([...store.objects.values()]).find(({ metadata }) => metadata.name === 'treasury-backup')!;
    store.put({ ...backup, status: { conditions: conditionsOf(['Ready', 'False', 'NotServing']) } });
    await fleet.ensure(specOf(aSigner('client')));
    expect(await fleet.observe(client)).toHaveProperty('waits');
    store.put(backup);
    await ensureAll();
    await expect.poll(() => cluster.events.at(-1)).toMatchObject({ what: 'ready', image: next });
  });

  it('of a wallet that can do without no signer waits until its pod is deleted', async () => {
    const two = aWallet({
      holders: [
        { name: 'infrastructure', role: 'Infrastructure' },
        { name: 'client', role: 'Client' },
      ],
    });
    const { cluster, fleet, store } = await running(founded(two));
    change(store, { image: next });
    await fleet.ensure(specOf(aSigner('client')));
    expect(await fleet.observe(client)).toMatchObject({ waits: expect.stringContaining('somebody deletes its pod') });
    cluster.starts = (_, image) => image === next;
    cluster.deletePod('payments/treasury-client');
    await expect.poll(async () => fleet.observe(client)).toHaveProperty('unready');
    await fleet.ensure(specOf(aSigner('client')));
    await expect.poll(() => cluster.events.at(-1)).toMatchObject({ what: 'ready', image: next });
  });
});

describe('a signer in a cluster', () => {
  it('is reached at its Service before it is ready, and says where to look', async () => {
    const { fleet, cluster } = await fleetOverApi();
    cluster.admits = false;
    await fleet.ensure(specOf(aSigner('client')));
    expect(await fleet.observe(client)).toEqual({
      running: false,
      restarts: 0,
      signEndpoint: 'treasury-client.payments.svc:8443',
      peerEndpoint: 'treasury-client.payments.svc:7443',
      metricsEndpoint: 'treasury-client.payments.svc:9090',
      reason: 'Starting',
      message: expect.stringContaining('describe statefulset treasury-client'),
    });
    cluster.admits = true;
    cluster.starts = () => false;
    await untilObserved(fleet, client, {
      running: true,
      unready: expect.stringContaining('kubectl -n payments describe pod treasury-client-0') as string,
    });
  });

  it('in another namespace has its objects there, and an owner for the disruption budget', async () => {
    const wallet = aWallet({
      holders: [
        { name: 'infrastructure', role: 'Infrastructure' },
        { name: 'client', role: 'Client', namespace: 'acme' },
        { name: 'backup', role: 'Backup' },
      ],
    });
    const { fleet, object, server } = await running(founded(wallet), { namespaces: ['payments', 'acme'] });
    expect(await fleet.observe(client)).toMatchObject({ peerEndpoint: 'treasury-client.acme.svc:7443' });
    expect(object(budget, 'holdfast.payments.treasury', 'acme')?.metadata).toMatchObject({
      ownerReferences: [{ kind: 'Signer', name: 'treasury-client' }],
    });
    expect(
      server.asked
        .filter(({ query }) => query.get('watch') === 'true')
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(
      ['acme', 'payments']
        .flatMap((namespace) =>
          [
            '/api/v1/NAMESPACE/serviceaccounts',
            '/api/v1/NAMESPACE/services',
            '/apis/apps/v1/NAMESPACE/statefulsets',
            '/apis/networking.k8s.io/v1/NAMESPACE/networkpolicies',
            '/apis/policy/v1/NAMESPACE/poddisruptionbudgets',
          ].map((path) => path.replace('NAMESPACE', `namespaces/${namespace}`)),
        )
        .toSorted(),
    );
  });

  it('where no namespace of it is watched is refused', async () => {
    const { fleet, writes } = await fleetOverApi(founded(), { namespaces: ['acme'] });
    await expect(fleet.ensure(specOf(aSigner('client')))).rejects.toThrow(
      "namespace payments is none of this operator's",
    );
    expect(writes()).toEqual([]);
  });

  it.each([
    ['Wallet', 'there is no Wallet payments/treasury'],
    ['Signer', 'there is no Signer of holder client of payments/treasury in namespace payments'],
  ])('whose %s is gone is refused', async (kind, says) => {
    const { fleet, store, writes } = await fleetOverApi();
    store.objects.delete(`${kind}/payments/treasury${kind === 'Signer' ? '-client' : ''}`);
    await expect(fleet.ensure(specOf(aSigner('client')))).rejects.toThrow(says);
    expect(writes()).toEqual([]);
  });

  it('whose Signer was written anew under another name is started after its predecessor ended', async () => {
    const { fleet, store, cluster, object } = await running();
    const renamed = aSigner('client', { meta: { name: 'mine', uid: 'uid-of-mine' } });
    store.objects.delete('Signer/payments/treasury-client');
    store.put(renamed);
    cluster.stuck.add('payments/treasury-client');
    for (let look = 0; look < 5; look++) await fleet.ensure(specOf(renamed));
    expect(object(statefulSet, 'mine')).toBeUndefined();
    expect(await fleet.observe(client)).toMatchObject({
      running: false,
      reason: 'Starting',
      message: 'waits for the end of pod treasury-client-0',
    });
    cluster.stuck.clear();
    await expect
      .poll(async () => {
        await fleet.ensure(specOf(renamed));
        return cluster.ready;
      })
      .toContain('payments/mine');
    expect(cluster.ready).not.toContain('payments/treasury-client');
    expect(await fleet.observe(client)).toMatchObject({ signEndpoint: 'mine.payments.svc:8443' });
    expect(await fleet.list()).toHaveLength(3);
  });

  it('is removed when its pod is gone, and not before', async () => {
    const { fleet, cluster } = await running();
    cluster.stuck.add('payments/treasury-client');
    let isOver = false;
    const removed = fleet.remove(client, { destroy: false }).then(() => (isOver = true));
    await expect.poll(() => cluster.events.at(-1)).toMatchObject({ what: 'ending' });
    await fleet.ensure(specOf(aSigner('backup')));
    expect(isOver).toBe(false);
    cluster.stuck.clear();
    await removed;
    expect(cluster.count('payments/treasury-client')).toBe(0);
  });

  it('whose pod does not end is not removed', async () => {
    const { fleet, cluster } = await running(founded(), { clock: hastyClock(300) });
    cluster.stuck.add('payments/treasury-client');
    await expect(fleet.remove(client, { destroy: false })).rejects.toThrow('payments/treasury-client-0: still there');
  });

  it('that somebody deletes is made again', async () => {
    const { fleet, server, cluster } = await running();
    server.remove(setPath('treasury-client'));
    await expect.poll(async () => fleet.observe(client)).toBeUndefined();
    expect(await fleet.list()).toHaveLength(2);
    await fleet.ensure(specOf(aSigner('client')));
    await expect.poll(() => cluster.ready).toContain('payments/treasury-client');
  });
});

describe('an API server that fails', () => {
  // A connection that is reset is tried again by the client.
  const faults: readonly RequestFault[] = [
    { kind: 'cut off' },
    { kind: 'not json' },
    { kind: 'status', status: 409, reason: 'Conflict' },
    { kind: 'status', status: 429, reason: 'TooManyRequests', retryAfter: '1' },
    { kind: 'status', status: 500, reason: 'InternalError' },
  ];

  it('leaves no signer half made: it is made when asked for again, whichever request failed', async () => {
    const { fleet, server, cluster, object } = await fleetOverApi();
    await expect.poll(() => server.watching).toBe(5);
    let failed = 0;
    let before = 0;
    // The first request fails, when asked for again the second, and so on.
    server.faults.shift = () => (before-- === 0 ? faults[failed % faults.length] : undefined);
    for (let made = false; !made; before = failed)
      made = await fleet.ensure(specOf(aSigner('client'))).then(
        () => true,
        () => {
          failed++;
          return false;
        },
      );
    // Each of six objects is looked at and written.
    expect(failed).toBe(12);
    expect(await fleet.observe(client)).not.toHaveProperty('warning');
    await untilServing(fleet, client, async () => {});
    expect(object(statefulSet, 'treasury-client')?.metadata.labels).toMatchObject(managed);
    expect(cluster.count('payments/treasury-client')).toBe(1);
  });

  it.each(['reset', 'expired', 'error', 'repeat all', 'not json'] as const)(
    'is followed through a watch that ends by %s',
    async (fault) => {
      const { fleet, server, cluster } = await running();
      server.disturb(fault);
      cluster.starts = () => false;
      cluster.crash('payments/treasury-client');
      await untilObserved(fleet, client, { running: true, restarts: 1 });
      cluster.starts = () => true;
      await untilServing(fleet, client, async () => {});
      await fleet.remove(client, { destroy: false });
      expect(await fleet.observe(client)).toBeUndefined();
    },
  );

  it('is seen ahead of a watch that says nothing: no second signer changes for not having heard', async () => {
    const { fleet, server, store, cluster } = await running();
    server.disturb('silent');
    change(store, { image: next });
    await fleet.ensure(specOf(aSigner('infrastructure')));
    await expect.poll(() => cluster.events.at(-1)).toMatchObject({ what: 'ready', image: next });
    await fleet.ensure(specOf(aSigner('client')));
    expect(await fleet.observe(client)).toMatchObject({ waits: expect.stringContaining('infrastructure changed') });
  });

  it('is asked again before a signer changes that may serve by now', async () => {
    const { fleet, server, store, cluster } = await running();
    cluster.starts = ({ metadata }) => metadata.name === 'treasury-infrastructure';
    for (const holder of ['backup', 'client']) cluster.crash(`payments/treasury-${holder}`);
    await untilObserved(fleet, client, { unready: expect.stringContaining('not ready') as string });
    await expect.poll(async () => fleet.observe({ ...client, holder: 'backup' })).toHaveProperty('unready');
    server.disturb('silent');
    cluster.starts = ({ metadata }) => metadata.name !== 'treasury-backup';
    await expect.poll(() => cluster.ready).toHaveLength(2);
    change(store, { image: next });
    await fleet.ensure(specOf(aSigner('client')));
    expect(await fleet.observe(client)).toMatchObject({ waits: expect.stringContaining('of the 2 others 1 serve') });
    expect(cluster.ready).toHaveLength(2);
  });

  it('is asked again before a signer changes, since a write may be done whose answer was lost', async () => {
    const { fleet, server, store, object } = await running();
    server.disturb('silent');
    change(store, { image: next });
    const changes = (): boolean => imageOf(object(statefulSet, 'treasury-infrastructure') as SignerSet) === next;
    // The requests before the write are three reads.
    let before = 3;
    server.faults.shift = () => (before-- === 0 ? { kind: 'answer lost' } : undefined);
    await expect(fleet.ensure(specOf(aSigner('infrastructure')))).rejects.toThrow();
    expect(changes()).toBe(true);
    await fleet.ensure(specOf(aSigner('client')));
    expect(await fleet.observe(client)).toHaveProperty('waits');
    expect(imageOf(object(statefulSet, 'treasury-client') as SignerSet)).toBe(signerImage);
  });

  it('that cannot be reached does not keep an operator from ending', async () => {
    const { fleet, cluster } = await running();
    cluster.stuck.add('payments/treasury-client');
    const removed = fleet.remove(client, { destroy: false });
    await expect.poll(() => cluster.events.at(-1)).toMatchObject({ what: 'ending' });
    const refused = expect(removed).rejects.toThrow('closed');
    await fleet.close();
    await refused;
    await expect(fleet.ensure(specOf(aSigner('client')))).rejects.toThrow('closed');
  });
});
