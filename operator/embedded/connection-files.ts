import { join } from 'node:path';
import { encodeConnection } from '../../client/connection.ts';
import type { Connection } from '../../client/connection.ts';
import { removeDurably, writeAtomically } from '../atomic-file.ts';

/** Where the operator writes how clients reach a wallet (`namespace/name`), for client/connection.ts to read. */
export const connectionFile = (state: string, wallet: string): string => join(state, 'connections', `${wallet}.json`);

/** Writes a wallet's connection file, whole or not at all; removes it where there is no connection any more. */
export async function writeConnection(
  state: string,
  scratch: string,
  wallet: string,
  connection: Connection | undefined,
): Promise<void> {
  const file = connectionFile(state, wallet);
  await (connection === undefined ? removeDurably(file) : writeAtomically(file, encodeConnection(connection), scratch));
}
