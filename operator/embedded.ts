import { join } from 'node:path';
import { systemClock } from '../common/clock.ts';
import { messageOf, UserError } from '../common/errors.ts';
import { isPortInUse } from '../common/listen-address.ts';
import type { Log } from '../common/log.ts';
import { serveMetrics } from '../common/metrics-server.ts';
import type { Key } from './api/resource.ts';
import { runControllers } from './controllers.ts';
import { connectionFiles } from './embedded/connection-files.ts';
import { loadOrCreateOperatorIdentity } from './embedded/operator-identity.ts';
import { openOutcomeCursors } from './embedded/outcome-cursor-file.ts';
import { watchStateFolder } from './embedded/state-folder-watch.ts';
import type { Fleet } from './fleet/fleet.ts';
import { openLocalFleet } from './fleet/local-fleet.ts';
import { signerCommand } from './fleet/signer-command.ts';
import { makeFolder } from './make-folder.ts';
import { operatorMetrics } from './operator-metrics.ts';
import { Reach } from './reach.ts';
import { openFolderStore } from './store/folder-store.ts';
import { problemText } from './store/manifest.ts';
import type { ResourceStore } from './store/resource-store.ts';
import { stateFolder } from './store/state-folder.ts';

export { connectionFile } from './embedded/connection-files.ts';

export type EmbeddedOptions = {
  /** The folder of manifests: only read. */
  readonly dir: string;
  /** Where state lies; `.holdfast` in the folder when absent. */
  readonly stateDir?: string | undefined;
  /** Stops the operator. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Whether signers end with the operator; else they go on and the next one finds them. */
  readonly stopSigners?: boolean;
  /** Where metrics and health are served, host:port; a free port of loopback where it is not given. */
  readonly metricsListen?: string;
  /** What is wrong with the manifests, one line each, whenever that changes. */
  readonly onProblems?: (problems: readonly string[]) => void;
};

/** An operator at work in this process. */
export type Embedded = {
  /** Every resource as it is, with its status. */
  readonly store: ResourceStore;
  /** The manifest of an object, relative to the folder; undefined of what the operator made. */
  readonly fileOf: (key: Key) => string | undefined;
  /** host:port of `/metrics`, `/healthz` and `/readyz`. */
  readonly metricsEndpoint: string;
  /** Settles when the operator has stopped: rejects where an error stopped it, not `signal`. */
  readonly ended: Promise<void>;
};

/**
 * Runs the operator over a folder of manifests with signers as child processes. Resolves once it is at work; throws
 * a UserError where the folder cannot be used or another operator uses it.
 */
export async function runEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { dir, stateDir, log, signal, onProblems } = options;
  const closing: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closing.splice(0).toReversed())
      await Promise.resolve()
        .then(each)
        .catch((error: unknown) => log.error('stopping', { error: messageOf(error) }));
  };
  try {
    const store = await openFolderStore(dir, {
      stateDir,
      log,
      onProblems(problems) {
        const texts = problems.map(problemText);
        for (const problem of texts) log.warn('manifest not used', { problem });
        onProblems?.(texts);
      },
    });
    closing.push(() => store.close());
    const state = stateFolder(dir, stateDir);
    const own = join(state, 'operator');
    await makeFolder(own);
    const identity = await loadOrCreateOperatorIdentity(own, log);
    const cursors = await openOutcomeCursors(own, systemClock, log);
    closing.push(() => cursors.close());
    const fleet = await openLocalFleet({ folder: state, secrets: store, command: signerCommand(), log });
    closing.push(() => fleet.close());
    if (options.stopSigners === true) closing.push(() => stopAll(fleet));

    const { registry, meter } = operatorMetrics();
    const clock = systemClock;
    let running = true;
    const metrics = await serveMetrics({
      listen: options.metricsListen ?? '127.0.0.1:0',
      ready: () => running,
      metrics: () => registry.metrics(),
    }).catch((error: unknown) => {
      if (!isPortInUse(error)) throw error;
      throw new UserError(`metrics: another process has ${options.metricsListen}`, ['port 0 takes a free one']);
    });
    closing.push(() => metrics.close());

    const gone = new AbortController();
    closing.push(watchStateFolder(state, clock, (error) => gone.abort(error)));
    const stop = AbortSignal.any([signal, gone.signal]);
    const run = async (): Promise<void> => {
      try {
        await runControllers({
          store,
          fleet,
          identity,
          cursors,
          connections: connectionFiles(state, own),
          sharedMachine: true,
          reach: new Reach(),
          meter,
          clock,
          log,
          signal: stop,
        });
        gone.signal.throwIfAborted();
      } finally {
        running = false;
        await close();
        log.info('operator stopped', { signers: options.stopSigners === true ? 'stopped' : 'go on' });
      }
    };
    const ended = run();
    // Whoever started it may look at `ended` late, or never.
    ended.catch((error: unknown) => log.error('operator failed', { error: messageOf(error) }));
    log.info('operator started', {
      folder: dir,
      state,
      fingerprint: identity.fingerprint,
      metrics: `127.0.0.1:${metrics.port}`,
    });
    return {
      store,
      fileOf: (key) => store.fileOf(key),
      metricsEndpoint: endpointOf(options.metricsListen, metrics.port),
      ended,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Ends every process; states stay, and the next operator starts them again. */
const stopAll = async (fleet: Fleet): Promise<unknown> =>
  Promise.all((await fleet.list()).map((id) => fleet.remove(id, { destroy: false })));

const endpointOf = (listen: string | undefined, port: number): string =>
  `${(listen ?? '127.0.0.1:0').replace(/:[0-9]+$/, '')}:${port}`;
