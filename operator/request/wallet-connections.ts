import { clientOptions, encodeConnection } from '../../client/connection.ts';
import type { Connection } from '../../client/connection.ts';
import { WalletClient } from '../../client/wallet-client.ts';

/** Longest wait for one signer's answer. Milliseconds. */
const deadlineMs = 30_000;

type Entry = { readonly connection: Connection; readonly text: string; client: Promise<WalletClient> | undefined };

/** How wallets are reached now, with one client each. */
export class WalletConnections {
  readonly #entries = new Map<string, Entry>();

  /** Takes note of a wallet's connection, or that there is none. */
  set(wallet: string, connection: Connection | undefined): void {
    const before = this.#entries.get(wallet);
    const text = connection === undefined ? '' : encodeConnection(connection);
    if (before?.text === text) return;
    closeClient(before);
    if (connection === undefined) this.#entries.delete(wallet);
    else this.#entries.set(wallet, { connection, text, client: undefined });
  }

  has(wallet: string): boolean {
    return this.#entries.has(wallet);
  }

  /** A client of `wallet`; rejects where none of its signers answers, and tries again the next time. */
  async client(wallet: string, signal: AbortSignal): Promise<WalletClient> {
    const entry = this.#entries.get(wallet);
    if (entry === undefined) throw new Error(`${wallet}: there is no connection`);
    entry.client ??= WalletClient.connect({ ...clientOptions(entry.connection), deadlineMs }, signal);
    try {
      return await entry.client;
    } catch (error) {
      entry.client = undefined;
      throw error;
    }
  }

  close(): void {
    for (const entry of this.#entries.values()) closeClient(entry);
    this.#entries.clear();
  }
}

const closeClient = (entry: Entry | undefined): void => {
  entry?.client?.then((client) => client.close()).catch(() => {}); // one that never connected needs no closing
};
