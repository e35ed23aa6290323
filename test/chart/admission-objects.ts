import { signerObjects } from '../../operator/fleet/kubernetes/signer-objects.ts';
import { facts, pkcs11 } from '../../operator/fleet/kubernetes/testing/facts.ts';
import { walletConnectionMap, walletDisruptionBudget } from '../../operator/fleet/kubernetes/wallet-objects.ts';
import { missingSigners } from '../../operator/signer/holder-signers.ts';
import { aPolicy, aSigner, aWallet } from '../../operator/testing/objects.ts';
import { loadCases } from '../cases/load.ts';
import type { Json } from '../cases/load.ts';

/** An object and where a server serves its kind. A server takes each as it stands. */
export type AdmissionObject = {
  readonly apiVersion: string;
  readonly resource: string;
  readonly object: Json;
  /** In no namespace. */
  readonly ofCluster?: true;
};

const plain = (object: unknown): Json => JSON.parse(JSON.stringify(object)) as Json;
const wallet = aWallet();

const of = (resource: string, object: unknown): AdmissionObject => {
  const { apiVersion } = object as { readonly apiVersion: string };
  return { apiVersion, resource, object: plain(object) };
};
const signers = (resource: string, kind: string, over: Parameters<typeof facts>[0] = {}): AdmissionObject =>
  of(
    resource,
    signerObjects(facts(over)).find((object) => object.kind === kind),
  );
const other = (resource: string, apiVersion: string, kind: string, rest: object = {}): AdmissionObject =>
  of(resource, { apiVersion, kind, metadata: { namespace: 'payments', name: 'x' }, ...rest });

/** A pod as restricted namespaces take it, that no scheduler looks at. */
const podSpec = {
  schedulerName: 'none',
  securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
  containers: [
    {
      name: 'x',
      image: 'registry.example/x',
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    },
  ],
};
const template = { metadata: { labels: { app: 'x' } }, spec: podSpec };

/** What the cases of admission.yaml start from, by the names that they give them. */
export const admissionObjects: Readonly<Record<string, AdmissionObject>> = {
  StatefulSet: signers('statefulsets', 'StatefulSet'),
  'StatefulSet with HSM': signers('statefulsets', 'StatefulSet', { spec: { seal: { pkcs11 } } }),
  ServiceAccount: signers('serviceaccounts', 'ServiceAccount'),
  Service: signers('services', 'Service'),
  NetworkPolicy: signers('networkpolicies', 'NetworkPolicy'),
  PersistentVolumeClaim: signers('persistentvolumeclaims', 'PersistentVolumeClaim'),
  PodDisruptionBudget: of('poddisruptionbudgets', walletDisruptionBudget(wallet, 'payments', [aSigner('client')])),
  ConfigMap: of(
    'configmaps',
    walletConnectionMap(wallet, {
      wallet: 'payments/treasury',
      genesis: '',
      holders: [],
      genesisStatement: '',
      certificates: [],
    }),
  ),
  Wallet: of('wallets', wallet),
  Signer: of('signers', missingSigners(wallet, []).write[0]),
  SigningPolicy: of('signingpolicies', aPolicy()),
  SigningRequest: of('signingrequests', loadCases('signing-request')[0]?.object),
  Approval: of('approvals', loadCases('approval')[0]?.object),
  Pod: other('pods', 'v1', 'Pod', { spec: podSpec }),
  Secret: of('secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'payments', name: 'treasury-seal', labels: { 'holdfast.dev/keeps': 'seal' } },
  }),
  Namespace: {
    ...of('namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'payments', labels: { 'holdfast.dev/keeps': 'shares' } },
    }),
    ofCluster: true,
  },
  // Kubernetes has a resource of this name too.
  CertificateSigner: {
    ...of('signers', {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'Signer',
      metadata: { name: 'x', labels: { 'app.kubernetes.io/managed-by': 'holdfast' } },
    }),
    ofCluster: true,
  },
  Deployment: other('deployments', 'apps/v1', 'Deployment', {
    spec: { selector: { matchLabels: { app: 'x' } }, template },
  }),
  Job: other('jobs', 'batch/v1', 'Job', {
    spec: { template: { ...template, spec: { ...podSpec, restartPolicy: 'Never' } } },
  }),
  Role: other('roles', 'rbac.authorization.k8s.io/v1', 'Role', { rules: [] }),
  CustomResourceDefinition: {
    ...of('customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'wallets.holdfast.dev' },
    }),
    ofCluster: true,
  },
};
