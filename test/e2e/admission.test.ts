import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { messageOf } from '../../common/errors.ts';
import type { KubeClient } from '../../operator/runtime/kube-client.ts';
import { isNotFound } from '../../operator/runtime/kube-error.ts';
import { pathOf } from '../../operator/runtime/kube-object.ts';
import { mergePatch, mergePatchFor } from '../cases/load.ts';
import { admissionCases, groups } from '../chart/admission-cases.ts';
import type { AdmissionCase } from '../chart/admission-cases.ts';
import { operator, policiesOf, policyObjects } from '../chart/admission-policies.ts';
import { refusals } from '../chart/admission-policy.ts';
import type { Json } from '../chart/admission-policy.ts';
import { adminClient, clientNamed, clientOf } from './api.ts';
import { scaleOperator } from './chart.ts';
import { apply, get, holderNamespace, kubectl } from './kubectl.ts';

/*
 * The table of what admission lets through and refuses, put to the API server: the policies are those of the chart, for the
 * operator of a second release whose account has every right there is, so that nothing else refuses. Those that keep shares
 * are the installed ones. Nothing but what has to be there before a case is written: the rest are dry runs.
 */

const admin = adminClient();
const clients = new Map<string, KubeClient>();
let marked: string;
let unmarked: string;

const [, , release = '', account = ''] = operator.split(':');
const genesis = `sha256:${'2'.repeat(64)}`;

beforeAll(async () => {
  // It would act on the Wallets that are there before a case.
  await scaleOperator(0);
  marked = await holderNamespace('admission');
  unmarked = `${marked}-unmarked`;
  await kubectl('create', 'namespace', unmarked);
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: release } });
  await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account, namespace: release } });
  await apply({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: `${release}-has-every-right` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: release }],
  });
  clients.set(operator, clientOf((await kubectl('-n', release, 'create', 'token', account)).trim()));
  for (const object of policyObjects().filter(isOfRelease)) await apply(object);
  // A policy is in force some moments after it is written.
  for (const group of ['pods', 'objects', 'never'] as const) {
    const refused = admissionCases(group, operator).find(
      (one) => one.refused !== undefined && one.server === undefined,
    );
    if (refused === undefined) throw new Error(`no case of ${group} is refused`);
    await vi.waitUntil(async () => (await verdict(refused)) !== '', { timeout: 60_000, interval: 500 });
  }
});

afterAll(async () => {
  await scaleOperator(1);
  const policies = policyObjects()
    .filter(isOfRelease)
    .map(({ kind, metadata }) => `${kind}/${metadata.name}`);
  await kubectl('delete', '--ignore-not-found', ...policies, `clusterrolebinding/${release}-has-every-right`);
  await kubectl('annotate', 'namespace', marked, `holdfast.dev/destroy=${genesis}`);
  await kubectl(
    'delete',
    '--ignore-not-found',
    '--wait=false',
    ...[marked, unmarked, release].map((n) => `namespace/${n}`),
  );
  for (const client of [admin, ...clients.values()]) client.close();
});

const isOfRelease = ({ kind, metadata }: { kind: string; metadata: { name: string } }): boolean =>
  kind.startsWith('ValidatingAdmissionPolicy') && metadata.name.includes(`.${release}.`);

function clientFor(user: string): KubeClient {
  const client = clients.get(user) ?? clientNamed(user);
  clients.set(user, client);
  return client;
}

/** What the API server says against a case; nothing where it takes it. */
async function verdict(one: AdmissionCase): Promise<string> {
  const { review, sent, old } = one;
  const namespace = 'holdfast.dev/keeps' in labelsOf(review.namespaceObject) ? marked : unmarked;
  const [, subresource] = review.resource.split('/');
  const type = { apiVersion: sent.apiVersion, kind: '', plural: sent.resource };
  const name = sent.resource === 'namespaces' ? (marksOf(old) ? marked : unmarked) : nameOf(old);
  const all = { ...(sent.ofCluster !== true && { namespace }) };
  const path = pathOf(type, { ...all, name, ...(subresource !== undefined && { subresource }) });
  const query = { dryRun: 'All' };
  const client = clientFor(review.user);

  const ask = async (): Promise<unknown> => {
    switch (review.operation) {
      case 'CREATE':
        return subresource === undefined
          ? client.request({ method: 'POST', path: pathOf(type, all), query, body: placed(sent.object, namespace) })
          : client.request({ method: 'POST', path, query, body: bodies[subresource]?.(name) });
      case 'CONNECT':
        return client.request({ method: 'POST', path, query: { command: 'true', stdout: true } });
      case 'UPDATE':
        return client.request({
          method: 'PATCH',
          path,
          query,
          contentType: 'application/merge-patch+json',
          body: mergePatchFor(old, sent.object),
        });
      case 'DELETE':
        return client.request({ method: 'DELETE', path, query });
    }
  };
  // A namespace is deleted for good, and kinds are the chart's: these are there anyhow.
  const stands = ['namespaces', 'customresourcedefinitions'].includes(sent.resource);
  const needsOld = !stands && (review.operation !== 'CREATE' || subresource !== undefined);
  const object = { path: pathOf(type, { ...all, name }), list: pathOf(type, all) };
  try {
    if (needsOld) await put(object, mergePatch(placed(old, namespace), { metadata: { ownerReferences: null } }));
    await ask();
    return '';
  } catch (error) {
    return messageOf(error);
  } finally {
    if (needsOld) await remove(object.path);
  }
}

const bodies: Readonly<Record<string, (name: string) => object>> = {
  token: () => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} }),
  eviction: (name) => ({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } }),
};

type Meta = { readonly metadata?: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> } };
const labelsOf = (object: Json | undefined): Readonly<Record<string, string>> =>
  (object as Meta).metadata?.labels ?? {};
const nameOf = (object: Json): string => (object as Meta).metadata?.name ?? '';
const marksOf = (object: Json): boolean => 'holdfast.dev/keeps' in labelsOf(object);

/** In a namespace of the test, and as somebody writes it who has not read it from a server. */
const placed = (object: Json, namespace: string): Json =>
  mergePatch(object, { metadata: { namespace, uid: null, generation: null, creationTimestamp: null } });

async function put({ path, list }: { readonly path: string; readonly list: string }, object: Json): Promise<void> {
  await admin.request({ method: 'POST', path: list, body: object });
  const { status } = object as { readonly status?: Json };
  if (status === undefined) return;
  const contentType = 'application/merge-patch+json';
  await admin.request({ method: 'PATCH', path: `${path}/status`, contentType, body: { status } });
}

/** Deleted with consent, and gone. */
async function remove(path: string): Promise<void> {
  const found = (): Promise<unknown> =>
    admin.request({ path }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  if ((await found()) === undefined) return;
  await admin.request({
    method: 'PATCH',
    path,
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations: { 'holdfast.dev/destroy': genesis } } },
  });
  await admin.request({ method: 'DELETE', path, query: { gracePeriodSeconds: 0 } });
  await vi.waitUntil(async () => (await found()) === undefined, { timeout: 60_000, interval: 50 });
}

test('the token is that of the operator whom the policies are about', async () => {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const answer = await clientFor(operator).request({ method: 'POST', path, body: review });
  expect(answer).toMatchObject({ status: { userInfo: { username: operator } } });
});

test('the API server has nothing to say of the policies themselves', async () => {
  type Policies = { items: { metadata: { name: string; generation: number }; status?: Checked }[] };
  type Checked = { observedGeneration?: number; typeChecking?: { expressionWarnings?: unknown } };
  const read = async (): Promise<Policies['items']> =>
    (await get<Policies>('validatingadmissionpolicies')).items.filter(({ metadata: { name } }) =>
      name.startsWith('holdfast.'),
    );
  await expect
    .poll(async () => (await read()).filter((p) => p.status?.observedGeneration !== p.metadata.generation))
    .toEqual([]);
  for (const { metadata, status } of await read())
    expect(status?.typeChecking?.expressionWarnings, metadata.name).toBeUndefined();
});

describe.each(groups)('admission of %s by the API server', (group) => {
  test.each(admissionCases(group, operator))('$name', async (one) => {
    const said = await verdict(one);
    if (one.server !== undefined) return expect(said).toContain(one.server);
    if (one.refused === undefined) return expect(said).toBe('');
    // Of several validations that refuse, of whichever policy, it names one.
    const words = groups.flatMap(policiesOf).flatMap((policy) => refusals(policy, one.review));
    expect(words).toContain(/denied request: (.*)$/s.exec(said)?.[1] ?? said);
  });
});
