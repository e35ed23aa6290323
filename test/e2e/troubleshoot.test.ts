import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { Signer, Wallet } from '../../operator/api/resource.ts';
import { apply, get, holderNamespace, kubectl, run } from './kubectl.ts';

/*
 * A wallet that is applied in the wrong order, one mistake after the other, as docs/how-to/troubleshoot.md has it: what a person
 * reads says what to do, and once that is done the wallet goes on by itself.
 */

const example = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../examples/quickstart', name), 'utf8');
const page = readFileSync(join(import.meta.dirname, '../../docs/how-to/troubleshoot.md'), 'utf8');
const unmarked = `unmarked-${process.pid}`;
let namespace: string;

beforeAll(async () => {
  namespace = await holderNamespace('mistakes');
  await kubectl('create', 'namespace', unmarked);
});

const readyOf = async (kind: 'wallet' | 'signer', name: string) =>
  conditionOf((await get<Wallet | Signer>('-n', namespace, kind, name)).status?.conditions, 'Ready');

test('in a namespace that is not marked it is refused, with the command that marks it', async () => {
  await expect(apply(example('wallet.yaml'), '-n', unmarked)).rejects.toThrow(
    /it is not marked: kubectl label namespace NAME holdfast\.dev\/keeps=shares/,
  );
  await kubectl('delete', 'namespace', unmarked, '--wait=false');
});

test('without its policy it says which one it waits for', async () => {
  await apply(example('wallet.yaml'), '-n', namespace);
  await expect
    .poll(() => readyOf('wallet', 'treasury'))
    .toMatchObject({
      status: 'False',
      reason: 'PolicyNotFound',
      message: `there is no SigningPolicy treasury in ${namespace}`,
    });
});

test("without the seal's Secret its signers are not started, and say where the reason is", async () => {
  const key = readFileSync(join(import.meta.dirname, '../vectors/sshsig/ed25519.pub'), 'utf8').trim();
  await apply(example('policy.yaml').replace('INITIATOR_KEY', key), '-n', namespace);
  await expect
    .poll(() => readyOf('wallet', 'treasury'))
    .toMatchObject({ status: 'False', reason: 'WaitingForSigners' });
  const describe = `kubectl -n ${namespace} describe pod treasury-client-0`;
  await expect
    .poll(async () => (await readyOf('signer', 'treasury-client'))?.message)
    .toContain(`if that lasts, ${describe} says why`);
  const [, ...words] = describe.split(' ');
  await expect.poll(() => kubectl(...words)).toContain('secret "treasury-seal" not found');
});

test('once all is there it founds itself', async () => {
  await apply({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'treasury-seal' },
    data: { kek: randomBytes(32).toString('base64') },
  });
  // The kubelet tries again within two minutes.
  await kubectl('-n', namespace, 'wait', 'wallet/treasury', '--for=condition=Ready', '--timeout=240s');
});

test("the page's commands say how it is, and whether NetworkPolicies are enforced", async () => {
  const [look = '', probe = '', ...others] = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) =>
    block.replaceAll('-n payments', `-n ${namespace}`),
  );
  expect(others).toEqual([]);
  const said = await run('bash', ['-euc', look]);
  expect(said).toMatch(/^wallet.holdfast.dev\/treasury +True/m);
  expect(said).toContain('KeysGenerated');
  expect((await run('bash', ['-euc', probe])).trim()).toBe('silent');
});
