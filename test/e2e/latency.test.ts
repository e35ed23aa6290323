import { beforeAll, describe, expect, test } from 'vitest';
import { offchainMessage } from '../../client/offchain-message.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { SigningRequest } from '../../operator/api/resource.ts';
import type { KubeClient } from '../../operator/runtime/kube-client.ts';
import { pathOf } from '../../operator/runtime/kube-object.ts';
import { applyObject } from '../../operator/runtime/objects.ts';
import { resourceType } from '../../operator/store/kubernetes/resource-type.ts';
import { percentiles } from '../bench/percentiles.ts';
import { adminClient } from './api.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { apply } from './kubectl.ts';

/*
 * How long a SigningRequest takes, from just before it is applied until a watch tells that it succeeded, and where the time
 * goes. The API server is asked as kubectl asks it, and then kubectl itself, whose own start is a good part of its time.
 */

const requests = 30;
const byKubectl = 10;
const type = resourceType('SigningRequest');

/** Milliseconds, each of its own clock alone: of a watch, and of the signer that coordinated. */
type Timed = {
  readonly total: number;
  /** Until the watch told of the request. */
  readonly applied: number;
  /** From there until the operator's first status: that signers are asked. */
  readonly noticed: number;
  /** From there until the status with the signature, the ceremony included. */
  readonly answered: number;
  readonly ceremony: number;
};

describe('a SigningRequest on a cluster', () => {
  let treasury: ClusterWallet;
  let client: KubeClient;
  let message: (id: string) => Uint8Array;
  /** When each request was first told of, asked for and signed. */
  const seen = new Map<string, { at: number; asked?: number; signed?: number; object: SigningRequest }>();

  beforeAll(async () => {
    treasury = await ClusterWallet.found('latency');
    const publicKey = await treasury.publicKey();
    message = (id) => offchainMessage(id, publicKey);
    client = adminClient();
    const stop = new AbortController();
    const watching = watch(stop.signal);
    return async () => {
      stop.abort();
      await watching.catch(() => {});
      client.close();
    };
  });

  async function watch(signal: AbortSignal): Promise<void> {
    const path = pathOf(type, { namespace: treasury.namespace });
    for await (const { object } of client.watch({ path, query: { timeoutSeconds: 600 }, signal })) {
      const now = performance.now();
      const request = object as SigningRequest;
      const { name } = request.metadata;
      const entry = seen.get(name) ?? { at: now, object: request };
      seen.set(name, entry);
      entry.object = request;
      const { conditions } = request.status ?? {};
      if (conditionOf(conditions, 'Finished') !== undefined) entry.asked ??= now;
      if (conditionOf(conditions, 'Succeeded')?.status === 'True') entry.signed ??= now;
    }
  }

  async function timed(id: string, send: (request: object) => Promise<unknown>): Promise<Timed> {
    const request = await treasury.signed(id, { chain: '', format: 'Message', data: message(id) });
    const began = performance.now();
    await send(request);
    await expect.poll(() => seen.get(id)?.signed, { timeout: 30_000, interval: 10 }).toBeDefined();
    const { at, asked = NaN, signed = NaN, object } = seen.get(id)!;
    return {
      total: signed - began,
      applied: at - began,
      noticed: asked - at,
      answered: signed - asked,
      ceremony: object.status?.durations?.['total'] ?? NaN,
    };
  }

  function report(title: string, times: readonly Timed[]): number {
    const line = (name: string, of: (each: Timed) => number): string => {
      const { best, p50, p99 } = percentiles(times.map(of));
      return `  ${name.padEnd(52)}${[best, p50, p99].map((ms) => ms.toFixed(0).padStart(7)).join('')}`;
    };
    const lines = [
      `${title}, ${times.length} requests, ms:`.padEnd(54) + ['best', 'p50', 'p99'].map((w) => w.padStart(7)).join(''),
      line('from apply to Succeeded', ({ total }) => total),
      line('  until the request is watched', ({ applied }) => applied),
      line('  until the operator says that signers are asked', ({ noticed }) => noticed),
      line('  until the signature is in the status', ({ answered }) => answered),
      line('    of it the ceremony, by its coordinator', ({ ceremony }) => ceremony),
      line('all but the ceremony', ({ total, ceremony }) => total - ceremony),
    ];
    console.error(lines.join('\n'));
    return percentiles(times.map(({ total }) => total)).p50;
  }

  test('succeeds within half a second of its apply', async () => {
    await treasury.signs('first');
    const times: Timed[] = [];
    for (let i = 0; i < requests; i++)
      times.push(
        await timed(`served-${i}`, (request) =>
          applyObject(client, type, request as Parameters<typeof applyObject>[2], { fieldManager: 'kubectl' }),
        ),
      );
    const p50 = report('Applied as kubectl does', times);

    const started: Timed[] = [];
    for (let i = 0; i < byKubectl; i++) started.push(await timed(`kubectl-${i}`, (request) => apply(request)));
    report('Applied by kubectl, its own start included', started);
    expect(p50).toBeLessThan(500);
  });
});
