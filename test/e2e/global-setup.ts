import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { installChart, operatorNamespace } from './chart.ts';
import type { Images } from './chart.ts';
import { dump } from './dump.ts';
import { apply, kubectl } from './kubectl.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly images: Images;
  }
}

const root = join(import.meta.dirname, '../..');

/** The NAME=VALUE lines that a script prints. Its progress goes to stderr. */
const linesOf = (script: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    execFileSync('bash', [join(root, script)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** A cluster of three nodes with the project's images on them and the chart installed. It stays, for a look and the next run. */
export async function setup({ provide }: TestProject): Promise<void> {
  execFileSync('bash', [join(root, 'scripts/setup.sh'), 'softhsm2-util'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const up = (): void => {
    // Workers are started with it.
    Object.assign(process.env, linesOf('test/cluster/up.sh'));
  };
  up();
  // What an earlier run left in it would only be deleted by naming each wallet's genesis: a new one is as quick.
  if ((await kubectl('get', 'namespaces', '-l', 'holdfast.dev/keeps', '-o', 'name')) !== '') {
    execFileSync('kind', ['delete', 'cluster', '--name', 'holdfast'], { stdio: ['ignore', 'ignore', 'inherit'] });
    up();
  }
  const images = linesOf('test/e2e/images.sh') as Images;
  await apply({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: operatorNamespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  try {
    installChart(images);
    await kubectl('wait', 'crd', '--all', '--for=condition=Established', '--timeout=60s');
  } catch (error) {
    console.error(await dump());
    throw error;
  }
  provide('images', images);
}
