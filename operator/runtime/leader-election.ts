import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import { pause } from './backoff.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { KubeClient } from './kube-client.ts';
import { Lease } from './lease.ts';

/** client-go's and controller-runtime's times. Milliseconds. */
const leaseMs = 15_000;
const renewWithinMs = 10_000;
const retryMs = 2_000;
const requestMs = 5_000;

export type LeaderElectionOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  /** Of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Of this process alone, restarts included: a pod's name and something random. */
  readonly identity: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told when this process begins to lead and when it no longer does; false at first. */
  readonly onChange?: (leads: boolean) => void;
  /** Where the Lease is told of who leads: the only trace of a leader that was lost, for who may not read logs. */
  readonly events?: Pick<EventRecorder, 'record'>;
  /** In [0, 1). */
  readonly random?: () => number;
};

/** The lease went to another, or could not be renewed in time, so that another may hold it: the process has to end. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost';
}

/**
 * Waits until this process leads, then runs `lead`; of all processes that do this with one Lease, one leads at a time.
 * Where `signal` aborts, or `lead` ends, the lease is given up once `lead` is over. Rejects with {@link LeadershipLost}
 * as soon as leadership is lost, when the signal that `lead` was given aborts too; it is not waited for, so the caller
 * has to end the process. A process that was stopped and goes on (SIGSTOP, a paused machine) may write for a moment
 * beside its successor: what must not happen twice needs more than an election.
 */
export async function runElected(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { client, namespace, name, identity, clock, log, signal, onChange = () => {} } = options;
  const lease = new Lease({ client, namespace, name, identity, durationMs: leaseMs, requestMs, clock });
  onChange(false);
  const electedAt = await elected(lease, options);
  if (electedAt === undefined) return;
  log.info('leading', { lease: `${namespace}/${name}`, identity });
  onChange(true);
  const lost = new AbortController();
  const over = new AbortController();
  const losing = new Promise<never>((_, reject) =>
    lost.signal.addEventListener('abort', () => reject(lost.signal.reason as Error)),
  );
  const renewing = keepRenewed(lease, electedAt, lost, over.signal, options);
  try {
    await Promise.race([lead(AbortSignal.any([signal, lost.signal])), losing]);
  } finally {
    over.abort();
    onChange(false);
    if (!lost.signal.aborted) {
      await renewing;
      await lease.release().catch((error: unknown) => log.warn('lease not released', { error: messageOf(error) }));
    }
  }
}

/** Resolves with the monotonic time at which the lease became ours, or undefined where the signal aborted before. */
async function elected(lease: Lease, options: LeaderElectionOptions): Promise<number | undefined> {
  const { clock, log, signal, random = Math.random } = options;
  let leader = '';
  while (!signal.aborted) {
    const began = clock.monotonic();
    try {
      if (await lease.tryAcquire(signal)) {
        tell(lease, leader, options);
        return began;
      }
      if (lease.holder !== leader) log.info('waiting to lead', { leader: lease.holder });
      leader = lease.holder;
    } catch (error) {
      if (!signal.aborted) log.warn('lease not acquired', { error: messageOf(error) });
    }
    await pause(clock, retryMs * (1 + random()), signal);
  }
  return undefined;
}

/** In client-go's words. `before` is whose lease ran out or was given up; "" where nobody was waited for. */
function tell(lease: Lease, before: string, { identity, events }: LeaderElectionOptions): void {
  const about = lease.reference;
  const note = `${identity} became leader${before === '' ? '' : ` after ${before}`}`;
  if (about !== undefined) events?.record(about, { type: 'Normal', reason: 'LeaderElection', note });
}

/** Renews until `over` aborts; aborts `lost` where it fails to within the time that leaves no doubt. */
async function keepRenewed(
  lease: Lease,
  electedAt: number,
  lost: AbortController,
  over: AbortSignal,
  { clock, log }: LeaderElectionOptions,
): Promise<void> {
  const ended = AbortSignal.any([lost.signal, over]);
  const watchOver = (since: number): (() => void) =>
    clock.after(since + renewWithinMs - clock.monotonic(), () =>
      lost.abort(new LeadershipLost(`lease not renewed for ${renewWithinMs} ms`)),
    );
  let cancel = watchOver(electedAt);
  for (;;) {
    await pause(clock, retryMs, ended);
    if (ended.aborted) break;
    const began = clock.monotonic();
    try {
      if (!(await lease.renew(ended))) {
        lost.abort(new LeadershipLost(`lease taken by ${lease.holder || 'nobody'}`));
        break;
      }
      cancel();
      cancel = watchOver(began);
    } catch (error) {
      if (!ended.aborted) log.warn('lease not renewed', { error: messageOf(error) });
    }
  }
  cancel();
}
