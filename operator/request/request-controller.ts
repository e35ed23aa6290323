import type { Clock } from '../../common/clock.ts';
import { parseTime } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import type { SignResult } from '../../client/sign-result.ts';
import type { WalletClient } from '../../client/wallet-client.ts';
import { statementDigest } from '../../statement/statements.ts';
import { keyString } from '../api/resource.ts';
import type { Key } from '../api/resource.ts';
import type { Controller } from '../operator.ts';
import type { ResourceStore } from '../store/resource-store.ts';
import type { OutcomeSeries } from '../wallet/outcome-series.ts';
import { backoffMs } from '../runtime/backoff.ts';
import { finishRequest, startRequest } from './request-plan.ts';

/** How a wallet's signers are asked; see WalletConnections. */
export interface Askable {
  has(wallet: string): boolean;
  client(wallet: string, signal: AbortSignal): Promise<Pick<WalletClient, 'sign'>>;
}

export type RequestControllerOptions = {
  readonly store: ResourceStore;
  readonly connections: Askable;
  /** Where outcomes are told. */
  readonly series: Pick<OutcomeSeries, 'add' | 'withdraw'>;
  readonly clock: Clock;
  readonly log: Log;
};

/** Longest pause between two times that signers are asked, and the pause once the request has expired. Milliseconds. */
const mostPauseMs = 5_000;
const expiredPauseMs = 30_000;
/** Pause while the signers of a founded wallet are not known yet. Milliseconds. */
const unreachablePauseMs = 1_000;

/**
 * Has signing requests signed: the same bytes again and again until signers say signed or denied. An expired request
 * is asked for too, since only they know whether a signature exists.
 */
export function requestController({ store, connections, series, clock, log }: RequestControllerOptions): Controller {
  const tries = new Map<
    string,
    { readonly failures: number; readonly notBefore: number; readonly available: string }
  >();
  return {
    kind: 'SigningRequest',
    async reconcile(key, signal) {
      const request = await store.get(key as Key<'SigningRequest'>);
      const end = (): undefined => void tries.delete(keyString(key));
      if (request === undefined) return end();
      const { namespace, name } = { namespace: key.namespace, name: request.spec.walletRef.name };
      const walletName = `${namespace}/${name}`;
      const wallet = await store.get({ kind: 'Wallet', namespace, name });
      const start = startRequest({ request, wallet, reachable: connections.has(walletName), now: clock.now() });
      if (start.kind === 'Done') return end();
      // Whatever woke this, its own status included: only other signers are a reason not to wait.
      const last = tries.get(keyString(key));
      const available = wallet?.status?.signersAvailable ?? '';
      if (start.kind === 'Ask' && last?.available === available && clock.now() < last.notBefore)
        return last.notBefore - clock.now();
      await store.writeStatus(request, start.status);
      if (start.kind === 'End') return end();
      if (start.kind === 'Wait') {
        // After the operator's own start a founded wallet's status may stay as it is: no change of it tells when its
        // signers can be asked again.
        const most = wallet?.status?.genesis === undefined ? 60_000 : unreachablePauseMs;
        return Math.max(unreachablePauseMs, Math.min(most, parseTime(request.spec.expiresAt) - clock.now()));
      }

      const result = await ask(connections, walletName, start, signal);
      const { status, event } = finishRequest(request, start.status, result, clock.now());
      await store.writeStatus(request, status);
      // A failure that is not told yet is none once there is an end.
      if (result.outcome !== 'failed')
        for (const failure of ['CeremonyFailed', 'ClockSkew'] as const) series.withdraw(key, failure, 'outcome');
      series.add(key, { ...event, at: clock.now(), about: 'outcome' });
      log.info('request answered', {
        request: `${key.namespace}/${key.name}`,
        outcome: result.outcome,
        ...(result.outcome !== 'signed' && { reason: result.reason }),
      });
      if (result.outcome !== 'failed') return end();
      const failures = (last?.failures ?? 0) + 1;
      const pause =
        clock.now() >= parseTime(request.spec.expiresAt) ? expiredPauseMs : Math.min(mostPauseMs, backoffMs(failures));
      tries.set(keyString(key), { failures, notBefore: clock.now() + pause, available });
      return pause;
    },
  };
}

async function ask(
  connections: Askable,
  wallet: string,
  { statement, signature }: { readonly statement: Uint8Array; readonly signature: string },
  signal: AbortSignal,
): Promise<SignResult> {
  try {
    const client = await connections.client(wallet, signal);
    return await client.sign(statement, signature, { signal });
  } catch (error) {
    signal.throwIfAborted();
    return {
      digest: statementDigest(statement),
      outcome: 'failed',
      reason: 'Unknown',
      message: messageOf(error),
      waitsFor: [],
      rule: '',
      policyDigest: '',
      coordinator: '',
      durations: {},
    };
  }
}
