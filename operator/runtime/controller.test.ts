import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createLog } from '../../common/log.ts';
import { manualClock, settle } from '../../common/testing/manual-clock.ts';
import { controllerMeter } from './controller-metrics.ts';
import { startController } from './controller.ts';
import type { ControllerOptions } from './controller.ts';
import { KubeError } from './kube-error.ts';

function running(reconcile: ControllerOptions['reconcile']) {
  const clock = manualClock();
  const registry = new Registry();
  const stop = new AbortController();
  const lines: string[] = [];
  const controller = startController({
    name: 'wallet',
    workers: 2,
    reconcile,
    clock,
    log: createLog((line) => lines.push(line), 'debug'),
    meter: controllerMeter(registry),
    signal: stop.signal,
  });
  return {
    clock,
    controller,
    stop,
    levels: () => lines.map((line) => JSON.parse(line).level),
    text: () => registry.metrics(),
  };
}

test('the series of a controller are there, at 0, before its first look', async () => {
  const text = await running(async () => undefined).text();
  for (const line of [
    'controller_runtime_reconcile_total{controller="wallet",result="error"} 0',
    'controller_runtime_reconcile_errors_total{controller="wallet"} 0',
    'workqueue_adds_total{name="wallet",controller="wallet"} 0',
    'workqueue_depth{name="wallet",controller="wallet"} 0',
    'controller_runtime_max_concurrent_reconciles{controller="wallet"} 2',
  ])
    expect(text).toContain(line);
});

test('looks are counted by result, and one that goes on by its time', async () => {
  let finish = (): void => {};
  const { clock, controller, text } = running(async (key) => {
    if (key === 'slow') await new Promise<void>((resolve) => (finish = resolve));
    return key === 'again' ? 600_000 : undefined;
  });
  for (const key of ['slow', 'again', 'once']) controller.add(key);
  await clock.pass(2_500);
  const during = await text();
  for (const line of [
    'controller_runtime_reconcile_total{controller="wallet",result="success"} 1',
    'controller_runtime_reconcile_total{controller="wallet",result="requeue_after"} 1',
    'workqueue_adds_total{name="wallet",controller="wallet"} 3',
    'workqueue_longest_running_processor_seconds{name="wallet",controller="wallet"} 2.5',
    'workqueue_unfinished_work_seconds{name="wallet",controller="wallet"} 2.5',
    'controller_runtime_active_workers{controller="wallet"} 1',
  ])
    expect(during).toContain(line);
  finish();
  await settle();
  expect(await text()).toContain('controller_runtime_active_workers{controller="wallet"} 0');
});

test('a look that the server asks to wait for is tried again no sooner', async () => {
  const at: number[] = [];
  const { clock, controller } = running(async () => {
    at.push(clock.monotonic());
    if (at.length === 1) throw new KubeError('busy', { status: 429, retryAfterMs: 20_000 });
    return undefined;
  });
  controller.add('a');
  await clock.pass(60_000);
  expect(at).toEqual([0, 20_000]);
});

test('a conflict is tried again quietly, another error is an error in the log', async () => {
  const errors = [new KubeError('changed meanwhile', { status: 409 }), new Error('broken')];
  const { clock, controller, levels } = running(async () => {
    const error = errors.shift();
    if (error) throw error;
    return undefined;
  });
  controller.add('a');
  await clock.pass(60_000);
  expect(levels()).toEqual(['debug', 'error']);
});

test('what fails because it was stopped is no error', async () => {
  const { controller, stop, levels } = running(
    (_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
  );
  controller.add('a');
  stop.abort();
  await controller.stop();
  expect(levels()).toEqual([]);
});
