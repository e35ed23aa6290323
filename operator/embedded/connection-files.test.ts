import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { connectionOf, encodeConnection } from '../../client/connection.ts';
import { temporaryFolder } from '../store/testing/folder.ts';
import { known } from '../testing/holder-states.ts';
import { aWallet } from '../testing/objects.ts';
import { connectionFile, connectionFiles } from './connection-files.ts';

const connection = connectionOf(
  known,
  new Map(known.genesis.holders.map(({ name }, i) => [name, `127.0.0.1:${i + 1}`])),
);

test.each([
  ['deleted', (file: string) => rmSync(dirname(file), { recursive: true })],
  ['damaged', (file: string) => writeFileSync(file, '{}')],
])('a connection file that was %s is written again, one that is right left alone', async (_, harm) => {
  const state = temporaryFolder();
  const scratch = join(state, 'operator');
  mkdirSync(scratch);
  const file = connectionFile(state, 'payments/treasury');
  const files = connectionFiles(state, scratch);
  const write = (): Promise<void> => files.publish(aWallet(), connection);
  await write();
  harm(file);
  await write();
  expect(readFileSync(file, 'utf8')).toBe(encodeConnection(connection));
  const { ino } = statSync(file);
  await write();
  expect(statSync(file).ino).toBe(ino);
  await files.withdraw('payments/treasury');
  expect(existsSync(file)).toBe(false);
});
