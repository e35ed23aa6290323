import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { parse } from 'yaml';
import { operatorNamespace } from '../chart.ts';
import { get, kubectl, run } from '../kubectl.ts';
import { node } from '../probe.ts';

const root = join(import.meta.dirname, '../../..');
const name = 'scale-operator';
const ports = [7101, 7102, 7103];
const metricsPort = 9090;
const usagePort = 9091;

/** What the operator used since it began. Memory after a collection, in bytes. */
export type Usage = {
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
  readonly cpuSeconds: number;
  /** Requests to the API server, by method. */
  readonly requests: Readonly<Record<string, number>>;
  /** Wallets of which it says that they are Ready. */
  readonly ready: number;
  readonly leads: boolean;
};

/** Asks both of the operator's ports, in its pod: nobody else reaches them. */
const ask = `
  const text = async (port, path) => (await fetch('http://127.0.0.1:' + port + path)).text();
  const metrics = await text(${metricsPort}, '/metrics');
  const requests = {};
  for (const [, method, count] of metrics.matchAll(/^rest_client_requests_total\\{.*method="(\\w+)".*\\} (\\d+)$/gm))
    requests[method] = (requests[method] ?? 0) + Number(count);
  const ready = [...metrics.matchAll(/^holdfast_wallet_condition\\{.*condition="Ready".*\\} 1$/gm)].length;
  const leads = /^leader_election_master_status\\{.*\\} 1$/m.test(metrics);
  const usage = USAGE ? JSON.parse(await text(${usagePort}, '/')) : {};
  console.log(JSON.stringify({ ...usage, requests, ready, leads }));`;

async function programs(): Promise<Readonly<Record<string, string>>> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { operator: 'test/e2e/scale/operator-process.ts', crowd: 'test/e2e/scale/crowd-process.ts' },
    outdir: '.',
    bundle: true,
    minify: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // As scripts/bundle.ts has it.
    banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    alias: { '@grpc/proto-loader': './proto/no-proto-loader.ts' },
  });
  const packed = outputFiles.map(({ path, contents }): [string, string] => [
    `${path.slice(path.lastIndexOf('/') + 1)}.gz`,
    gzipSync(contents, { level: 9 }).toString('base64'),
  ]);
  const start = readFileSync(join(import.meta.dirname, 'start.mjs')).toString('base64');
  return Object.fromEntries([...packed, ['start.mjs', start]]);
}

type Container = { readonly args: readonly string[]; readonly volumeMounts: readonly object[] };
type Template = {
  readonly metadata: { readonly labels: object };
  readonly spec: { readonly containers: readonly [Container]; readonly volumes: readonly { readonly name: string }[] };
};

/** The installed operator's pod with other programs: both in one, which the crowd's addresses are inside of. */
async function pod(crowd: string): Promise<object> {
  const {
    spec: { template },
  } = await get<{ spec: { template: Template } }>('-n', operatorNamespace, 'deployment', 'holdfast');
  const [installed] = template.spec.containers;
  const container = (program: string, args: readonly string[], env: Readonly<Record<string, string>>): object => ({
    ...installed,
    name: program,
    command: [node, '--expose-gc', '/programs/start.mjs'],
    args,
    env: Object.entries({ ...env, HOLDFAST_PROGRAM: program }).map(([key, value]) => ({ name: key, value })),
    ports: [],
    // Probes would only end it while the machine is busy; what it uses is measured, not limited.
    ...{ startupProbe: undefined, livenessProbe: undefined, readinessProbe: undefined, resources: {} },
    volumeMounts: [
      ...installed.volumeMounts,
      { name: 'programs', mountPath: '/programs', readOnly: true },
      { name: 'work', mountPath: '/work' },
    ],
  });
  const environment = {
    HOLDFAST_CROWD: crowd,
    HOLDFAST_CROWD_PORTS: ports.join(','),
    HOLDFAST_USAGE_PORT: String(usagePort),
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: operatorNamespace, labels: template.metadata.labels },
    spec: {
      ...template.spec,
      restartPolicy: 'Never',
      containers: [
        container('operator', installed.args, environment),
        container('crowd', [crowd, ...ports.map(String)], {}),
      ],
      volumes: [
        ...template.spec.volumes.map((volume) =>
          volume.name === 'settings' ? { name: 'settings', configMap: { name } } : volume,
        ),
        { name: 'programs', configMap: { name } },
        { name: 'work', emptyDir: {} },
      ],
    },
  };
}

/**
 * The operator of this checkout as a pod in place of the installed one, which must not run: with its rights, its identity,
 * its settings but for the namespaces, and its way to signers. Wallets of the namespace `crowd` have a crowd for signers.
 */
export class ScaleOperator {
  static async start(crowd: string, namespaces: readonly string[]): Promise<ScaleOperator> {
    const operator = new ScaleOperator();
    await operator.stop();
    const { data } = await get<{ data: { 'settings.yaml': string } }>('-n', operatorNamespace, 'configmap', 'holdfast');
    const settings = parse(data['settings.yaml']) as object;
    const configMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: operatorNamespace },
      data: { 'settings.yaml': JSON.stringify({ ...settings, namespaces }) },
      binaryData: await programs(),
    };
    // Applying would need room for all of it in an annotation.
    await run('kubectl', ['create', '-f', '-'], JSON.stringify(configMap));
    await run('kubectl', ['create', '-f', '-'], JSON.stringify(await pod(crowd)));
    await kubectl('-n', operatorNamespace, 'wait', `pod/${name}`, '--for=condition=Ready', '--timeout=60s');
    return operator;
  }

  /** With `memory` of what it uses too, after a collection. */
  async usage({ memory }: { readonly memory: boolean }): Promise<Usage> {
    const script = `const USAGE = ${memory}; ${ask}`;
    const flags = ['--input-type=module', '-e', script];
    return JSON.parse(
      await kubectl('-n', operatorNamespace, 'exec', name, '-c', 'operator', '--', node, ...flags),
    ) as Usage;
  }

  async stop(): Promise<void> {
    await kubectl('-n', operatorNamespace, 'delete', `pod/${name}`, `configmap/${name}`, '--ignore-not-found');
  }
}
