import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionOf, encodeConnection } from './connection.ts';
import { readConnectionFile } from './connection-file.ts';
import { fakeWallet } from './testing/fake-wallet.ts';
import { verifyWalletFacts } from './wallet-facts.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-connection-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('a file of the operator is read, one that is not there is none, and an error names the file', async () => {
  const fake = fakeWallet();
  const wallet = verifyWalletFacts(fake.facts, { fingerprints: fake.holders.map(({ fingerprint }) => fingerprint) });
  const connection = connectionOf(wallet, new Map([['client', '127.0.0.1:8002']]));
  const file = join(folder, 'treasury.json');
  expect(await readConnectionFile(file)).toBeUndefined();
  writeFileSync(file, encodeConnection(connection));
  expect(await readConnectionFile(file)).toMatchObject(connection);
  writeFileSync(file, '{}');
  await expect(readConnectionFile(file)).rejects.toThrow(`${file}: connection`);
  await expect(readConnectionFile(folder)).rejects.toThrow(`${folder}: cannot read`);
});
