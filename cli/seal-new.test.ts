import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { readManifests } from '../operator/store/manifest.ts';
import { sealNew } from './seal-new.ts';
import { silentSession } from './testing/parsed-verb.ts';

it('writes a Secret with 32 bytes that no pruning tool deletes, for its owner alone, and never over another', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-seal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const output = join(folder, 'seal.yaml');
  await sealNew(silentSession, 'treasury-seal', { namespace: 'payments', key: 'kek', output });
  const bytes = readFileSync(output);
  const { secrets, problems } = readManifests('seal.yaml', bytes);
  expect(problems).toEqual([]);
  expect(secrets[0]).toMatchObject({ namespace: 'payments', name: 'treasury-seal' });
  expect(secrets[0]!.data.get('kek')).toHaveLength(32);
  expect(parse(bytes.toString())).toMatchObject({ metadata: { labels: { 'holdfast.dev/keeps': 'seal' } } });
  expect(statSync(output).mode & 0o777).toBe(0o600);
  await expect(sealNew(silentSession, 'treasury-seal', { namespace: 'payments', key: 'kek', output })).rejects.toThrow(
    'never overwritten',
  );
  expect(readFileSync(output).equals(bytes)).toBe(true);
});
