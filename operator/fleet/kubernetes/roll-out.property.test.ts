import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { aWallet } from '../../testing/objects.ts';
import type { RequestFault, WatchFault } from '../../runtime/testing/api-state.ts';
import { imageOf } from './signer-set.ts';
import type { SignerSet } from './signer-set.ts';
import { digestOf } from './testing/facts.ts';
import { fleetOverApi, founded, specOf } from './testing/fleet-over-api.ts';
import { worst } from './testing/roll-outs.ts';

type Step =
  | { readonly kind: 'ensure'; readonly at: number }
  | { readonly kind: 'change'; readonly digit: string }
  | { readonly kind: 'fault'; readonly fault: RequestFault; readonly before: number }
  | { readonly kind: 'watch'; readonly fault: WatchFault }
  | { readonly kind: 'reopen' | 'compact' }
  | { readonly kind: 'wait'; readonly ms: number };

/** All but silence, which lasts for minutes. */
const faults: readonly RequestFault[] = [
  { kind: 'answer lost' },
  { kind: 'answer lost' },
  { kind: 'cut off' },
  { kind: 'not json' },
  { kind: 'status', status: 409, reason: 'Conflict' },
  { kind: 'status', status: 500, reason: 'InternalError' },
];
const watchFaults: readonly WatchFault[] = ['reset', 'end', 'cut off', 'expired', 'error', 'repeat last', 'repeat all'];

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('ensure' as const), at: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('change' as const), digit: fc.constantFrom('c', 'd', 'e') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault: fc.constantFrom(...faults),
      before: fc.nat(4),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('watch' as const), fault: fc.constantFrom(...watchFaults) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('reopen' as const, 'compact' as const) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(15) }) },
);

const imageWith = (digit: string): string => `registry.example/holdfast/signer@${digestOf(digit)}`;

it(
  'whatever the API server does, one signer changes at a time, and all change in the end',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
        const resources = founded(aWallet());
        const [wallet, ...signers] = resources;
        const opened = await fleetOverApi(resources);
        const { server, cluster, store, object } = opened;
        let fleet = opened.fleet;
        let image = imageWith('a');
        const say = (): void => signers.forEach((each) => store.put({ ...each, spec: { ...each.spec, image } }));
        const ensure = (at: number): Promise<void> => fleet.ensure(specOf(signers[at]!));
        say();
        for (const at of signers.keys()) await ensure(at);
        await expect.poll(() => cluster.ready).toHaveLength(3);

        for (const each of steps)
          switch (each.kind) {
            case 'ensure':
              await ensure(each.at).catch(() => {});
              break;
            case 'change':
              image = imageWith(each.digit);
              say();
              break;
            case 'fault': {
              let { before } = each;
              server.faults.shift = () => (before-- === 0 ? each.fault : undefined);
              break;
            }
            case 'watch':
              server.disturb(each.fault);
              break;
            case 'compact':
              server.compact();
              break;
            case 'reopen':
              server.faults.shift = () => undefined;
              fleet = await opened.reopen();
              break;
            case 'wait':
              await delay(each.ms);
              break;
          }

        server.faults.shift = () => undefined;
        await expect
          .poll(
            async () => {
              for (const at of signers.keys()) await ensure(at).catch(() => {});
              return signers.map(({ metadata }) =>
                imageOf(object({ apiVersion: 'apps/v1', kind: 'StatefulSet' }, metadata.name) as SignerSet),
              );
            },
            { interval: 5 },
          )
          .toEqual(signers.map(() => image));
        await expect.poll(() => cluster.ready).toHaveLength(3);
        const { ready, changing } = worst(cluster.events);
        expect(ready).toBeGreaterThanOrEqual(wallet.spec.threshold);
        expect(changing).toBeLessThanOrEqual(1);
        cluster.stop();
        await fleet.close();
      }),
      { numRuns: 5 },
    );
  },
);
