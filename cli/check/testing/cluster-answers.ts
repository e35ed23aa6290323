/** When the cluster's Lease was renewed, two seconds later. */
export const now = Date.parse('2026-11-27T12:00:00Z');

export const metadata = (name: string, namespace?: string, labels = {}) => ({
  name,
  uid: name,
  resourceVersion: '1',
  generation: 1,
  creationTimestamp: '2026-11-01T00:00:00Z',
  labels,
  ...(namespace !== undefined && { namespace }),
});
const crd = (plural: string, served: boolean) => ({
  metadata: metadata(plural, undefined, { 'app.kubernetes.io/version': '0.1.0' }),
  spec: { versions: [{ name: 'v1alpha1', served }] },
});
const deployment = {
  metadata: metadata('holdfast', 'holdfast'),
  status: {
    conditions: [
      { type: 'Progressing', status: 'True' },
      { type: 'Available', status: 'False', message: 'no pods' },
    ],
  },
};
export const leaseAt = (renewTime: string) => ({
  spec: { holderIdentity: 'pod_1', renewTime, leaseDurationSeconds: 15 },
});
export const items = (...list: readonly object[]) => ({ items: list });

export const group = '/apis/holdfast.dev/v1alpha1';
const admission = '/apis/admissionregistration.k8s.io/v1';
export const leasePath = '/apis/coordination.k8s.io/v1/namespaces/holdfast/leases/holdfast';
/** What an API server answers, by path: an operator that is not available, and a wallet of which little is known. */
export const answers: Readonly<Record<string, unknown>> = {
  '/version': { gitVersion: 'v1.31.2' },
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions': items(
    crd('wallets.holdfast.dev', true),
    crd('signers.holdfast.dev', false),
    crd('wallets.example.com', true),
  ),
  '/apis/apps/v1/deployments': items(deployment),
  [leasePath]: leaseAt('2026-11-27T11:59:58.000000Z'),
  [`${admission}/validatingadmissionpolicies`]: items({ metadata: metadata('holdfast.keep-shares') }),
  [`${admission}/validatingadmissionpolicybindings`]: items(
    { metadata: metadata('a'), spec: { policyName: 'holdfast.keep-shares', validationActions: ['Deny'] } },
    { metadata: metadata('b'), spec: { policyName: 'holdfast.keep-wallets', validationActions: ['Warn'] } },
  ),
  [`${group}/wallets`]: items({
    metadata: metadata('treasury', 'payments'),
    spec: { threshold: 2, holders: [], keys: [] },
  }),
  [`${group}/signers`]: items({
    metadata: metadata('treasury-client', 'payments'),
    spec: { walletRef: { namespace: 'payments', name: 'treasury', holder: 'client' } },
  }),
  '/apis/networking.k8s.io/v1/networkpolicies': items({ metadata: metadata('treasury-client', 'payments') }),
  '/apis/policy/v1/poddisruptionbudgets': items({ metadata: metadata('holdfast.payments.treasury', 'payments') }),
};
