import { beforeAll, describe, expect, inject, test } from 'vitest';
import { apply, get, kubectl } from './kubectl.ts';

/*
 * What the other tests take for granted of a cluster. Where NetworkPolicies did nothing, tests of isolation could not fail.
 */

const namespace = `network-${process.pid}`;
const node = '/usr/local/bin/node';
const port = 8080;

const serve = `require('node:net').createServer((socket) => socket.end()).listen(${port})`;
/** Prints what becomes of one connection to an address: open, refused, or silent where packets are dropped. */
const connect = (address: string): string => `
  const socket = require('node:net').connect(${port}, '${address}');
  const say = (word) => { console.log(word); process.exit(); };
  socket.on('connect', () => say('open')).on('error', ({ code }) => say(code === 'ECONNREFUSED' ? 'refused' : code));
  setTimeout(() => say('silent'), 2000);`;

const pod = (name: string, nodeName: string, script: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { app: name } },
  spec: {
    nodeName,
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'node',
        image: inject('images').signer,
        command: [node, '-e', script],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
      },
    ],
  },
});

const policy = (name: string, spec: object): object => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace },
  spec,
});

const addressOf = async (name: string): Promise<string> =>
  (await get<{ status: { podIP: string } }>('-n', namespace, 'pod', name)).status.podIP;

/** What becomes of a connection from a pod that has long been there. */
const reach = async (from: string, to: string): Promise<string> =>
  (await kubectl('-n', namespace, 'exec', from, '--', node, '-e', connect(await addressOf(to)))).trim();

/** What becomes of the first connection of a new pod. */
async function reachAtOnce(name: string, nodeName: string, to: string): Promise<string> {
  await apply(pod(name, nodeName, connect(await addressOf(to))));
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
    await apply(pod('server', first, serve));
    await apply(pod('near', first, serve));
    await apply(pod('far', second, serve));
    await kubectl('-n', namespace, 'wait', 'pods', '--all', '--for=condition=Ready', '--timeout=60s');
  });

  test('reaches the others as long as no policy is there, from its first packet on', async () => {
    await expect.poll(() => reach('near', 'server')).toBe('open');
    await expect.poll(() => reach('far', 'server')).toBe('open');
    expect(await reachAtOnce('early', near, 'far')).toBe('open');
  });

  test('finds names', async () => {
    const look = `require('node:dns').lookup('kubernetes.default.svc.cluster.local', (error, ip) => console.log(error ?? ip))`;
    const { spec } = await get<{ spec: { clusterIP: string } }>('-n', 'default', 'service', 'kubernetes');
    expect((await kubectl('-n', namespace, 'exec', 'near', '--', node, '-e', look)).trim()).toBe(spec.clusterIP);
  });

  test('reaches none that a policy isolates, on its own node or another, from its first packet on', async () => {
    await apply(policy('nobody', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }));
    await expect.poll(() => reach('near', 'server')).toBe('silent');
    await expect.poll(() => reach('far', 'server')).toBe('silent');
    for (const name of ['first', 'second', 'third']) expect(await reachAtOnce(name, near, 'far')).toBe('silent');
  });

  test('reaches the ports that a policy allows it and its peer', async () => {
    const far = { podSelector: { matchLabels: { app: 'far' } } };
    const server = { podSelector: { matchLabels: { app: 'server' } } };
    await apply(policy('into', { ...server, policyTypes: ['Ingress'], ingress: [{ from: [far], ports: [{ port }] }] }));
    await apply(policy('out', { ...far, policyTypes: ['Egress'], egress: [{ to: [server], ports: [{ port }] }] }));
    await expect.poll(() => reach('far', 'server')).toBe('open');
    expect(await reach('near', 'server')).toBe('silent');
    expect(await reach('server', 'far')).toBe('silent');
  });
});
