import { beforeAll, describe, expect, test } from 'vitest';
import { signerPorts } from '../../operator/fleet/kubernetes/pod-layout.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { apply, get } from './kubectl.ts';
import { addressOf, reach, scriptPod } from './probe.ts';

/*
 * What stands around signers comes back by itself within seconds after somebody deleted or changed it by hand.
 */

type Held = { readonly metadata: { readonly uid: string }; readonly spec?: unknown };

describe('what surrounds a signer', () => {
  let treasury: ClusterWallet;
  beforeAll(async () => {
    treasury = await ClusterWallet.found('healing');
  });

  const held = async (object: string): Promise<Held | undefined> =>
    get<Held>('-n', treasury.namespace, object).catch(() => undefined);
  const healed = async (object: string, before: Held | undefined, since: number): Promise<void> => {
    await expect.poll(async () => (await held(object))?.spec, { interval: 100 }).toEqual(before?.spec);
    console.error(`${object}: as before after ${((Date.now() - since) / 1000).toFixed(1)} s`);
  };

  test.each([
    'networkpolicy/treasury-client',
    'poddisruptionbudget/holdfast.%.treasury',
    'serviceaccount/treasury-client',
  ])('%s is made again where somebody deletes it', async (name) => {
    const object = name.replace('%', treasury.namespace);
    const before = await held(object);
    expect(before).toBeDefined();
    await treasury.kubectl('delete', object, '--wait=true');
    const since = Date.now();
    await expect.poll(async () => (await held(object))?.metadata.uid, { interval: 100 }).toBeDefined();
    expect((await held(object))?.metadata.uid).not.toBe(before?.metadata.uid);
    await healed(object, before, since);
  });

  test('a NetworkPolicy that somebody opens is closed again, and holds', async () => {
    const object = 'networkpolicy/treasury-client';
    const before = await held(object);
    await apply(scriptPod(treasury.namespace, 'neighbour', 'setInterval(() => {}, 1000)'));
    await treasury.kubectl('wait', 'pod/neighbour', '--for=condition=Ready', '--timeout=60s');
    const opened = JSON.stringify({ spec: { ingress: [{}] } });
    await treasury.kubectl('patch', object, '--type=merge', '-p', opened);
    await healed(object, before, Date.now());
    const address = await addressOf(treasury.namespace, 'treasury-client-0');
    await expect.poll(() => reach(treasury.namespace, 'neighbour', address, signerPorts.peer)).toBe('silent');
  });

  test('a Service that somebody deletes or points elsewhere leads to its signer again, and the wallet signs', async () => {
    const object = 'service/treasury-client';
    const before = (await held(object)) as { spec: { selector: unknown } } | undefined;
    const selector = async (): Promise<unknown> =>
      ((await held(object)) as { spec: { selector: unknown } } | undefined)?.spec.selector;
    await treasury.kubectl('patch', object, '--type=merge', '-p', '{"spec":{"selector":{"app":"elsewhere"}}}');
    await expect.poll(selector).toEqual(before?.spec.selector);
    await treasury.kubectl('delete', object, '--wait=true');
    await expect.poll(selector).toEqual(before?.spec.selector);
    // Its address is another by now.
    await treasury.signs('after-healing', 120);
    await treasury.ready(60);
  });

  test('a signer starts again that lost its ServiceAccount', async () => {
    await treasury.kubectl('delete', 'serviceaccount/treasury-backup', 'pod/treasury-backup-0');
    // There is no pod to wait for until it is made.
    const ready = async (): Promise<string> =>
      treasury
        .kubectl('get', 'pod/treasury-backup-0', '-o', 'jsonpath={.status.conditions[?(@.type=="Ready")].status}')
        .catch(() => '');
    await expect.poll(ready, { timeout: 120_000 }).toBe('True');
  });
});
