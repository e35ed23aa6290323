import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { signerObjects } from '../../operator/fleet/kubernetes/signer-objects.ts';
import { facts, pkcs11 } from '../../operator/fleet/kubernetes/testing/facts.ts';
import { walletConnectionMap, walletDisruptionBudget } from '../../operator/fleet/kubernetes/wallet-objects.ts';
import { missingSigners } from '../../operator/signer/holder-signers.ts';
import { aSigner, aWallet } from '../../operator/testing/objects.ts';
import type { Json, Review } from './admission-policy.ts';
import { withDefaults } from './api-defaults.ts';

export const groups = ['pods', 'objects', 'never', 'shares'] as const;

type Changes = Readonly<Record<string, Json>>;
type Written = {
  readonly name: string;
  readonly object: string;
  readonly operation?: Review['operation'];
  readonly resource?: string;
  readonly user?: string;
  readonly set?: Changes;
  readonly old?: Changes;
  /** Labels of the object's namespace. */
  readonly namespace?: Readonly<Record<string, string>>;
  readonly refused?: string;
};
export type AdmissionCase = { readonly name: string; readonly review: Review; readonly refused: string | undefined };

/** The table of cases for an operator of this name. */
export function admissionCases(group: (typeof groups)[number], operator: string): readonly AdmissionCase[] {
  const table = parse(readFileSync(new URL('../cases/admission.yaml', import.meta.url), 'utf8')) as Record<
    string,
    readonly Written[]
  >;
  return (table[group] ?? []).map(
    ({ name, object, operation = 'CREATE', resource, user, set, old, namespace, refused }) => {
      const base = bases[object];
      if (base === undefined) throw new Error(`${name}: there is no object ${object}`);
      const before = changed(base.object, old);
      return {
        name,
        refused,
        review: {
          operation,
          group: base.group,
          resource: resource ?? base.resource,
          user: user ?? operator,
          ...(operation !== 'DELETE' && operation !== 'CONNECT' && { object: changed(base.object, set) }),
          ...((operation === 'UPDATE' || operation === 'DELETE') && { oldObject: before }),
          namespaceObject: { metadata: { labels: namespace ?? { 'holdfast.dev/keeps': 'shares' } } },
        },
      };
    },
  );
}

type Base = { readonly group: string; readonly resource: string; readonly object: Json };

const plain = (object: unknown): Json => JSON.parse(JSON.stringify(object)) as Json;
const made = (kind: string, over: Parameters<typeof facts>[0] = {}): Json =>
  plain(signerObjects(facts(over)).find((object) => object.kind === kind));
const bare = (kind: string): Json => ({ kind, metadata: { namespace: 'payments', name: 'x' } });
const wallet = aWallet();

/** Objects as admission sees them. */
const bases: Readonly<Record<string, Base>> = {
  StatefulSet: { group: 'apps', resource: 'statefulsets', object: withDefaults(made('StatefulSet')) },
  'StatefulSet with HSM': {
    group: 'apps',
    resource: 'statefulsets',
    object: withDefaults(made('StatefulSet', { spec: { seal: { pkcs11 } } })),
  },
  ServiceAccount: { group: '', resource: 'serviceaccounts', object: made('ServiceAccount') },
  Service: { group: '', resource: 'services', object: made('Service') },
  NetworkPolicy: { group: 'networking.k8s.io', resource: 'networkpolicies', object: made('NetworkPolicy') },
  PersistentVolumeClaim: { group: '', resource: 'persistentvolumeclaims', object: made('PersistentVolumeClaim') },
  PodDisruptionBudget: {
    group: 'policy',
    resource: 'poddisruptionbudgets',
    object: plain(walletDisruptionBudget(wallet, 'payments', [aSigner('client')])),
  },
  ConfigMap: {
    group: '',
    resource: 'configmaps',
    object: plain(
      walletConnectionMap(wallet, {
        wallet: 'payments/treasury',
        genesis: '',
        holders: [],
        genesisStatement: '',
        certificates: [],
      }),
    ),
  },
  Wallet: { group: 'holdfast.dev', resource: 'wallets', object: plain(wallet) },
  Signer: { group: 'holdfast.dev', resource: 'signers', object: plain(missingSigners(wallet, []).write[0]) },
  SigningPolicy: { group: 'holdfast.dev', resource: 'signingpolicies', object: bare('SigningPolicy') },
  SigningRequest: { group: 'holdfast.dev', resource: 'signingrequests', object: bare('SigningRequest') },
  Approval: { group: 'holdfast.dev', resource: 'approvals', object: bare('Approval') },
  Pod: { group: '', resource: 'pods', object: bare('Pod') },
  Secret: {
    group: '',
    resource: 'secrets',
    object: { kind: 'Secret', metadata: { name: 'treasury-seal', labels: { 'holdfast.dev/keeps': 'seal' } } },
  },
  Namespace: {
    group: '',
    resource: 'namespaces',
    object: { kind: 'Namespace', metadata: { name: 'payments', labels: { 'holdfast.dev/keeps': 'shares' } } },
  },
  // Kubernetes has a resource of this name too.
  CertificateSigner: {
    group: 'certificates.k8s.io',
    resource: 'signers',
    object: { kind: 'Signer', metadata: { name: 'x', labels: { 'app.kubernetes.io/managed-by': 'holdfast' } } },
  },
  Deployment: { group: 'apps', resource: 'deployments', object: bare('Deployment') },
  Job: { group: 'batch', resource: 'jobs', object: bare('Job') },
  Role: { group: 'rbac.authorization.k8s.io', resource: 'roles', object: bare('Role') },
  CustomResourceDefinition: {
    group: 'apiextensions.k8s.io',
    resource: 'customresourcedefinitions',
    object: bare('CustomResourceDefinition'),
  },
};

/** A copy with values at paths like `spec.containers[0].image`; `~1` is a dot within a name, null removes. */
function changed(object: Json, changes: Changes = {}): Json {
  const copy = structuredClone(object);
  for (const [path, value] of Object.entries(changes)) {
    const steps = path
      .split(/[.[\]]+/)
      .filter((step) => step !== '')
      .map((step) => step.replaceAll('~1', '.'));
    let at = copy as Record<string, Json>;
    for (const step of steps.slice(0, -1)) at = (at[step] ??= {}) as Record<string, Json>;
    const last = steps.at(-1) ?? '';
    if (value === null && Array.isArray(at)) at.splice(Number(last), 1);
    else if (value === null) delete at[last];
    else at[last] = value;
  }
  return copy;
}
