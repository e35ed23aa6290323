import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemClock } from '../common/clock.ts';
import { messageOf, UserError } from '../common/errors.ts';
import { runService } from '../common/run-service.ts';
import { runCluster } from './cluster.ts';
import type { OpenFleet } from './cluster.ts';
import { readConfig } from './config.ts';
import { readOperatorSettings } from './fleet/kubernetes/operator-settings.ts';
import type { OperatorSettings } from './fleet/kubernetes/operator-settings.ts';
import { readOperatorIdentity } from './operator-identity.ts';
import { kubeCredentials } from './runtime/credentials.ts';
import type { ReadCredentials } from './runtime/credentials.ts';

/** Within the grace period of the pod (charts/holdfast/templates/operator/deployment.yaml). Milliseconds. */
const stopMs = 25_000;

/** The operator's program for a cluster, with what runs signers there. SIGTERM gives the lease up, and leaves signers as they are. */
export const clusterProgram = (openFleet: OpenFleet): Promise<void> =>
  runService(readConfig, async (config, { log, die }) => {
    const settings = await settingsIn(config.settings);
    const identity = await readOperatorIdentity(config.identity);
    const credentials = kubeCredentials();
    await checked(credentials);
    const stop = new AbortController();
    const ended = runCluster({
      ...config,
      credentials,
      settings,
      identity,
      // Kubernetes names the host of a pod after it.
      instance: hostname(),
      openFleet,
      clock: systemClock,
      log,
      signal: stop.signal,
    });
    ended.catch(die);
    return async () => {
      setTimeout(() => die(new Error('did not stop in time')), stopMs).unref();
      stop.abort();
      await ended;
    };
  });

/** Requests read credentials anew, and fail one by one where there are none: that there are none is said once, and at once. */
async function checked(credentials: ReadCredentials): Promise<void> {
  await credentials().catch((error: unknown) => {
    throw new UserError(
      `no way to the API server: ${messageOf(error)}`,
      ['the operator runs in a pod with its service account, or with KUBECONFIG'],
      2,
    );
  });
}

async function settingsIn(file: string): Promise<OperatorSettings> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UserError(`settings: ${messageOf(error)}`, ['--settings names the file that the chart writes'], 2);
  });
  return readOperatorSettings(text);
}
