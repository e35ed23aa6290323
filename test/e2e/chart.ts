import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { mergePatch } from '../cases/load.ts';
import type { Json } from '../cases/load.ts';
import { kubectl } from './kubectl.ts';

const root = join(import.meta.dirname, '../..');

export const operatorNamespace = 'holdfast';

/** A chart as it was, which the current one has to upgrade: test/chart/earlier says from when. */
export const earlierChart = join(root, 'test/chart/earlier/holdfast-0.1.0.tgz');

/** The project's images on the nodes, as REPOSITORY@DIGEST. */
export type Images = Readonly<Record<InstalledImage | 'earlier-operator' | 'earlier-signer', string>>;
type InstalledImage = 'operator' | 'signer' | 'softhsm';

const parts = (image: string): { readonly repository: string; readonly digest: string } => {
  const [repository = '', digest = ''] = image.split('@');
  return { repository, digest };
};

/** A release of the chart, whose operator's Deployment is `deployment`. */
export type Release = { readonly name: string; readonly namespace: string; readonly deployment: string };

const onlyRelease: Release = { name: 'holdfast', namespace: operatorNamespace, deployment: 'holdfast' };

export type ChartOptions = {
  /** The release that works for all namespaces where none is given. */
  readonly release?: Release;
  /** Its folder or package; the current one where none is named. */
  readonly chart?: string;
  /** Names of files of the chart with further values. */
  readonly files?: readonly string[];
  /** Further values. */
  readonly values?: Json;
};

/** Installs the chart, or upgrades what is there; does not wait for the operator. Throws with what Helm says; returns its notes. */
export function installChart(
  { operator, signer, softhsm }: Pick<Images, InstalledImage>,
  { release = onlyRelease, chart = join(root, 'charts/holdfast'), files = [], values: more = {} }: ChartOptions = {},
): string {
  const values = {
    operator: { image: parts(operator) },
    // The cluster's storage has no CSI driver.
    signers: { image: parts(signer), hsmImages: [softhsm], volumes: { accessMode: 'ReadWriteOnce' } },
  };
  const said = helm(
    [
      ...['upgrade', '--install', release.name, chart, '--namespace', release.namespace],
      ...files.flatMap((file) => ['--values', join(chart, file)]),
      ...['--values', '-'],
    ],
    JSON.stringify(mergePatch(values, more)),
  );
  return said.slice(said.indexOf('NOTES:'));
}

/** Uninstalls the release, and waits for the operator's end. */
export async function uninstallChart(release = onlyRelease): Promise<void> {
  helm(['uninstall', release.name, '--namespace', release.namespace]);
  await operatorHasEnded(release);
}

/** Has so many operators run; of none, waits until the last has ended. */
export async function scaleOperator(replicas: number, release = onlyRelease): Promise<void> {
  const { namespace, deployment } = release;
  await kubectl('-n', namespace, 'scale', `deployment/${deployment}`, `--replicas=${replicas}`);
  await (replicas === 0 ? operatorHasEnded(release) : operatorIsReady(release));
}

/** Resolves once every operator of the latest installation is ready, and none of an earlier one is left. */
export const operatorIsReady = async ({ namespace, deployment } = onlyRelease): Promise<string> =>
  kubectl('-n', namespace, 'rollout', 'status', `deployment/${deployment}`, '--timeout=120s');

export const operatorHasEnded = async ({ namespace } = onlyRelease): Promise<string> =>
  kubectl(
    ...['-n', namespace, 'wait', 'pods', '-l', 'app.kubernetes.io/component=operator'],
    ...['--for=delete', '--timeout=60s'],
  );

const helm = (args: readonly string[], input = ''): string =>
  execFileSync(join(root, 'scripts/helm.sh'), args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'] });
