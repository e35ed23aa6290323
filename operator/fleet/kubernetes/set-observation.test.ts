import { expect, it } from 'vitest';
import { observed } from './set-observation.ts';
import type { SignerSet } from './signer-set.ts';

const set = (status: SignerSet['status']): SignerSet => ({
  metadata: { namespace: 'acme', name: 'mine', uid: 'u', resourceVersion: '1', generation: 1 },
  spec: { replicas: 1 },
  ...(status && { status }),
});
const problem = { reason: 'InternalError', message: 'refused' } as const;
const pod = { observedGeneration: 1, replicas: 1 };
const ready = { ...pod, readyReplicas: 1 };

it('nothing is seen of a signer that nobody asked for', () => {
  expect(observed(undefined, {}, 0)).toBeUndefined();
});

it('what kept a signer from being made is said, without an address', () => {
  expect(observed(undefined, { problem }, 0)).toEqual({
    running: false,
    restarts: 0,
    signEndpoint: '',
    peerEndpoint: '',
    metricsEndpoint: '',
    ...problem,
  });
});

it.each<[string, SignerSet['status'], Parameters<typeof observed>[1], object]>([
  ['without a pod', undefined, {}, { running: false, reason: 'Starting', message: /describe statefulset mine/ }],
  ['without a pod, for a reason', undefined, { problem }, { running: false, ...problem }],
  ['with a pod that starts', pod, {}, { running: true, reason: '', message: '', unready: /acme\/mine-0 is not ready/ }],
  ['that is ready', ready, {}, { running: true, reason: '', unready: undefined, warning: undefined, waits: undefined }],
  ['whose change waits', ready, { waits: 'another' }, { running: true, reason: '', waits: 'another' }],
  ['that is not as it should be', ready, { problem }, { running: true, reason: '', message: '', warning: problem }],
])('a signer %s', (_, status, standing, expected) => {
  const seen: object = { ...observed(set(status), standing, 3), restarts: 3 };
  for (const [name, value] of Object.entries(expected)) {
    const held = (seen as Readonly<Record<string, unknown>>)[name];
    if (value instanceof RegExp) expect(held).toMatch(value);
    else expect(held).toEqual(value);
  }
  expect(seen).toMatchObject({ signEndpoint: 'mine.acme.svc:8443', peerEndpoint: 'mine.acme.svc:7443' });
});
