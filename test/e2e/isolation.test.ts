import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signerPorts } from '../../operator/fleet/kubernetes/pod-layout.ts';
import { operatorIsReady, operatorNamespace } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { apply, get, kubectl } from './kubectl.ts';
import { addressOf, idle, listen, node, Outsider, reachAll, reachAllFrom, scriptPod } from './probe.ts';
import type { Targets } from './probe.ts';

/*
 * Who reaches a signer and whom it reaches, and what its account may do. Whatever must not be reached is reached by somebody
 * else at the same time, so that it is the NetworkPolicy that keeps it from the signer, and not that nobody is there.
 */

type Pod = {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: { readonly nodeName: string; readonly serviceAccountName: string };
  readonly status: { readonly podIP: string };
};

const { sign, peer, metrics } = signerPorts;
const silent = { sign: 'silent', peer: 'silent', metrics: 'silent' };
/** What is found of {@link both} by who is kept from the signer by its NetworkPolicy, and by nothing else. */
const kept = { ...silent, 'free sign': 'open', 'free peer': 'open', 'free metrics': 'open' };
const outside = new Outsider();
const outsidePort = 9000;
const workloads: [namespace: string, name: string][] = [];

let treasury: ClusterWallet;
let other: ClusterWallet;
let operator: Pod;
/** The signer that is tried. */
let target: Targets;
let targetNode: string;
/** The signer, and what listens where signers do and no policy is about. */
let both: Targets;

const portsOf = (address: string, what = ''): Targets => ({
  [`${what}sign`]: { address, port: sign },
  [`${what}peer`]: { address, port: peer },
  [`${what}metrics`]: { address, port: metrics },
});

const pods = async (namespace: string, labels: string): Promise<readonly Pod[]> =>
  (await get<{ items: readonly Pod[] }>('-n', namespace, 'pods', '-l', labels)).items;

async function start(namespace: string, name: string, script: string, labels = {}): Promise<void> {
  await apply(scriptPod(namespace, name, script, { labels }));
  workloads.push([namespace, name]);
}

beforeAll(async () => {
  const api = { app: 'payments-api' };
  [treasury, other] = await Promise.all([
    ClusterWallet.prepare('isolated', { access: [{ podSelector: { matchLabels: api } }] }),
    ClusterWallet.prepare('neighbour'),
  ]);
  await Promise.all([treasury.apply(), other.apply()]);
  await operatorIsReady();
  const [found] = await pods(operatorNamespace, 'app.kubernetes.io/component=operator');
  if (found === undefined) throw new Error('no operator runs');
  operator = found;

  await start(treasury.namespace, 'bystander', idle);
  await start(treasury.namespace, 'api', idle, api);
  await start(other.namespace, 'free', listen(sign, peer, metrics));
  await start(other.namespace, 'as-api', idle, api);
  await start(other.namespace, 'as-operator', idle, withoutHash(operator.metadata.labels));
  await start(operatorNamespace, `bystander-${process.pid}`, idle);
  await outside.start(outsidePort);

  await Promise.all([treasury.ready(), other.ready()]);
  const [signer] = await pods(treasury.namespace, 'holdfast.dev/holder=client');
  if (signer === undefined) throw new Error('the client has no signer');
  target = portsOf(signer.status.podIP);
  targetNode = signer.spec.nodeName;
  // With all of the labels of the wallet's own signers, in a namespace where none of its holders is.
  await start(other.namespace, 'as-signer', idle, withoutHash(signer.metadata.labels));
  await Promise.all(
    workloads.map(async ([namespace, name]) =>
      kubectl('-n', namespace, 'wait', `pod/${name}`, '--for=condition=Ready', '--timeout=60s'),
    ),
  );
  both = { ...target, ...portsOf(await addressOf(other.namespace, 'free'), 'free ') };
  await outside.routeTo(treasury.namespace, signer.metadata.name);
  await outside.routeTo(other.namespace, 'free');
});

afterAll(async () => {
  await outside.stop();
  for (const [namespace, name] of workloads)
    await kubectl('-n', namespace, 'delete', 'pod', name, '--ignore-not-found', '--wait=false');
});

/** What a StatefulSet or a Deployment adds for itself: with these its controller would adopt the pod, or delete it. */
const withoutHash = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(labels).filter(
      ([name]) => !/^(apps|statefulset)\.kubernetes\.io\/|hash$/.test(name) && name !== 'app',
    ),
  );

describe('a signer is reached', () => {
  test('by its peers, where peers speak', async () => {
    for (const holder of ['infrastructure', 'backup'])
      expect(await reachAll(treasury.namespace, `treasury-${holder}-0`, target), holder).toEqual({
        ...silent,
        peer: 'open',
      });
  });

  test('by the operator, but not where peers speak', async () => {
    expect(await reachAll(operatorNamespace, operator.metadata.name, target)).toEqual({
      sign: 'open',
      peer: 'silent',
      metrics: 'open',
    });
  });

  test('by whom the wallet gives access, to ask for signatures only', async () => {
    expect(await reachAll(treasury.namespace, 'api', target)).toEqual({ ...silent, sign: 'open' });
  });
});

describe('a signer is not reached', () => {
  test("by another wallet's signer", async () => {
    expect(await reachAll(other.namespace, 'treasury-infrastructure-0', target)).toEqual(silent);
  });

  test.each<[who: string, place: () => readonly [namespace: string, name: string]]>([
    ['another pod of its namespace', () => [treasury.namespace, 'bystander']],
    ['a pod of another namespace', () => [other.namespace, 'free']],
    ["a pod of another namespace with the labels of the wallet's access", () => [other.namespace, 'as-api']],
    ["a pod of another namespace with the operator's labels", () => [other.namespace, 'as-operator']],
    ["a pod of another namespace with its peers' labels", () => [other.namespace, 'as-signer']],
    ["another pod of the operator's namespace", () => [operatorNamespace, `bystander-${process.pid}`]],
  ])('by %s', async (_, place) => {
    expect(await reachAll(...place(), both)).toEqual(kept);
  });

  // Its own node reaches each pod: Kubernetes has that so for its probes.
  test('by another node', async () => {
    const { items } = await get<{ items: readonly { metadata: { name: string } }[] }>('nodes');
    const others = items.map(({ metadata }) => metadata.name).filter((name) => name !== targetNode);
    expect(others.length).toBeGreaterThan(1);
    for (const name of others) expect(await reachAllFrom(`container:${name}`, both), name).toEqual(kept);
  });

  test('by a machine beside the cluster that knows the way to pods', async () => {
    expect(await reachAllFrom(outside.network, both)).toEqual(kept);
  });

  test('by ports of the nodes', async () => {
    type Service = { readonly spec: { readonly type: string } };
    const { items } = await get<{ items: readonly Service[] }>('-n', treasury.namespace, 'services');
    expect(items.map(({ spec }) => spec.type)).toEqual(['ClusterIP', 'ClusterIP', 'ClusterIP']);
    for (const address of await nodeAddresses())
      expect(await reachAllFrom(outside.network, portsOf(address)), address).toEqual({
        sign: 'refused',
        peer: 'refused',
        metrics: 'refused',
      });
  });
});

const nodeAddresses = async (): Promise<readonly string[]> => {
  type Node = { readonly status: { readonly addresses: readonly { type: string; address: string }[] } };
  const { items } = await get<{ items: readonly Node[] }>('nodes');
  return items.flatMap(({ status }) =>
    status.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address),
  );
};

describe('a signer reaches', () => {
  test('name servers, by which it finds its peers, and these', async () => {
    const name = `treasury-backup.${treasury.namespace}.svc`;
    const look = `require('node:dns').lookup('${name}', (error, ip) => console.log(error ?? ip))`;
    const { spec } = await get<{ spec: { clusterIP: string } }>('-n', treasury.namespace, 'service', 'treasury-backup');
    const said = await treasury.kubectl('exec', 'treasury-client-0', '--', node, '-e', look);
    expect(said.trim()).toBe(spec.clusterIP);
    const peers: Targets = Object.fromEntries(
      await Promise.all(
        ['infrastructure', 'backup'].map(async (holder) => [
          holder,
          { address: await addressOf(treasury.namespace, `treasury-${holder}-0`), port: peer },
        ]),
      ),
    );
    expect(await reachAll(treasury.namespace, 'treasury-client-0', peers)).toEqual({
      infrastructure: 'open',
      backup: 'open',
    });
  });

  test('nothing else: no API server, no kubelet, no other pod, nothing outside', async () => {
    const { spec } = await get<{ spec: { clusterIP: string } }>('-n', 'default', 'service', 'kubernetes');
    const nodes = await nodeAddresses();
    const [dns] = await pods('kube-system', 'k8s-app=kube-dns');
    const forbidden: Targets = {
      'the API server': { address: spec.clusterIP, port: 443 },
      ...Object.fromEntries(nodes.map((address, i) => [`kubelet ${i}`, { address, port: 10_250 }])),
      "a name server's metrics": { address: dns?.status.podIP ?? '', port: 9153 },
      "another wallet's peer": { address: await addressOf(other.namespace, 'treasury-client-0'), port: peer },
      'any pod': { address: both['free peer']?.address ?? '', port: peer },
      'a machine outside': { address: await outside.address(), port: outsidePort },
    };
    const words = (word: string): object => Object.fromEntries(Object.keys(forbidden).map((name) => [name, word]));
    // By one whom no policy is about, all but the other wallet's.
    expect(await reachAll(other.namespace, 'as-api', forbidden)).toEqual({
      ...words('open'),
      "another wallet's peer": 'silent',
    });
    for (const holder of ['infrastructure', 'client', 'backup'])
      expect(await reachAll(treasury.namespace, `treasury-${holder}-0`, forbidden), holder).toEqual(words('silent'));
  });
});

describe("a signer's account", () => {
  test('may do what everybody may, which is to look at itself', async () => {
    const accounts = (await pods(treasury.namespace, 'app.kubernetes.io/component=signer')).map(
      ({ spec }) => spec.serviceAccountName,
    );
    expect(new Set(accounts).size).toBe(3);
    for (const account of accounts) {
      const as = `--as=system:serviceaccount:${treasury.namespace}:${account}`;
      const groups = ['system:serviceaccounts', `system:serviceaccounts:${treasury.namespace}`, 'system:authenticated'];
      const list = await treasury.kubectl(
        ...['auth', 'can-i', '--list', '--no-headers', as, ...groups.map((group) => `--as-group=${group}`)],
      );
      const resources = list.split('\n').flatMap((line) => /^([^\s[]+)/.exec(line)?.[1] ?? []);
      expect(resources.toSorted(), account).toEqual([
        'selfsubjectaccessreviews.authorization.k8s.io',
        'selfsubjectreviews.authentication.k8s.io',
        'selfsubjectrulesreviews.authorization.k8s.io',
      ]);
      // What is no resource can be read only.
      expect(list).not.toMatch(/\[\/[^\]]*\].*\[.*(?:post|put|patch|delete|\*).*\]$/m);
    }
  });

  test('has no token in its pod', async () => {
    const look = `console.log(require('node:fs').existsSync('/var/run/secrets/kubernetes.io'))`;
    const finds = async (namespace: string, pod: string): Promise<string> =>
      (await kubectl('-n', namespace, 'exec', pod, '--', node, '-e', look)).trim();
    expect(await finds(treasury.namespace, 'bystander')).toBe('true');
    for (const holder of ['infrastructure', 'client', 'backup'])
      expect(await finds(treasury.namespace, `treasury-${holder}-0`), holder).toBe('false');
  });
});
