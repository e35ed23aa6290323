import { readFile } from 'node:fs/promises';
import { UserError, messageOf } from '../common/errors.ts';
import { parseConnection } from './connection.ts';
import type { VerifiedConnection } from './connection.ts';

/** The connection that an operator wrote to `file`, followed back to its genesis; undefined where there is no file. */
export async function readConnectionFile(file: string): Promise<VerifiedConnection | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new UserError(`${file}: cannot read: ${messageOf(error)}`);
  }
  try {
    return parseConnection(text);
  } catch (error) {
    throw new UserError(`${file}: ${messageOf(error)}`, ['the operator writes it anew when it runs: holdfast up DIR']);
  }
}
