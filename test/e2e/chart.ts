import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { kubectl } from './kubectl.ts';

const root = join(import.meta.dirname, '../..');

export const operatorNamespace = 'holdfast';

/** The project's images on the nodes, as REPOSITORY@DIGEST. */
export type Images = { readonly operator: string; readonly signer: string; readonly softhsm: string };

const parts = (image: string): { readonly repository: string; readonly digest: string } => {
  const [repository = '', digest = ''] = image.split('@');
  return { repository, digest };
};

/** Installs the chart, or upgrades what is there; does not wait for the operator. Throws with what Helm says. */
export function installChart({ operator, signer, softhsm }: Images): void {
  const values = {
    operator: { image: parts(operator) },
    // The cluster's storage has no CSI driver.
    signers: { image: parts(signer), hsmImages: [softhsm], volumes: { accessMode: 'ReadWriteOnce' } },
  };
  execFileSync(
    join(root, 'scripts/helm.sh'),
    [
      ...['upgrade', '--install', 'holdfast', join(root, 'charts/holdfast')],
      ...['--namespace', operatorNamespace, '--values', '-'],
    ],
    { input: JSON.stringify(values), stdio: ['pipe', 'ignore', 'inherit'] },
  );
}

/** Has so many operators run; of none, waits until the last has ended. */
export async function scaleOperator(replicas: number): Promise<void> {
  const inNamespace = ['-n', operatorNamespace];
  await kubectl(...inNamespace, 'scale', 'deployment/holdfast', `--replicas=${replicas}`);
  if (replicas === 0)
    await kubectl(
      ...[...inNamespace, 'wait', 'pods', '-l', 'app.kubernetes.io/component=operator'],
      ...['--for=delete', '--timeout=60s'],
    );
  else await kubectl(...inNamespace, 'rollout', 'status', 'deployment/holdfast', '--timeout=120s');
}
