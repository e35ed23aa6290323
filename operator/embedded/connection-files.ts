import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeConnection } from '../../client/connection.ts';
import { removeDurably, writeAtomically } from '../atomic-file.ts';
import { walletName } from '../wallet/genesis-decision.ts';
import type { PublishedConnections } from '../wallet/wallet-controller.ts';

/** Where the operator writes how clients reach a wallet (`namespace/name`), for client/connection.ts to read. */
export const connectionFile = (state: string, wallet: string): string => join(state, 'connections', `${wallet}.json`);

/** A file may be deleted or damaged, and to look costs nothing. Milliseconds. */
const republishMs = 10_000;

/**
 * Connections in files of `state`, each written whole or not at all; a file that says what it should is left alone.
 * `scratch` is a folder on the same disk.
 */
export const connectionFiles = (state: string, scratch: string): PublishedConnections => ({
  republishMs,
  async publish(wallet, connection) {
    const file = connectionFile(state, walletName(wallet));
    const text = encodeConnection(connection);
    if ((await readFile(file, 'utf8').catch(() => '')) !== text) await writeAtomically(file, text, scratch);
  },
  withdraw: (wallet) => removeDurably(connectionFile(state, wallet)),
});
