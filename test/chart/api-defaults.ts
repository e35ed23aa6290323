import type { Json } from './admission-policy.ts';

type Fields = { [name: string]: Json };
type Container = Fields & { volumeMounts?: Fields[] };

/**
 * A StatefulSet as an API server shows it to admission: with the defaults of apps/v1 filled in, those that
 * Kubernetes 1.34 fills in for the fields that a signer's template has and lacks.
 */
export function withDefaults(statefulSet: Json): Json {
  const copy = structuredClone(statefulSet) as {
    metadata: Fields;
    spec: Fields & {
      template: { metadata: Fields; spec: Fields & { containers: Container[]; initContainers?: Container[] } };
    };
  };
  const { spec } = copy.spec.template;
  copy.metadata['creationTimestamp'] ??= '2026-11-01T00:00:00Z';
  copy.spec['persistentVolumeClaimRetentionPolicy'] ??= { whenDeleted: 'Retain', whenScaled: 'Retain' };
  copy.spec['updateStrategy'] = { rollingUpdate: { partition: 0 }, ...(copy.spec['updateStrategy'] as Fields) };
  spec['restartPolicy'] ??= 'Always';
  spec['dnsPolicy'] ??= 'ClusterFirst';
  spec['schedulerName'] ??= 'default-scheduler';
  spec['serviceAccount'] ??= spec['serviceAccountName'] ?? null;
  for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
    container['terminationMessagePath'] ??= '/dev/termination-log';
    for (const name of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      const probe = container[name] as Fields | undefined;
      if (probe === undefined) continue;
      container[name] = {
        timeoutSeconds: 1,
        successThreshold: 1,
        failureThreshold: 3,
        ...probe,
        ...(probe['httpGet'] !== undefined && { httpGet: { scheme: 'HTTP', ...(probe['httpGet'] as Fields) } }),
      };
    }
  }
  return copy;
}
