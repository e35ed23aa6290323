import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { identityOf, readOperatorIdentity } from './operator-identity.ts';
import { temporaryFolder } from './store/testing/folder.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

test('an identity that others keep is read, and its file left as it is', async () => {
  const folder = temporaryFolder({ 'identity.pem': pem });
  const file = join(folder, 'identity.pem');
  // As a Secret is mounted: for the group, and not the operator's to change.
  chmodSync(file, 0o440);
  expect((await readOperatorIdentity(file)).fingerprint).toBe(identityOf(privateKey).fingerprint);
  expect(statSync(file).mode & 0o777).toBe(0o440);
});

test.each([
  ['is missing', {}, 'ENOENT'],
  ['is no key', { 'identity.pem': 'not a key' }, 'cannot use the operator identity'],
  [
    'is of another kind',
    {
      'identity.pem': generateKeyPairSync('ec', { namedCurve: 'P-256' })
        .privateKey.export({ format: 'pem', type: 'pkcs8' })
        .toString(),
    },
    'want an Ed25519 key, got ec',
  ],
])('a file that %s stops the operator, and is not quoted', async (_, files: Record<string, string>, message) => {
  const read = readOperatorIdentity(join(temporaryFolder(files), 'identity.pem'));
  await expect(read).rejects.toMatchObject({
    name: 'UserError',
    exitCode: 2,
    message: expect.stringContaining(message) as string,
  });
  await expect(read).rejects.not.toThrow('not a key');
});
