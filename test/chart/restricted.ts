type Fields = Readonly<Record<string, unknown>>;
type Confinement = {
  readonly allowPrivilegeEscalation?: boolean;
  readonly privileged?: boolean;
  readonly capabilities?: { readonly drop?: readonly string[]; readonly add?: readonly string[] };
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly seccompProfile?: { readonly type: string };
  readonly procMount?: string;
};
type Container = { readonly name: string; readonly securityContext?: Confinement; readonly ports?: readonly Fields[] };
export type PodSpec = Fields & {
  readonly securityContext?: Confinement & { readonly sysctls?: readonly unknown[] };
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Fields[];
};

const volumeKinds = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/** What Pod Security "restricted" has against a pod (Kubernetes documentation, Pod Security Standards). */
export function notRestricted(pod: PodSpec): readonly string[] {
  const problems: string[] = [];
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) if (pod[name] === true) problems.push(name);
  for (const volume of pod.volumes ?? [])
    for (const kind of Object.keys(volume))
      if (kind !== 'name' && !volumeKinds.includes(kind)) problems.push(`volume ${String(volume['name'])}: ${kind}`);
  if ((pod.securityContext?.sysctls ?? []).length > 0) problems.push('sysctls');
  for (const { name, securityContext: own = {}, ports = [] } of [...pod.containers, ...(pod.initContainers ?? [])]) {
    const either = { ...pod.securityContext, ...own };
    if (own.privileged === true) problems.push(`${name}: privileged`);
    if (own.allowPrivilegeEscalation !== false) problems.push(`${name}: allowPrivilegeEscalation`);
    if (own.capabilities?.drop?.includes('ALL') !== true) problems.push(`${name}: capabilities.drop`);
    if ((own.capabilities?.add ?? []).some((added) => added !== 'NET_BIND_SERVICE'))
      problems.push(`${name}: capabilities.add`);
    if (either.runAsNonRoot !== true) problems.push(`${name}: runAsNonRoot`);
    if (either.runAsUser === 0) problems.push(`${name}: runAsUser`);
    if (!['RuntimeDefault', 'Localhost'].includes(either.seccompProfile?.type ?? '')) problems.push(`${name}: seccomp`);
    if ((own.procMount ?? 'Default') !== 'Default') problems.push(`${name}: procMount`);
    if (ports.some((port) => 'hostPort' in port && port['hostPort'] !== 0)) problems.push(`${name}: hostPort`);
  }
  return problems;
}
