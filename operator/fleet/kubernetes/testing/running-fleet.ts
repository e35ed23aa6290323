import { expect } from 'vitest';
import { untilServing } from '../../../../test/fleet-suite.ts';
import type { Resource, Signer } from '../../../api/resource.ts';
import type { Asked } from '../../../runtime/testing/api-server.ts';
import type { KubernetesFleet } from '../kubernetes-fleet.ts';
import { fleetOverApi, founded, specOf } from './fleet-over-api.ts';
import type { FleetOverApi } from './fleet-over-api.ts';

export const signersOf = (resources: readonly Resource[]): readonly Signer[] =>
  resources.filter((each): each is Signer => each.kind === 'Signer');

/** A founded wallet whose signers all run. */
export async function running(
  resources = founded(),
  over?: Parameters<typeof fleetOverApi>[1],
): Promise<FleetOverApi & { ensureAll(fleet?: KubernetesFleet): Promise<void> }> {
  const opened = await fleetOverApi(resources, over);
  const ensureAll = async (fleet = opened.fleet): Promise<void> => {
    for (const signer of signersOf([...opened.store.objects.values()])) await fleet.ensure(specOf(signer));
  };
  await ensureAll();
  await expect.poll(() => opened.cluster.ready).toHaveLength(signersOf(resources).length);
  for (const signer of signersOf(resources)) await untilServing(opened.fleet, specOf(signer), async () => {});
  return { ...opened, ensureAll };
}

/** A request in a word: how it was asked, and for what. */
export const asked = ({ method, path }: Asked): string => `${method} ${path.split('/').slice(-2).join('/')}`;
