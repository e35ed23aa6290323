import { expect, test } from 'vitest';
import { silentLog } from '../common/log.ts';
import { keyOf, keyString } from './api/resource.ts';
import type { Key, Kind } from './api/resource.ts';
import { operatorMetrics } from './operator-metrics.ts';
import { runOperator } from './operator.ts';
import type { Controller, OperatorOptions } from './operator.ts';
import { manualClock, settle } from '../common/testing/manual-clock.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { aPolicy, aSigner, aWallet } from './testing/objects.ts';

/** A store whose changes go on until the operator stops; `change` tells of one more. */
class ChangingStore extends MemoryStore {
  #more: Key[] = [];
  #wake: () => void = () => {};

  change(key: Key): void {
    this.#more.push(key);
    this.#wake();
  }

  override async *changes(signal?: AbortSignal): AsyncGenerator<Key> {
    yield* super.changes();
    signal?.addEventListener('abort', () => this.#wake());
    while (signal?.aborted !== true) {
      for (const key of this.#more.splice(0)) yield key;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function running(
  work: (key: Key, at: number) => number | undefined | Promise<number | undefined>,
  over: Partial<OperatorOptions> = {},
) {
  const store = new ChangingStore(aWallet(), aSigner('client'));
  const clock = manualClock();
  const looked: string[] = [];
  const metrics = operatorMetrics();
  const stop = new AbortController();
  const controller = (kind: Kind): Controller => ({
    kind,
    async reconcile(key) {
      looked.push(`${clock.monotonic()} ${keyString(key)}`);
      return work(key, clock.monotonic());
    },
  });
  const ended = runOperator({
    store,
    controllers: [controller('Wallet'), controller('Signer')],
    clock,
    log: silentLog,
    meter: metrics.meter,
    signal: stop.signal,
    ...over,
  });
  const wallets = (): string[] => looked.filter((entry) => entry.includes(' Wallet/'));
  return { store, clock, looked, wallets, stop, ended, text: () => metrics.registry.metrics() };
}

const wallet = keyOf<Kind>(aWallet());

test('every object is looked at, and so is one that belongs to no object of the store', async () => {
  const gone: Key = { kind: 'Wallet', namespace: 'payments', name: 'gone' };
  const { looked, stop, ended } = running(() => undefined, { others: async () => [gone] });
  await settle();
  expect(new Set(looked)).toEqual(
    new Set(['0 Wallet/payments/gone', '0 Wallet/payments/treasury', '0 Signer/payments/treasury-client']),
  );
  stop.abort();
  await ended;
});

test('a change is looked at, and wakes the objects that depend on it; kinds without a controller only wake', async () => {
  const { store, looked, stop, ended } = running(() => undefined);
  await settle();
  looked.length = 0;
  store.put(aPolicy());
  store.change(keyOf<Kind>(aPolicy()));
  await settle();
  expect(looked).toEqual(['0 Wallet/payments/treasury']);
  stop.abort();
  await ended;
});

test('an object is looked at again when it said, and after a minute in any case', async () => {
  const { clock, wallets, stop, ended } = running((_, at) => (at === 0 ? 1_000 : undefined));
  await clock.pass(60_000);
  expect(new Set(wallets())).toEqual(
    new Set(['0 Wallet/payments/treasury', '1000 Wallet/payments/treasury', '60000 Wallet/payments/treasury']),
  );
  stop.abort();
  await ended;
});

test('many calm objects are each looked at more seldom, and one at work no more seldom than few others at work', async () => {
  const store = new MemoryStore(
    ...Array.from({ length: 400 }, (_, i) => aWallet(undefined, undefined, { name: `w${i}` })),
    aSigner('client'),
  );
  const { clock, looked, stop, ended } = running((key) => (key.name === 'w0' ? 200 : 1_000), {
    store: Object.assign(new ChangingStore(), { objects: store.objects }),
  });
  await clock.pass(40_000);
  const looks = (name: string): number => looked.filter((entry) => entry.endsWith(`/${name}`)).length;
  expect(looks('w0')).toBe(201);
  // The first time all were looked at there were fewer.
  expect(looks('w399')).toBeGreaterThanOrEqual(10);
  expect(looks('w399')).toBeLessThanOrEqual(12);
  expect(looks('treasury-client')).toBe(41);
  stop.abort();
  await ended;
});

test('an error is tried again after a pause, and counted', async () => {
  let failures = 0;
  const { clock, text, stop, ended } = running((key) => {
    if (key.kind === 'Wallet' && failures++ < 2) throw new Error('no');
    return undefined;
  });
  await clock.pass(1_000);
  expect(failures).toBeGreaterThanOrEqual(3);
  expect(await text()).toContain('controller_runtime_reconcile_errors_total{controller="wallet"} 2');
  expect(await text()).toContain('workqueue_retries_total{name="wallet",controller="wallet"} 2');
  expect(await text()).toContain('workqueue_queue_duration_seconds_count{name="wallet",controller="wallet"} 3');
  expect(await text()).toContain('workqueue_work_duration_seconds_count{name="wallet",controller="wallet"} 3');
  expect(await text()).toContain('controller_runtime_max_concurrent_reconciles{controller="wallet"} 16');
  stop.abort();
  await ended;
});

test('it ends when it is told to, once the last look is over', async () => {
  let finish = (): void => {};
  const { store, stop, ended, looked } = running((key) =>
    key.kind === 'Wallet'
      ? new Promise<undefined>((resolve) => {
          finish = () => resolve(undefined);
        })
      : undefined,
  );
  await settle();
  stop.abort();
  let over = false;
  const ending = ended.then(() => {
    over = true;
  });
  store.change(wallet);
  await settle();
  expect(over).toBe(false);
  finish();
  await ending;
  expect(looked.filter((entry) => entry.includes('Wallet'))).toHaveLength(1);
});

test('changes that end by an error end the operator', async () => {
  const store = new MemoryStore();
  store.changes = () => {
    throw new Error('the folder is gone');
  };
  await expect(running(() => undefined, { store }).ended).rejects.toThrow('the folder is gone');
});

test('the series that dashboards read have their names', async () => {
  const { clock, text, stop, ended } = running(() => undefined);
  await clock.pass(0);
  const names = (await text()).split('\n').flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []);
  expect(names).toEqual([
    'controller_runtime_reconcile_total',
    'controller_runtime_reconcile_errors_total',
    'controller_runtime_reconcile_time_seconds',
    'workqueue_adds_total',
    'workqueue_retries_total',
    'workqueue_queue_duration_seconds',
    'workqueue_work_duration_seconds',
    'workqueue_depth',
    'workqueue_unfinished_work_seconds',
    'workqueue_longest_running_processor_seconds',
    'controller_runtime_active_workers',
    'controller_runtime_max_concurrent_reconciles',
    'holdfast_wallet_condition',
    'holdfast_wallet_tolerable_losses',
  ]);
  stop.abort();
  await ended;
});

test('a wallet that goes takes its series along', async () => {
  const { meter, registry } = operatorMetrics();
  const ready = { type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: '' } as const;
  meter.wallet('payments/treasury', [ready], 1);
  const text = await registry.metrics();
  expect(text).toContain('holdfast_wallet_condition{wallet="payments/treasury",condition="Ready"} 1');
  expect(text).toContain('holdfast_wallet_condition{wallet="payments/treasury",condition="Independent"} 0');
  expect(text).toContain('holdfast_wallet_tolerable_losses{wallet="payments/treasury"} 1');
  meter.walletGone('payments/treasury');
  expect(await registry.metrics()).not.toContain('payments/treasury');
});
