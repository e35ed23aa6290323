import { chmodSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLog } from '../../common/log.ts';
import { put, temporaryFolder } from '../store/testing/folder.ts';
import { loadOrCreateOperatorIdentity } from './operator-identity.ts';

test('an identity is made once, for this user alone', async () => {
  const folder = temporaryFolder();
  const made = await loadOrCreateOperatorIdentity(folder, silentLog);
  expect(made.fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(statSync(join(folder, 'identity.pem')).mode & 0o777).toBe(0o600);
  const again = await loadOrCreateOperatorIdentity(folder, silentLog);
  expect(again.fingerprint).toBe(made.fingerprint);
  expect(again.certificate).toEqual(made.certificate);
});

test('a file that others could read is closed to them', async () => {
  const folder = temporaryFolder();
  const { fingerprint } = await loadOrCreateOperatorIdentity(folder, silentLog);
  chmodSync(join(folder, 'identity.pem'), 0o644);
  expect((await loadOrCreateOperatorIdentity(folder, silentLog)).fingerprint).toBe(fingerprint);
  expect(statSync(join(folder, 'identity.pem')).mode & 0o777).toBe(0o600);
});

test('a file that is no such key stops the operator, is kept, and is not quoted', async () => {
  const folder = temporaryFolder({ 'identity.pem': 'not a key' });
  await expect(loadOrCreateOperatorIdentity(folder, silentLog)).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringMatching(/^cannot use the operator identity .*identity\.pem: (?!.*not a key)/) as string,
    hints: [expect.stringContaining('remove the file') as string],
  });
  expect(readFileSync(join(folder, 'identity.pem'), 'utf8')).toBe('not a key');
  put(folder, 'identity.pem', '');
  await expect(loadOrCreateOperatorIdentity(folder, silentLog)).rejects.toThrow('cannot use the operator identity');
});
