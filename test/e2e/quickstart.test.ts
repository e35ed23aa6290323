import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { SigningRequest, Wallet } from '../../operator/api/resource.ts';
import { get, run } from './kubectl.ts';

/*
 * The commands of docs/tutorial/quickstart-on-kind.md, each block as a person would paste it. Its cluster and images are made by
 * the global set-up, with the same commands. The namespace has a name of its own, as each test's.
 */

const root = join(import.meta.dirname, '../..');
const namespace = `payments-quickstart-${process.pid}`;
const page = readFileSync(join(root, 'docs/tutorial/quickstart-on-kind.md'), 'utf8')
  .replaceAll('payments/treasury-seal', `${namespace}/treasury-seal`)
  .replaceAll(/(-n|namespace) payments\b/g, `$1 ${namespace}`);

const blocksUnder = (heading: string): readonly string[] => {
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = '']) => block);
};

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'holdfast-quickstart-'));
});
afterAll(() => rmSync(home, { recursive: true }));

/** Runs a section's commands in one shell; resolves with what they print. */
async function follow(heading: string): Promise<string> {
  const blocks = blocksUnder(heading);
  expect(blocks, heading).not.toEqual([]);
  const { operator, signer, softhsm } = inject('images');
  const images = `operator=${operator} signer=${signer} softhsm=${softhsm}`;
  const script = ['set -euo pipefail', `cd ${root}`, `export HOME=${home}`, images, ...blocks].join('\n');
  return run('bash', ['-c', script]);
}

const conditionsOf = async (kind: string, name: string) =>
  (await get<SigningRequest | Wallet>('-n', namespace, kind, name)).status?.conditions;

test('its cluster and images are those of these tests', () => {
  const setup = readFileSync(join(import.meta.dirname, 'global-setup.ts'), 'utf8');
  for (const script of ['scripts/setup.sh', 'test/cluster/up.sh', 'test/e2e/images.sh']) {
    expect(setup).toContain(`'${script}'`);
    expect(blocksUnder('A cluster').concat(blocksUnder('Images')).join('')).toContain(script);
  }
});

test('installs the chart', async () => {
  expect(await follow('Install')).toContain('successfully rolled out');
});

test('makes a wallet that is Ready', async () => {
  const said = await follow('A wallet');
  expect(said).toContain('wallet.holdfast.dev/treasury condition met');
  expect(said.match(/^pod\/treasury-\S+ +1\/1 +Running/gm)).toHaveLength(3);
});

test('has a message signed, and raw bytes refused', async () => {
  const said = await follow('Sign');
  expect(said).toMatch(/^signingrequest.holdfast.dev\/hello condition met\n[0-9a-f]{128}signingrequest/m);
  expect(said).toContain('PolicyDenied');
  expect(conditionOf(await conditionsOf('signingrequest', 'hello'), 'Succeeded')?.status).toBe('True');
  expect(conditionOf(await conditionsOf('signingrequest', 'raw'), 'Succeeded')?.reason).toBe('PolicyDenied');
});

test('is back after all pods were deleted', async () => {
  const before = await get<Wallet>('-n', namespace, 'wallet', 'treasury');
  expect(await follow('Break it')).toContain('wallet.holdfast.dev/treasury condition met');
  const after = await get<Wallet>('-n', namespace, 'wallet', 'treasury');
  expect(after.status?.keys).toEqual(before.status?.keys);
});
