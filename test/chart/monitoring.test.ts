import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { signerStatefulSet } from '../../operator/fleet/kubernetes/signer-objects.ts';
import { facts } from '../../operator/fleet/kubernetes/testing/facts.ts';
import { chart, only, render } from './helm.ts';
import type { Rendered } from './helm.ts';
import { asAsked, promqlProblems } from './promql.ts';

type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
};
type RuleObject = { readonly spec: { readonly groups: readonly { readonly rules: readonly Alert[] }[] } };
type Monitor = {
  readonly spec: {
    readonly selector: { readonly matchLabels: object };
    readonly namespaceSelector?: object;
    readonly podMetricsEndpoints: readonly { readonly port: string }[];
  };
};
type Dashboard = {
  readonly uid: string;
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[];
  };
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
};

const root = join(import.meta.dirname, '../..');
const reference = readFileSync(join(root, 'docs/reference/metrics.md'), 'utf8');
/** Labels by metric; those that every series of a signer has are among them. */
const metrics = new Map(
  [...reference.matchAll(/^\| `(\w+)` \| (\w+) \| (.*?) \|/gm)].map(([line, name = '', type = '', labels = '']) => [
    name,
    {
      type,
      labels: [
        ...[...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
        ...(reference.indexOf(line) < reference.indexOf('## Operator') ? ['wallet', 'holder'] : []),
      ],
    },
  ]),
);

/** What an expression of PromQL asks for that nothing serves: metrics, or labels of one. */
function unserved(expr: string): readonly string[] {
  const problems: string[] = [];
  const names = expr.matchAll(/\b((?:holdfast|controller_runtime|workqueue)_\w+)(?:\{([^}]*)\})?/g);
  for (const [, name = '', matchers = ''] of names) {
    const base = metrics.get(name) === undefined ? name.replace(/_(bucket|sum|count)$/, '') : name;
    const metric = metrics.get(base);
    if (metric === undefined || (base !== name && metric.type !== 'histogram')) {
      problems.push(name);
      continue;
    }
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*[=!]~?"/g))
      if (![...metric.labels, 'job'].includes(label)) problems.push(`${name}{${label}}`);
  }
  return problems;
}

let objects: readonly Rendered[];
let alerts: readonly Alert[];
beforeAll(() => {
  objects = render({ values: ['everything'], set: ['monitoring.prometheusRule.disabled=null'] });
  alerts = only<RuleObject>(objects, 'PrometheusRule').spec.groups.flatMap(({ rules }) => rules);
});

it('metrics that nobody serves, and labels that they do not have, are found', () => {
  expect(unserved('rate(holdfast_nothing[5m]) + holdfast_queue_length{peer="x"} + holdfast_queue_length_sum')).toEqual([
    'holdfast_nothing',
    'holdfast_queue_length{peer}',
    'holdfast_queue_length_sum',
  ]);
  expect(metrics.size).toBeGreaterThan(25);
});

it('what Prometheus would not take is found', () => {
  expect(promqlProblems('queries', ['up', 'rate(up)', 'sum by (le) (up'])).toHaveLength(2);
  const rule = { alert: 'Down', expr: 'up == 0', annotations: { summary: '{{ $labels.job }}' } };
  const groups = (changed: object) => ({ groups: [{ name: 'x', rules: [{ ...rule, ...changed }] }] });
  expect(promqlProblems('rules', groups({}))).toEqual([]);
  for (const changed of [{ expr: 'up ==' }, { for: 'soon' }, { annotations: { summary: '{{ $labels.job ' } }])
    expect(promqlProblems('rules', groups(changed)), JSON.stringify(changed)).not.toEqual([]);
});

describe('alerts', () => {
  it('are rules that Prometheus takes', () => {
    expect(promqlProblems('rules', only<RuleObject>(objects, 'PrometheusRule').spec)).toEqual([]);
  });

  const pages = readdirSync(join(root, 'docs/runbooks')).filter((file) => file !== 'README.md');

  it('each has a runbook, and each runbook an alert', () => {
    expect(alerts.map(({ alert }) => `${alert}.md`).toSorted()).toEqual(pages.toSorted());
    for (const { annotations } of alerts) expect(existsSync(join(root, annotations.runbook_url))).toBe(true);
    const index = readFileSync(join(root, 'docs/runbooks/README.md'), 'utf8');
    for (const page of pages) {
      expect(index).toContain(`(${page})`);
      const text = readFileSync(join(root, 'docs/runbooks', page), 'utf8');
      expect([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading)).toEqual([
        page.replace(/\.md$/, ''),
        'Meaning',
        'Impact',
        'Diagnosis',
        'Mitigation',
      ]);
    }
  });

  it('ask for metrics and labels that are served, and tell with words of how grave it is', () => {
    for (const { alert, expr, labels, annotations } of alerts) {
      expect(unserved(expr), alert).toEqual([]);
      expect(['critical', 'warning', 'info']).toContain(labels.severity);
      expect(annotations.summary).not.toBe('');
      expect(annotations.description.endsWith('.')).toBe(true);
    }
  });

  it('about a scrape name the job that the PodMonitors give', () => {
    const jobs = objects
      .filter(({ kind }) => kind === 'PodMonitor')
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    const named = alerts.flatMap(({ expr }) => [...expr.matchAll(/job="([^"]*)"/g)].map(([, job]) => job));
    expect(new Set(named)).toEqual(new Set(jobs));
  });

  it('can be left out by name, and only by a name that there is', () => {
    const left = only<RuleObject>(render({ values: ['everything'] }), 'PrometheusRule').spec.groups[0]!.rules;
    expect(left).toHaveLength(alerts.length - 1);
    expect(() => render({ values: ['everything'], set: ['monitoring.prometheusRule.disabled={Nothing}'] })).toThrow();
  });
});

describe('monitors', () => {
  it('select the pods of operator and signers, at a port that these have', () => {
    const signer = signerStatefulSet(facts()).spec.template;
    const signers = only<Monitor>(objects, 'PodMonitor', 'holdfast-signers').spec;
    expect(signer.metadata.labels).toMatchObject(signers.selector.matchLabels);
    expect(signer.spec.containers[0].ports.map(({ name }) => name)).toContain(signers.podMetricsEndpoints[0]!.port);
    expect(signers.namespaceSelector).toEqual({ matchNames: ['payments', 'vault'] });
    const everywhere = render({ set: ['monitoring.podMonitor.enabled=true'] });
    expect(only<Monitor>(everywhere, 'PodMonitor', 'holdfast-signers').spec.namespaceSelector).toEqual({ any: true });
    const operator = only<{ spec: { template: { metadata: { labels: object } } } }>(objects, 'Deployment').spec
      .template;
    expect(operator.metadata.labels).toMatchObject(
      only<Monitor>(objects, 'PodMonitor', 'holdfast-operator').spec.selector.matchLabels,
    );
  });
});

describe('dashboards', () => {
  const files = readdirSync(join(chart, 'dashboards'));
  const read = (file: string) => JSON.parse(readFileSync(join(chart, 'dashboards', file), 'utf8')) as Dashboard;
  /** Every query of panels and variables. */
  const asked = ({ panels, templating }: Dashboard): readonly string[] => [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...templating.list
      .filter(({ type }) => type === 'query')
      .map(({ query }) => (query as { readonly query: string }).query),
  ];

  it('are ConfigMaps as they lie in the chart, with the label that finds them', () => {
    for (const file of files) {
      const { data, metadata } = only<{ data: Readonly<Record<string, string>> }>(
        objects,
        'ConfigMap',
        `holdfast-dashboard-${file.replace(/\.json$/, '')}`,
      );
      expect(JSON.parse(data[file]!)).toEqual(read(file));
      expect(metadata.labels).toMatchObject({ grafana_dashboard: '1' });
    }
    expect(files.length).toBeGreaterThan(1);
  });

  it('ask what Prometheus can answer', () => {
    const queries = files.map(read).flatMap(asked).map(asAsked);
    expect(queries.length).toBeGreaterThan(30);
    expect(promqlProblems('queries', queries)).toEqual([]);
  });

  it('ask for metrics and labels that are served, and for every series of a signer somewhere', () => {
    const queries = files.map(read).flatMap(asked);
    for (const expr of queries) expect(unserved(expr), expr).toEqual([]);
    const unseen = [...metrics.keys()].filter(
      (name) => name.startsWith('holdfast_') && !queries.some((expr) => expr.includes(name)),
    );
    // An alert tells of it.
    expect(unseen).toEqual(['holdfast_heads_refused_total']);
  });

  it('have panels with ids of their own, and ids of their own among dashboards', () => {
    const dashboards = files.map(read);
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(files.length);
    for (const { panels } of dashboards) expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});
