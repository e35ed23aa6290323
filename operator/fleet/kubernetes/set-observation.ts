import type { NotRunning, SignerObservation } from '../fleet.ts';
import { signerEndpoint } from './signer-network.ts';
import { hasPod, isReady, podName } from './signer-set.ts';
import type { SignerSet } from './signer-set.ts';

/** What came of the last `ensure` of a signer, where not all of it is in force. */
export type Standing = {
  readonly problem?: { readonly reason: NotRunning; readonly message: string };
  /** What a changed template waits for. */
  readonly waits?: string;
};

/** Where a signer is reached, by its StatefulSet or its Signer, which have the same name. */
export const signerEndpoints = (of: Parameters<typeof signerEndpoint>[0]) => ({
  signEndpoint: signerEndpoint(of, 'sign'),
  peerEndpoint: signerEndpoint(of, 'peer'),
  metricsEndpoint: signerEndpoint(of, 'metrics'),
});

/**
 * A signer as its StatefulSet shows it. One that has a pod is running, ready or not: it is reached before it is ready,
 * and says itself what it lacks. Why a pod does not start is in its events, which the operator may not read.
 */
export function observed(
  set: SignerSet | undefined,
  { problem, waits }: Standing,
  restarts: number,
): SignerObservation | undefined {
  if (set === undefined) {
    if (problem === undefined) return undefined;
    const nowhere = { signEndpoint: '', peerEndpoint: '', metricsEndpoint: '' };
    return { running: false, restarts, ...nowhere, ...problem };
  }
  const endpoints = signerEndpoints(set);
  const { namespace, name } = set.metadata;
  if (!hasPod(set))
    return {
      running: false,
      restarts,
      ...endpoints,
      ...(problem ?? {
        reason: 'Starting',
        message: `StatefulSet ${namespace}/${name} has no pod yet: if that lasts, kubectl -n ${namespace} describe statefulset ${name} says why`,
      }),
    };
  const pod = podName(set);
  return {
    running: true,
    restarts,
    ...endpoints,
    reason: '',
    message: '',
    ...(!isReady(set) && {
      unready: `pod ${namespace}/${pod} is not ready: if that lasts, kubectl -n ${namespace} describe pod ${pod} says why`,
    }),
    ...(waits !== undefined && { waits }),
    ...(problem !== undefined && { warning: problem }),
  };
}
