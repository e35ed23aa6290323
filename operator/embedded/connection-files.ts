import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeConnection } from '../../client/connection.ts';
import type { Connection } from '../../client/connection.ts';
import { removeDurably, writeAtomically } from '../atomic-file.ts';

/** Where the operator writes how clients reach a wallet (`namespace/name`), for client/connection.ts to read. */
export const connectionFile = (state: string, wallet: string): string => join(state, 'connections', `${wallet}.json`);

/**
 * Makes a wallet's connection file say what it should, whole or not at all; removes it where there is no connection any
 * more. One that says so already is left alone.
 */
export async function writeConnection(
  state: string,
  scratch: string,
  wallet: string,
  connection: Connection | undefined,
): Promise<void> {
  const file = connectionFile(state, wallet);
  if (connection === undefined) return removeDurably(file);
  const text = encodeConnection(connection);
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) await writeAtomically(file, text, scratch);
}
