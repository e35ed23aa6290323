import { formatTime } from '../../common/clock.ts';
import { version } from '../../common/version.ts';
import { definitionOf } from '../../operator/api/definition.ts';
import { apiVersion, kinds } from '../../operator/api/resource.ts';
import type { Signer, Wallet } from '../../operator/api/resource.ts';
import { oneLine } from '../one-line.ts';
import { counted } from './counted.ts';
import { docs } from './docs.ts';
import type { Doc } from './docs.ts';
import { error, note, ok, warning } from './finding.ts';
import type { Finding } from './finding.ts';

/** What the API server gave, or why it did not. Forbidden: the kubeconfig's user may not read it. */
export type Read<T> =
  | { readonly kind: 'Read'; readonly value: T }
  | { readonly kind: 'Forbidden' | 'Missing' | 'Failed'; readonly message: string };

/** A namespaced object of Kubernetes, as far as it is looked at. */
export type Named = {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
};

export type Operator = Named & {
  readonly available: boolean;
  /** Why it is not. */
  readonly message: string;
  /** Of its Lease, which has its name. */
  readonly lease: Read<Lease>;
};

/** Times in milliseconds; `renewedAgain` is `renewed` some seconds later, where one look did not tell whether it lives. */
export type Lease = {
  readonly holder: string;
  readonly renewed: number;
  readonly durationMs: number;
  readonly renewedAgain?: number;
};

export type ClusterFacts = {
  readonly now: number;
  /** Of the API server, as `v1.31.2`. */
  readonly version: Read<string>;
  /** Of our kinds, by plural: the versions served, and the version of the chart's application that made it, "" where it says none. */
  readonly kinds: Read<ReadonlyMap<string, { readonly served: readonly string[]; readonly version: string }>>;
  readonly operators: Read<readonly Operator[]>;
  /** Names of ValidatingAdmissionPolicies, and those of them that a binding binds. */
  readonly policies: Read<{ readonly there: readonly string[]; readonly bound: readonly string[] }>;
  readonly wallets: Read<readonly Wallet[]>;
  readonly signers: Read<readonly Signer[]>;
  readonly networkPolicies: Read<readonly Named[]>;
  readonly budgets: Read<readonly Named[]>;
};

const oldestKubernetes = 30;
/** As far as a signer lets the time of another be from its own. Milliseconds. */
const mostSkewMs = 60_000;

/** Whether what the chart installs is there and works. Wallets are looked at one by one besides. */
export function checkCluster(facts: ClusterFacts): readonly Finding[] {
  if (facts.version.kind === 'Failed')
    return [
      error('api', oneLine(facts.version.message), {
        mend: 'mend the kubeconfig or the way to the API server: kubectl version tells the same',
        docs: docs.api,
      }),
    ];
  return rightsTogether([
    ...checkVersion(facts.version),
    ...checkKinds(facts.kinds),
    ...checkOperators(facts),
    ...checkAdmission(facts),
    ...checkNetworkPolicies(facts),
    ...checkBudgets(facts),
    ...checkWallets(facts),
    ...checkSignerVersions(facts.wallets),
  ]);
}

/** What the user of the kubeconfig may not read is told of in one note. */
function rightsTogether(findings: readonly Finding[]): readonly Finding[] {
  const unseen = findings.filter(({ id }) => id === 'rights');
  if (unseen.length === 0) return findings;
  const names = unseen.map(({ what }) => what).join(', ');
  return [
    ...findings.filter(({ id }) => id !== 'rights'),
    note('rights', `not looked at, since the kubeconfig's user may not read them: ${names}`, {
      mend: 'nothing to do where somebody else looks after them',
      docs: docs.rights,
    }),
  ];
}

/** What cannot be read is no fault of the cluster where it is for want of rights, and else an error of the server's. */
function unread(id: string, what: string, read: Exclude<Read<never>, { readonly kind: 'Read' }>, doc: Doc): Finding {
  if (read.kind === 'Forbidden') return note('rights', what, { mend: '', docs: docs.rights });
  return error(id, `${what}: ${oneLine(read.message)}`, {
    mend: 'ask again; the message has the words of the server',
    docs: doc,
  });
}

function checkVersion(read: ClusterFacts['version']): readonly Finding[] {
  const id = 'kubernetes';
  if (read.kind !== 'Read') return [unread(id, 'version of Kubernetes', read, docs.kubernetes)];
  const [, major = 0, minor = 0] = /^v(\d+)\.(\d+)/.exec(read.value) ?? [];
  const version = oneLine(read.value);
  if (Number(major) > 1 || (Number(major) === 1 && Number(minor) >= oldestKubernetes))
    return [ok(id, `Kubernetes ${version}`)];
  return [
    error(id, `Kubernetes ${version}: want 1.${oldestKubernetes} or newer`, {
      mend: 'upgrade the cluster: older ones lack admission policies and native sidecars',
      docs: docs.kubernetes,
    }),
  ];
}

function checkKinds(read: ClusterFacts['kinds']): readonly Finding[] {
  const id = 'kinds';
  if (read.kind !== 'Read') return [unread(id, 'kinds', read, docs.kinds)];
  const [, served = ''] = apiVersion.split('/');
  const plurals = kinds.map((kind) => definitionOf(kind).names.plural);
  const missing = plurals.filter((plural) => read.value.get(plural)?.served.includes(served) !== true);
  if (missing.length > 0)
    return [
      error(id, `kinds: ${missing.join(', ')} not served as ${apiVersion}`, {
        mend: 'install or upgrade the chart, which brings them (crds.enabled)',
        docs: docs.kinds,
      }),
    ];
  const other = plurals.filter((plural) => ![version, ''].includes(read.value.get(plural)?.version ?? ''));
  if (other.length > 0)
    return [
      warning(id, `kinds: of version ${read.value.get(other[0] ?? '')?.version}, this command is ${version}`, {
        mend: 'upgrade the chart or the command, so that both are of one version',
        docs: docs.kinds,
      }),
    ];
  return [ok(id, `kinds: all ${plurals.length} served`)];
}

function checkOperators({ operators, now }: ClusterFacts): readonly Finding[] {
  const id = 'operator';
  if (operators.kind !== 'Read') return [unread(id, 'operator', operators, docs.operatorDown)];
  if (operators.value.length === 0)
    return [
      error(id, 'operator: there is no Deployment of one', {
        mend: 'install the chart: nothing is reconciled without; signing over gRPC goes on',
        docs: docs.operatorDown,
      }),
    ];
  return operators.value.flatMap((operator) => [
    operator.available
      ? ok(id, `operator ${operator.namespace}/${operator.name}: available`)
      : error(id, `operator ${operator.namespace}/${operator.name}: not available: ${oneLine(operator.message)}`, {
          mend: 'its events and log say why',
          run: `kubectl -n ${operator.namespace} describe pods`,
          docs: docs.operatorDown,
        }),
    ...checkLease(operator, now),
  ]);
}

function checkLease({ namespace, name, lease }: Operator, now: number): readonly Finding[] {
  const id = 'operator-lease';
  const what = `Lease ${namespace}/${name}`;
  if (lease.kind === 'Missing')
    return [
      error(id, `${what}: there is none, so no operator ever led`, {
        mend: 'its events and log say why',
        run: `kubectl -n ${namespace} logs deployment/${name}`,
        docs: docs.operatorDown,
      }),
    ];
  if (lease.kind !== 'Read') return [unread(id, what, lease, docs.operatorDown)];
  const { holder, renewed, durationMs, renewedAgain } = lease.value;
  // Another clock wrote it: only that it changes shows that somebody leads.
  const lives = holder !== '' && (renewedAgain === undefined ? now - renewed <= durationMs : renewedAgain > renewed);
  if (!lives)
    return [
      error(id, `${what}: ${holder === '' ? 'nobody leads' : `not renewed since ${formatTime(renewed)}`}`, {
        mend: 'its events and log say why',
        run: `kubectl -n ${namespace} logs deployment/${name}`,
        docs: docs.operatorDown,
      }),
    ];
  const skew = (renewedAgain ?? renewed) - now;
  if (Math.abs(skew) <= mostSkewMs) return [ok(id, `${what}: renewed by ${oneLine(holder.split('_')[0] ?? '')}`)];
  return [
    ok(id, `${what}: renewed by ${oneLine(holder.split('_')[0] ?? '')}`),
    warning('clock', `clock: the operator's is ${Math.round(skew / 1000)} s from the one here`, {
      mend: 'set both by NTP: signers refuse what is more than 60 s from their own time',
      docs: docs.clock,
    }),
  ];
}

/** The names of the chart's admission policies: its own for the cluster, and one of each for each operator. */
export const policiesOf = (operators: readonly Named[]): readonly string[] => [
  ...['keep-shares', 'keep-wallets', 'marked-namespaces'].map((policy) => `holdfast.${policy}`),
  ...operators.flatMap(({ name, namespace }) =>
    ['operator-objects', 'operator-never', 'operator-workloads'].map((policy) => `${name}.${namespace}.${policy}`),
  ),
];

function checkAdmission({ policies, operators }: ClusterFacts): readonly Finding[] {
  const id = 'admission';
  if (policies.kind !== 'Read') return [unread(id, 'admission policies', policies, docs.admission)];
  const wanted = policiesOf(operators.kind === 'Read' ? operators.value : []);
  const missing = wanted.filter((name) => !policies.value.there.includes(name));
  const unbound = wanted.filter((name) => !missing.includes(name) && !policies.value.bound.includes(name));
  if (missing.length + unbound.length === 0) return [ok(id, `admission: all ${wanted.length} policies are bound`)];
  const words = [
    ...(missing.length === 0 ? [] : [`there is no ${missing.join(', ')}`]),
    ...(unbound.length === 0 ? [] : [`no binding of ${unbound.join(', ')}`]),
  ];
  return [
    warning(id, `admission: ${words.join('; ')}`, {
      mend: "install them (admission.keepShares, admission.operator): shares can be deleted, or the operator's token run pods",
      docs: docs.admission,
    }),
  ];
}

const signerOf = ({ metadata, spec }: Signer): string =>
  `${metadata.namespace}/${metadata.name}${spec.external === undefined ? '' : ' (elsewhere)'}`;

function checkNetworkPolicies({ signers, networkPolicies }: ClusterFacts): readonly Finding[] {
  const id = 'network-policies';
  if (signers.kind !== 'Read') return [];
  if (networkPolicies.kind !== 'Read') return [unread(id, 'NetworkPolicies', networkPolicies, docs.networkPolicies)];
  const here = signers.value.filter(({ spec }) => spec.external === undefined);
  if (here.length === 0) return [];
  const open = here.filter(
    ({ metadata }) =>
      !networkPolicies.value.some(({ namespace, name }) => namespace === metadata.namespace && name === metadata.name),
  );
  return [
    open.length === 0
      ? ok(id, `NetworkPolicies: one for each of ${counted(here.length, 'signer')}`)
      : error(id, `NetworkPolicies: none for ${open.map(signerOf).join(', ')}`, {
          mend: 'an operator that runs writes it before the pod; look why it does not',
          docs: docs.networkPolicies,
        }),
    note('network-plugin', 'whether the network plugin enforces NetworkPolicies cannot be seen from here', {
      mend: 'try it once: the page has a command that says',
      docs: docs.networkPluginUnknown,
    }),
  ];
}

function checkBudgets({ wallets, signers, budgets }: ClusterFacts): readonly Finding[] {
  const id = 'disruption-budgets';
  if (wallets.kind !== 'Read' || signers.kind !== 'Read') return [];
  if (budgets.kind !== 'Read') return [unread(id, 'PodDisruptionBudgets', budgets, docs.disruptionBudgets)];
  const wanted = new Set(
    signers.value
      .filter(({ spec }) => spec.external === undefined)
      .filter(({ spec: { walletRef } }) =>
        wallets.value.some(
          ({ metadata }) => metadata.namespace === walletRef.namespace && metadata.name === walletRef.name,
        ),
      )
      .map(
        ({ metadata, spec: { walletRef } }) =>
          `${metadata.namespace}/holdfast.${walletRef.namespace}.${walletRef.name}`,
      ),
  );
  const there = new Set(budgets.value.map(({ namespace, name }) => `${namespace}/${name}`));
  const missing = [...wanted].filter((name) => !there.has(name));
  if (wanted.size === 0) return [];
  if (missing.length === 0) return [ok(id, `PodDisruptionBudgets: all ${wanted.size} are there`)];
  return [
    warning(id, `PodDisruptionBudgets: there is no ${missing.join(', ')}`, {
      mend: 'an operator that runs writes it; until then a drain may evict a quorum',
      docs: docs.disruptionBudgets,
    }),
  ];
}

function checkWallets({ wallets, signers }: ClusterFacts): readonly Finding[] {
  const id = 'wallets';
  // That a kind is not served is told of already.
  const unseen = [wallets, signers].find(({ kind }) => kind === 'Forbidden' || kind === 'Failed');
  if (unseen !== undefined && unseen.kind !== 'Read') return [unread(id, 'wallets and signers', unseen, docs.wallets)];
  if (wallets.kind !== 'Read' || signers.kind !== 'Read') return [];
  return [ok(id, `${counted(wallets.value.length, 'wallet')}, ${counted(signers.value.length, 'signer')}`)];
}

function checkSignerVersions(read: ClusterFacts['wallets']): readonly Finding[] {
  if (read.kind !== 'Read') return [];
  return read.value.flatMap(({ metadata, status }) => {
    const others = (status?.holders ?? []).filter((holder) => ![version, '', undefined].includes(holder.version));
    if (others.length === 0) return [];
    const said = others.map(({ name, version: its }) => `${name} ${oneLine(its ?? '')}`).join(', ');
    return [
      note('signer-version', `wallet ${metadata.namespace}/${metadata.name}: ${said}; this command is ${version}`, {
        mend: 'bring signers to one version, one at a time',
        docs: docs.signerVersion,
      }),
    ];
  });
}
