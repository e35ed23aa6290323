import { get, run } from './kubectl.ts';

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
 * Keeps a signer from everybody and everybody from it until what is resolved with is called, as a NetworkPolicy does that
 * isolates it: its node drops what it sends and is sent. By rules of the node's own, since the operator heals the policy
 * of a signer at once, and another policy could only allow more. The kubelet's probes go on.
 */
export async function partition(namespace: string, signer: string): Promise<() => Promise<unknown>> {
  const { spec, status } = await get<Pod>('-n', namespace, 'pod', `${signer}-0`);
  const [node = '', address = ''] = [spec.nodeName, status.podIP];
  const table = `inet apart_${address.replaceAll('.', '_')}`;
  const drop = `ip saddr ${address} drop; ip daddr ${address} drop;`;
  await onNode(node, `nft 'table ${table} { chain forward { type filter hook forward priority -10; ${drop} }; }'`);
  return () => onNode(node, `nft delete table ${table}`);
}
