import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../operator/config.ts';
import { readOperatorSettings } from '../../operator/fleet/kubernetes/operator-settings.ts';
import { signerObjects } from '../../operator/fleet/kubernetes/signer-objects.ts';
import { facts, pkcs11 } from '../../operator/fleet/kubernetes/testing/facts.ts';
import { walletDisruptionBudget } from '../../operator/fleet/kubernetes/wallet-objects.ts';
import { aSigner, aWallet } from '../../operator/testing/objects.ts';
import { chart, helm, monitoringApi, only, render, renderText } from './helm.ts';
import type { Rendered } from './helm.ts';
import { builtIn, strangeFields } from './known-fields.ts';
import { notRestricted } from './restricted.ts';
import type { PodSpec } from './restricted.ts';

type Workload = {
  readonly spec: {
    readonly replicas: number;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: PodSpec & {
        readonly affinity: object;
        readonly containers: readonly {
          readonly image: string;
          readonly args: readonly string[];
          readonly ports: readonly { readonly name: string }[];
        }[];
      };
    };
  };
};
type ConfigMap = { readonly data: Readonly<Record<string, string>> };
type Policy = {
  readonly spec: {
    readonly podSelector: Workload['spec']['selector'];
    readonly ingress: unknown[];
    readonly egress: { readonly to?: unknown }[];
  };
};

const ha = join(chart, 'values-ha.yaml');
const sets: readonly (readonly [string, ...string[]])[] = [['minimal'], ['minimal', ha], ['everything'], ['off']];
/** Kinds that are not Kubernetes' own. */
const others = [`${monitoringApi} PodMonitor`, `${monitoringApi} PrometheusRule`];

let minimal: readonly Rendered[];
let everything: readonly Rendered[];
beforeAll(() => {
  minimal = render();
  everything = render({ values: ['everything'] });
});
const failure = (options: Parameters<typeof render>[0]): string => {
  try {
    render(options);
  } catch (error) {
    return String((error as { readonly stderr?: string }).stderr);
  }
  throw new Error('want a failure');
};

describe.each(sets.map((files) => ({ files })))('the chart with values $files', ({ files }) => {
  it('passes lint', () => {
    const said = helm(
      'lint',
      '--strict',
      chart,
      ...files.flatMap((file) => [
        '--values',
        file.startsWith('/') ? file : join(import.meta.dirname, 'values', `${file}.yaml`),
      ]),
    );
    expect(said).toContain('0 chart(s) failed');
  });

  it('makes objects of known kinds, with known fields, each once', () => {
    const objects = render({ values: files });
    expect(objects.length).toBeGreaterThan(3);
    for (const object of objects) {
      const kind = `${object.apiVersion} ${object.kind}`;
      if (others.includes(kind)) continue;
      expect(Object.keys(builtIn)).toContain(kind);
      expect(strangeFields(object, builtIn[kind] ?? '')).toEqual([]);
      expect(object.metadata.name.length).toBeLessThanOrEqual(63);
    }
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''} ${metadata.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it('labels every object of its own', () => {
    for (const { metadata, kind } of render({ values: files }))
      if (!/-(extra|more)$/.test(metadata.name))
        expect(metadata.labels, `${kind} ${metadata.name}`).toMatchObject({
          'app.kubernetes.io/instance': 'holdfast',
          'app.kubernetes.io/managed-by': 'Helm',
          'helm.sh/chart': expect.stringMatching(/^holdfast-/),
        });
  });
});

describe('values', () => {
  it('that the chart does not know, or of another form, are refused', () => {
    for (const [set, word] of [
      ['operater.replicas=2', 'operater'],
      ['operator.replicas=two', 'replicas'],
      ['signers.image.digest=latest', 'digest'],
      ['signers.hsmImages={hsm:latest}', 'hsmImages'],
      ['networkPolicy.scrapeFrom[0].pod=x', 'scrapeFrom'],
      ['networkPolicy.externalSigners[0].cidr=203.0.113.7', 'externalSigners'],
      ['signers.volumes.accessMode=ReadWriteMany', 'accessMode'],
      ['operator.namespaces={Payments}', 'namespaces'],
    ] as const)
      expect(failure({ set: [set] })).toContain(word);
  });

  it('have no digest of the signer until somebody says it', () => {
    expect(failure({ values: [], set: [] })).toContain('signers.image.digest: the digest');
  });

  it('of monitoring are refused where the cluster has no such kinds, and name them', () => {
    for (const which of ['podMonitor', 'prometheusRule'])
      expect(failure({ set: [`monitoring.${which}.enabled=true`], apis: [] })).toContain(
        `monitoring.${which}.enabled: this cluster has no ${monitoringApi}`,
      );
    expect(renderText({ apis: [] })).not.toContain(monitoringApi);
  });
});

describe('kinds', () => {
  const root = join(import.meta.dirname, '../../crds');
  const wanted = readdirSync(root).map((file) => parse(readFileSync(join(root, file), 'utf8')) as Rendered);
  const rendered = (objects: readonly Rendered[]) => objects.filter(({ kind }) => kind === 'CustomResourceDefinition');

  it('are those of crds/, and stay when the release goes', () => {
    const found = rendered(minimal);
    expect(found).toHaveLength(wanted.length);
    for (const crd of wanted) {
      const { metadata, ...rest } = only<Rendered>(minimal, 'CustomResourceDefinition', crd.metadata.name);
      expect(metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
      expect(rest).toEqual({
        apiVersion: crd.apiVersion,
        kind: crd.kind,
        spec: (crd as unknown as { spec: unknown }).spec,
      });
    }
  });

  it('go with it, or are not there, where the values say so', () => {
    for (const { metadata } of rendered(render({ set: ['crds.keep=false'] })))
      expect(metadata).not.toHaveProperty('annotations');
    expect(rendered(render({ set: ['crds.enabled=false'] }))).toEqual([]);
  });
});

describe("the operator's pod", () => {
  const deployment = (objects: readonly Rendered[]) => only<Workload>(objects, 'Deployment');

  it('is restricted', () => {
    for (const objects of [minimal, everything]) {
      const { spec } = deployment(objects).spec.template;
      expect(notRestricted(spec)).toEqual([]);
      for (const { securityContext } of spec.containers)
        expect(securityContext).toHaveProperty('readOnlyRootFilesystem', true);
    }
    // The check itself is none that cannot fail.
    expect(
      notRestricted({ containers: [{ name: 'x' }], hostNetwork: true, volumes: [{ name: 'h', hostPath: {} }] }),
    ).toEqual([
      'hostNetwork',
      'volume h: hostPath',
      'x: allowPrivilegeEscalation',
      'x: capabilities.drop',
      'x: runAsNonRoot',
      'x: seccomp',
    ]);
  });

  it('is started with flags and settings that it can read', () => {
    for (const objects of [minimal, everything, render({ values: ['off'] })]) {
      const { template } = deployment(objects).spec;
      const config = readConfig(template.spec.containers[0]!.args);
      expect(config).toMatchObject({ namespace: 'custody', lease: 'holdfast', metricsListen: '0.0.0.0:9090' });
      const file = config.settings.split('/').at(-1)!;
      const settings = readOperatorSettings(only<ConfigMap>(objects, 'ConfigMap', 'holdfast').data[file]!);
      // Signers let in the pods that this selects.
      expect(template.metadata.labels).toMatchObject(settings.fleet.operator.labels);
      expect(settings.fleet.operator.namespace).toBe('custody');
    }
    const settings = readOperatorSettings(only<ConfigMap>(everything, 'ConfigMap', 'holdfast').data['settings.yaml']!);
    expect(settings).toMatchObject({
      namespaces: ['payments', 'vault'],
      others: [
        {
          namespaces: ['acme'],
          fingerprint: '',
          pods: {
            namespace: 'acme-operator',
            labels: { 'app.kubernetes.io/name': 'holdfast', 'app.kubernetes.io/component': 'operator' },
          },
        },
        {
          namespaces: ['bank', 'bank-vault'],
          fingerprint: `sha256:${'1'.repeat(64)}`,
          pods: { namespace: 'bank-operator', labels: { app: 'operator' } },
        },
      ],
      fleet: {
        imagePullSecrets: ['registry'],
        volumes: { accessMode: 'ReadWriteOnce', storageClassName: 'fast' },
        scrapeFrom: [{ namespaceSelector: {} }],
      },
    });
  });

  it('has an image by digest, else by tag', () => {
    const image = (objects: readonly Rendered[]) => deployment(objects).spec.template.spec.containers[0]!.image;
    expect(image(everything)).toMatch(/^holdfast\/operator@sha256:c{64}$/);
    expect(image(minimal)).toBe('holdfast/operator:0.1.0');
    expect(image(render({ set: ['operator.image.tag=next'] }))).toBe('holdfast/operator:next');
  });

  it('is selected by its Deployment, Service, NetworkPolicy and budget', () => {
    const { labels } = deployment(everything).spec.template.metadata;
    const selectors = [
      deployment(everything).spec.selector.matchLabels,
      only<{ spec: { selector: object } }>(everything, 'Service').spec.selector,
      only<Policy>(everything, 'NetworkPolicy').spec.podSelector.matchLabels,
      only<{ spec: Workload['spec'] }>(everything, 'PodDisruptionBudget').spec.selector.matchLabels,
    ];
    for (const selector of selectors) expect(labels).toMatchObject(selector);
  });

  it('is two on different machines for high availability, and none is a person', () => {
    const { spec } = deployment(render({ values: ['minimal', ha] }));
    expect(spec.replicas).toBe(2);
    expect(JSON.stringify(spec.template.spec.affinity)).toContain('kubernetes.io/hostname');
    expect(only(render({ values: ['minimal', ha] }), 'PodDisruptionBudget').metadata.name).toBe('holdfast');
  });

  it('is restarted when its settings change', () => {
    const annotations = (set: readonly string[]) =>
      (deployment(render({ set })).spec.template.metadata as unknown as Rendered['metadata']).annotations?.[
        'checksum/settings'
      ];
    expect(annotations([])).toBe(annotations([]));
    expect(annotations([])).not.toBe(annotations(['operator.namespaces={a}']));
  });
});

describe("the operator's identity", () => {
  it('is an Ed25519 key that stays when the release goes', () => {
    const { data, metadata } = only<ConfigMap>(minimal, 'Secret');
    const key = createPrivateKey(Buffer.from(data['identity.pem']!, 'base64'));
    expect(key.asymmetricKeyType).toBe('ed25519');
    expect(metadata.annotations).toHaveProperty(['helm.sh/resource-policy'], 'keep');
  });

  it('is not made where one is named', () => {
    expect(everything.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });
});

describe("the operator's NetworkPolicy", () => {
  it('lets nobody in but scrapes, and the operator out by ports', () => {
    expect(only<Policy>(minimal, 'NetworkPolicy').spec.ingress).toEqual([]);
    expect(only<Policy>(everything, 'NetworkPolicy').spec.ingress).toHaveLength(1);
    for (const rule of only<{ spec: { egress: { ports: unknown[] }[] } }>(minimal, 'NetworkPolicy').spec.egress)
      expect(rule.ports.length).toBeGreaterThan(0);
  });

  it('lets the operator out to signers elsewhere that were named', () => {
    const rule = { to: [{ ipBlock: { cidr: '203.0.113.7/32' } }], ports: [{ port: 8443, protocol: 'TCP' }] };
    const egress = (objects: typeof minimal) =>
      only<{ spec: { egress: unknown[] } }>(objects, 'NetworkPolicy').spec.egress;
    expect(egress(everything)).toContainEqual(rule);
    expect(egress(minimal)).toHaveLength(egress(everything).length - 1);
  });
});

describe("a signer's objects", () => {
  const objects = [
    ...signerObjects(facts()),
    ...signerObjects(facts({ spec: { seal: { pkcs11 } } })),
    walletDisruptionBudget(aWallet(), 'payments', [aSigner('client')]),
  ];

  it('have fields that Kubernetes knows', () => {
    for (const object of objects) {
      expect(Object.keys(builtIn)).toContain(`${object.apiVersion} ${object.kind}`);
      expect(strangeFields(object, builtIn[`${object.apiVersion} ${object.kind}`]!)).toEqual([]);
    }
  });

  it('have pods that are restricted', () => {
    const pods = objects.filter(({ kind }) => kind === 'StatefulSet') as unknown as Workload[];
    expect(pods).toHaveLength(2);
    for (const { spec } of pods) expect(notRestricted(spec.template.spec)).toEqual([]);
  });
});

describe('what stays when the release goes', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/how-to/uninstall.md'), 'utf8');

  it('is named in the docs on uninstalling, each by what deletes it', () => {
    const kept = minimal.filter(({ metadata }) => metadata.annotations?.['helm.sh/resource-policy'] === 'keep');
    expect(new Set(kept.map(({ kind }) => kind))).toEqual(
      new Set(['CustomResourceDefinition', 'Secret', 'ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']),
    );
    const deletions = page.match(/^kubectl delete .*$/gm) ?? [];
    // The Secret goes with its namespace.
    for (const { kind, metadata } of kept.filter(({ kind }) => kind !== 'Secret')) {
      const short = kind === 'CustomResourceDefinition' ? ' crd ' : `${kind.toLowerCase().replace(/y$/, 'ie')}s`;
      expect(deletions.some((line) => line.includes(short) && line.split(' ').includes(metadata.name))).toBe(true);
    }
  });
});

describe('an earlier chart', () => {
  const folder = join(import.meta.dirname, 'earlier');
  const [earlier = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  const versionOf = (path: string): string => (parse(helm('show', 'chart', path)) as { version: string }).version;

  it('has a lower version, and values that are still taken', () => {
    expect(versionOf(chart).localeCompare(versionOf(join(folder, earlier)), 'en', { numeric: true })).toBe(1);
    const temporary = mkdtempSync(join(tmpdir(), 'holdfast-chart-'));
    try {
      const values = join(temporary, 'values.yaml');
      writeFileSync(values, helm('show', 'values', join(folder, earlier)));
      expect(render({ values: [values, 'minimal'] }).length).toBe(minimal.length);
    } finally {
      rmSync(temporary, { recursive: true });
    }
  });
});

describe('what is told after an installation', () => {
  const notes = (...set: readonly string[]): string =>
    helm(
      ...['install', 'holdfast', chart, '--namespace', 'custody', '--dry-run=client'],
      ...['--values', join(import.meta.dirname, 'values/minimal.yaml')],
      ...set.flatMap((one) => ['--set', one]),
    ).split('NOTES:')[1]!;

  it('are the next commands, and warnings only where something is off', () => {
    expect(notes()).toContain('kubectl label namespace NAME holdfast.dev/keeps=shares');
    expect(notes()).not.toContain('WARNING');
    expect(notes('admission.operator=false')).toContain('WARNING: admission.operator is off');
    expect(notes('admission.keepShares=false')).toContain('WARNING: admission.keepShares is off');
  });
});
