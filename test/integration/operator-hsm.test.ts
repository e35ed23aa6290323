import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { silentLog } from '../../common/log.ts';
import { installSoftHsm, softHsmModule } from '../../hsm/testing/soft-token.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import { apiVersion } from '../../operator/api/resource.ts';
import type { Key } from '../../operator/api/resource.ts';
import { runEmbedded } from '../../operator/embedded.ts';
import { findProcess } from '../../operator/fleet/process-identity.ts';
import { manifestsFolder } from './testing/manifests-folder.ts';
import { OperatorUnderTest } from './testing/operator-under-test.ts';

const walletKey: Key<'Wallet'> = { kind: 'Wallet', namespace: 'payments', name: 'treasury' };
const signerKey: Key<'Signer'> = { kind: 'Signer', namespace: 'payments', name: 'treasury-backup' };

beforeAll(installSoftHsm);

it('founds a wallet with a holder behind an HSM, says what ails it, and goes on when that is mended', async () => {
  const folder = await manifestsFolder();
  const socket = join(folder.dir, '.holdfast/signers/payments/treasury/backup/hsm.sock');
  const pidOf = (flag: '--hsm-socket' | '--socket'): number => findProcess([flag, socket])?.process.pid ?? 0;
  const right = randomBytes(32).toString('base64');
  const wrong = Buffer.from('271828').toString('base64');
  const pinFile = join(folder.dir, '.holdfast/seals/payments/treasury/backup.pin');
  /** Resolves when the sidecar's file has it. */
  const setPin = async (pin: string): Promise<void> => {
    await folder.write('pin.yaml', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'treasury-pin', namespace: 'payments' },
      data: { pin },
    });
    await expect.poll(() => readFile(pinFile, 'base64').catch(() => ''), { timeout: 20_000, interval: 50 }).toBe(pin);
  };
  await folder.write('backup.yaml', {
    apiVersion,
    kind: 'Signer',
    metadata: { name: 'treasury-backup', namespace: 'payments' },
    spec: {
      walletRef: { namespace: 'payments', name: 'treasury', holder: 'backup' },
      seal: {
        pkcs11: {
          image: `registry.example/hsm@sha256:${'0'.repeat(64)}`,
          module: softHsmModule(),
          tokenLabel: 'backup',
          pinSecretRef: { name: 'treasury-pin', key: 'pin' },
          storage: {},
        },
      },
    },
  });
  let operator = new OperatorUnderTest(folder.dir);
  onTestFinished(async () => {
    await operator.end('SIGKILL');
    const stop = new AbortController();
    const last = await runEmbedded({ dir: folder.dir, signal: stop.signal, log: silentLog, stopSigners: true });
    stop.abort();
    await last.ended.catch(() => {});
    await folder.remove();
  });
  const messageUntil = async (status: 'True' | 'False', reason: string): Promise<string> =>
    conditionOf((await operator.untilCondition(signerKey, 'Ready', status, reason)).status?.conditions, 'Ready')
      ?.message ?? '';
  expect(await messageUntil('False', 'SealNotFound')).toContain('holdfast seal new treasury-pin');
  await setPin(right);
  await operator.untilCondition(walletKey, 'Ready', 'True');
  expect(await messageUntil('True', 'Serving')).toContain('without effect in this version: spec.seal.pkcs11.image');
  const [signer, sidecar] = [pidOf('--hsm-socket'), pidOf('--socket')];

  // Taken up by the sidecar that comes after.
  await setPin(wrong);
  process.kill(sidecar, 'SIGKILL');
  expect(await messageUntil('False', 'SealUnavailable')).toMatch(/PinRefused|SidecarMissing/);
  await operator.until(signerKey, 'PinRefused', ({ status }) =>
    (conditionOf(status?.conditions, 'Ready')?.message ?? '').startsWith('PinRefused: '),
  );
  await operator.untilCondition(walletKey, 'Ready', 'True');
  await setPin(right);
  await messageUntil('True', 'Serving');
  expect(pidOf('--hsm-socket')).toBe(signer);

  // Another operator finds both.
  const before = [signer, pidOf('--socket')];
  await operator.end('SIGKILL');
  operator = new OperatorUnderTest(folder.dir);
  await messageUntil('True', 'Serving');
  expect([pidOf('--hsm-socket'), pidOf('--socket')]).toEqual(before);

  // A signer that waits for its HSM before it can say who it is.
  await setPin(wrong);
  for (const pid of before.toReversed()) process.kill(pid, 'SIGKILL');
  await operator.until(signerKey, 'PinRefused', ({ status }) =>
    (conditionOf(status?.conditions, 'Ready')?.message ?? '').startsWith('PinRefused: '),
  );
  await setPin(right);
  await messageUntil('True', 'Serving');
  expect(operator.log).not.toContain(right);
});
