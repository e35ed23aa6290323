import { messageOf } from '../../common/errors.ts';
import type { Clock } from '../../common/clock.ts';
import { resourceType } from '../../operator/store/kubernetes/resource-type.ts';
import { readResource } from '../../operator/store/kubernetes/read-resource.ts';
import { labelSelector, managed } from '../../operator/fleet/kubernetes/signer-labels.ts';
import type { KubeClient } from '../../operator/runtime/kube-client.ts';
import { isNotFound, isRecord, KubeError } from '../../operator/runtime/kube-error.ts';
import { isStored, pathOf } from '../../operator/runtime/kube-object.ts';
import type { KubeObject, ResourceType } from '../../operator/runtime/kube-object.ts';
import { leaseType } from '../../operator/runtime/lease.ts';
import type { ClusterFacts, Lease, Named, Operator, Read } from './cluster.ts';

export type ClusterOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Where to look for what may not be listed everywhere. */
  readonly namespace: string | undefined;
  readonly signal: AbortSignal;
  /** Waits; a leader renews its Lease meanwhile. */
  readonly pause: (ms: number) => Promise<void>;
};

/** A leader renews its Lease about every two seconds. Milliseconds. */
const renewalMs = 6_000;
const requestMs = 10_000;

/** What is in no namespace. */
const clusterTypes = {
  definitions: {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
  },
  policies: {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    plural: 'validatingadmissionpolicies',
  },
  bindings: {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    plural: 'validatingadmissionpolicybindings',
  },
} as const satisfies Readonly<Record<string, ResourceType>>;

const types = {
  deployments: { apiVersion: 'apps/v1', kind: 'Deployment', plural: 'deployments' },
  networkPolicies: { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', plural: 'networkpolicies' },
  budgets: { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets' },
} as const satisfies Readonly<Record<string, ResourceType>>;

/** What the chart puts on the Deployment of an operator. */
export const operatorLabels = { 'app.kubernetes.io/part-of': 'holdfast', 'app.kubernetes.io/component': 'operator' };

/** Reads what {@link ClusterFacts} are of a cluster, and writes nothing. Never throws, but when `signal` aborts. */
export async function gatherCluster(options: ClusterOptions): Promise<ClusterFacts> {
  const { client, clock, namespace, signal } = options;
  const get = (path: string, query = {}): Promise<unknown> =>
    client.request({ path, query, signal, timeoutMs: requestMs });
  const tried = <T>(ask: () => Promise<T>): Promise<Read<T>> => attempt(ask, signal);
  const list = async (type: ResourceType, selector = ''): Promise<readonly KubeObject[]> => {
    const query = selector === '' ? {} : { labelSelector: selector };
    try {
      return itemsOf(await get(pathOf(type), query));
    } catch (error) {
      if (!isForbidden(error) || namespace === undefined || Object.values<ResourceType>(clusterTypes).includes(type))
        throw error;
      const here = itemsOf(await get(pathOf(type, { namespace }), query));
      // An operator may well be in another namespace.
      if (here.length === 0 && type === types.deployments) throw error;
      return here;
    }
  };

  // Where nobody answers, each further question would wait as long.
  const version = await tried(async () => textOf(recordOf(await get('/version'))['gitVersion']));
  if (version.kind === 'Failed') return { ...nothing(version), now: clock.now(), version };

  const ours = labelSelector(managed);
  const [kinds, operators, policies, wallets, signers, networkPolicies, budgets] = await Promise.all([
    tried(async () => new Map((await list(clusterTypes.definitions)).filter(isOurs).map(definitionFacts))),
    tried(async () => Promise.all((await list(types.deployments, labelSelector(operatorLabels))).map(operatorFacts))),
    tried(async () => {
      const [there, bound] = await Promise.all([list(clusterTypes.policies), list(clusterTypes.bindings)]);
      return { there: there.map(({ metadata }) => metadata.name), bound: bound.flatMap(boundBy) };
    }),
    tried(async () => (await list(resourceType('Wallet'))).map((object) => readResource('Wallet', object))),
    tried(async () => (await list(resourceType('Signer'))).map((object) => readResource('Signer', object))),
    tried(async () => (await list(types.networkPolicies, ours)).map(named)),
    tried(async () => (await list(types.budgets, ours)).map(named)),
  ]);
  return { now: clock.now(), version, kinds, operators, policies, wallets, signers, networkPolicies, budgets };

  async function operatorFacts(deployment: KubeObject): Promise<Operator> {
    const { namespace: of, name } = named(deployment);
    const conditions = recordOf(recordOf(deployment)['status'])['conditions'];
    const available = (Array.isArray(conditions) ? conditions : [])
      .map(recordOf)
      .find((condition) => condition['type'] === 'Available');
    return {
      ...named(deployment),
      available: available?.['status'] === 'True',
      message: textOf(available?.['message']) || 'its status does not say',
      lease: await tried(() => leaseFacts(pathOf(leaseType, { namespace: of, name }))),
    };
  }

  async function leaseFacts(path: string): Promise<Lease> {
    const lease = readLease(await get(path));
    // Fresh by the clock here, and not of a clock that is ahead: it lives.
    const age = clock.now() - lease.renewed;
    if (lease.holder === '' || (age >= 0 && age <= lease.durationMs)) return lease;
    await options.pause(renewalMs);
    return { ...lease, renewedAgain: readLease(await get(path)).renewed };
  }
}

const isForbidden = (error: unknown): boolean => error instanceof KubeError && error.status === 403;

async function attempt<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<Read<T>> {
  try {
    return { kind: 'Read', value: await ask() };
  } catch (error) {
    signal.throwIfAborted();
    const message = messageOf(error);
    if (isForbidden(error)) return { kind: 'Forbidden', message };
    return { kind: isNotFound(error) ? 'Missing' : 'Failed', message };
  }
}

const nothing = (read: Exclude<Read<never>, { readonly kind: 'Read' }>) => ({
  kinds: read,
  operators: read,
  policies: read,
  wallets: read,
  signers: read,
  networkPolicies: read,
  budgets: read,
});

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const recordOf = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {});

function itemsOf(answer: unknown): readonly KubeObject[] {
  const { items } = recordOf(answer);
  if (!Array.isArray(items) || !items.every(isStored)) throw new Error('the answer is no list of objects');
  return items;
}

const named = ({ metadata: { namespace = '', name, labels = {} } }: KubeObject): Named => ({ namespace, name, labels });

const ourGroup = '.holdfast.dev';
const isOurs = ({ metadata: { name } }: KubeObject): boolean => name.endsWith(ourGroup);

function definitionFacts(definition: KubeObject) {
  const { versions } = recordOf(recordOf(definition)['spec']);
  const served = (Array.isArray(versions) ? versions : [])
    .map(recordOf)
    .filter((version) => version['served'] === true)
    .map(({ name }) => textOf(name));
  const { name, labels = {} } = definition.metadata;
  return [name.slice(0, -ourGroup.length), { served, version: labels['app.kubernetes.io/version'] ?? '' }] as const;
}

const boundBy = (binding: KubeObject): readonly string[] => {
  const { policyName, validationActions } = recordOf(recordOf(binding)['spec']);
  return Array.isArray(validationActions) && validationActions.includes('Deny') ? [textOf(policyName)] : [];
};

function readLease(answer: unknown): Lease {
  const { holderIdentity, renewTime, leaseDurationSeconds } = recordOf(recordOf(answer)['spec']);
  const renewed = Date.parse(textOf(renewTime));
  return {
    holder: textOf(holderIdentity),
    renewed: Number.isFinite(renewed) ? renewed : 0,
    durationMs: (typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds : 0) * 1000,
  };
}
