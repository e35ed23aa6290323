import { beforeAll, describe, expect, test } from 'vitest';
import { apply, get, kubectl } from './kubectl.ts';
import { addressOf, connect, node, reach, scriptPod } from './probe.ts';

/*
 * What the other tests take for granted of a cluster. Where NetworkPolicies did nothing, tests of isolation could not fail.
 */

const namespace = `network-${process.pid}`;
const port = 8080;

const serve = `require('node:net').createServer((socket) => socket.end()).listen(${port})`;

const policy = (name: string, spec: object): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace },
  spec,
});

/** What becomes of a connection between pods that have long been there. */
const between = async (from: string, to: string): Promise<string> =>
  reach(namespace, from, await addressOf(namespace, to), port);

/** What becomes of the first connection of a new pod. */
async function reachAtOnce(name: string, nodeName: string, to: string): Promise<string> {
  await apply(scriptPod(namespace, name, connect(await addressOf(namespace, to), port), { nodeName }));
  await kubectl('-n', namespace, 'wait', `pod/${name}`, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s');
  return (await kubectl('-n', namespace, 'logs', name)).trim();
}

describe('a pod of this cluster', () => {
  let near: string;

  beforeAll(async () => {
    const { items } = await get<{ items: readonly { metadata: { name: string } }[] }>(
      ...['nodes', '-l', '!node-role.kubernetes.io/control-plane'],
    );
    const [first, second] = items.map(({ metadata }) => metadata.name);
    if (first === undefined || second === undefined) throw new Error('want two nodes besides the control plane');
    near = first;
    await kubectl('create', 'namespace', namespace);
    await kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
    await apply(scriptPod(namespace, 'server', serve, { nodeName: first }));
    await apply(scriptPod(namespace, 'near', serve, { nodeName: first }));
    await apply(scriptPod(namespace, 'far', serve, { nodeName: second }));
    await kubectl('-n', namespace, 'wait', 'pods', '--all', '--for=condition=Ready', '--timeout=60s');
  });

  test('reaches the others as long as no policy is there, from its first packet on', async () => {
    await expect.poll(() => between('near', 'server')).toBe('open');
    await expect.poll(() => between('far', 'server')).toBe('open');
    expect(await reachAtOnce('early', near, 'far')).toBe('open');
  });

  test('finds names', async () => {
    const look = `require('node:dns').lookup('kubernetes.default.svc.cluster.local', (error, ip) => console.log(error ?? ip))`;
    const { spec } = await get<{ spec: { clusterIP: string } }>('-n', 'default', 'service', 'kubernetes');
    expect((await kubectl('-n', namespace, 'exec', 'near', '--', node, '-e', look)).trim()).toBe(spec.clusterIP);
  });

  test('reaches none that a policy isolates, on its own node or another, from its first packet on', async () => {
    await apply(policy('nobody', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }));
    await expect.poll(() => between('near', 'server')).toBe('silent');
    await expect.poll(() => between('far', 'server')).toBe('silent');
    for (const name of ['first', 'second', 'third']) expect(await reachAtOnce(name, near, 'far')).toBe('silent');
  });

  test('reaches the ports that a policy allows it and its peer', async () => {
    const far = { podSelector: { matchLabels: { app: 'far' } } };
    const server = { podSelector: { matchLabels: { app: 'server' } } };
    await apply(policy('into', { ...server, policyTypes: ['Ingress'], ingress: [{ from: [far], ports: [{ port }] }] }));
    await apply(policy('out', { ...far, policyTypes: ['Egress'], egress: [{ to: [server], ports: [{ port }] }] }));
    await expect.poll(() => between('far', 'server')).toBe('open');
    expect(await between('near', 'server')).toBe('silent');
    expect(await between('server', 'far')).toBe('silent');
  });
});
