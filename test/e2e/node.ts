import { signerPorts } from '../../operator/fleet/kubernetes/pod-layout.ts';
import { get, kubectl, run } from './kubectl.ts';
import { addressOf, reach } from './probe.ts';

/*
 * What happens to machines: kind's nodes are containers of their names.
 */

/** A shell's command on a node, as root. */
export const onNode = async (node: string, command: string): Promise<string> =>
  run('docker', ['exec', node, 'sh', '-c', command]);

type Pod = {
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly podIP?: string;
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
};
type ContainerStatus = { readonly name: string; readonly containerID?: string };

/** A process that runs in a pod, to be killed at once: asking where it is takes longer than what is to be interrupted. */
export type Victim = { readonly node: string; readonly container: string };

export async function victim(namespace: string, pod: string, name: string): Promise<Victim> {
  const { spec, status } = await get<Pod>('-n', namespace, 'pod', pod);
  const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  const id = statuses.find((each) => each.name === name)?.containerID;
  if (spec.nodeName === undefined || id === undefined)
    throw new Error(`${namespace}/${pod}: no container ${name} runs`);
  return { node: spec.nodeName, container: id.replace('containerd://', '') };
}

/** Ends a container's process as a crash does: without a word to it. Kubelet starts it again. */
export const kill = async ({ node, container }: Victim): Promise<unknown> =>
  onNode(node, `ctr --namespace k8s.io tasks kill --signal SIGKILL ${container}`);

export const workers = async (): Promise<readonly string[]> => {
  const { items } = await get<{ items: readonly { metadata: { name: string } }[] }>(
    ...['nodes', '-l', '!node-role.kubernetes.io/control-plane'],
  );
  return items.map(({ metadata }) => metadata.name);
};

export const controlPlane = async (): Promise<string> => {
  const { items } = await get<{ items: readonly { metadata: { name: string } }[] }>(
    ...['nodes', '-l', 'node-role.kubernetes.io/control-plane'],
  );
  const name = items[0]?.metadata.name;
  if (name === undefined) throw new Error('the cluster shows no node of its control plane');
  return name;
};

/**
 * Has NetworkPolicy keep a signer from everybody and everybody from it, until what is resolved with is called. Its own
 * policy is written over, since another one could only allow more, and the operator applies it again only where it should
 * say something else. Connections that are there outlive a policy: the signer's node is made to forget them.
 */
export async function partition(namespace: string, signer: string, peer: string): Promise<() => Promise<void>> {
  const policy = ['-n', namespace, 'networkpolicy', signer];
  const { spec } = await get<{ spec: object }>(...policy);
  const { spec: where, status } = await get<Pod>('-n', namespace, 'pod', `${signer}-0`);
  const write = (rules: object): Promise<string> =>
    kubectl('patch', ...policy, '--type=json', '-p', JSON.stringify([{ op: 'replace', path: '/spec', value: rules }]));
  await write({ ...spec, ingress: [], egress: [] });
  // What is forgotten before it is in force would only be let in again.
  const address = await addressOf(namespace, `${peer}-0`);
  const reaches = (): Promise<string> => reach(namespace, `${signer}-0`, address, signerPorts.peer);
  const until = Date.now() + 30_000;
  while ((await reaches()) !== 'silent')
    if (Date.now() > until) throw new Error(`${namespace}/${signer}: still reaches ${peer}, which its policy forbids`);
  const forget = ['--src', '--dst', '--reply-src', '--reply-dst'].map((side) => `conntrack -D ${side} ${status.podIP}`);
  await onNode(where.nodeName ?? '', `${forget.join('; ')}; true`);
  return async () => {
    await write(spec);
  };
}
