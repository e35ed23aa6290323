import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openFolderStore } from '../folder-store.ts';
import type { FolderStore, FolderStoreOptions } from '../folder-store.ts';

/** A new folder that goes when the test ends, with files as named. */
export function temporaryFolder(files: Readonly<Record<string, unknown>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) put(folder, name, content);
  return folder;
}

/** Writes a file: text and bytes as they are, objects as JSON documents. */
export function put(folder: string, name: string, content: unknown): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content instanceof Uint8Array ? content : manifest(content));
}

export const manifest = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : (Array.isArray(content) ? content : [content]).map((each) => `---\n${JSON.stringify(each, null, 2)}\n`).join('');

/** Opens a folder so that only `rescan` and watches read it, and closes it when the test ends. */
export async function opened(folder: string, options: FolderStoreOptions = {}): Promise<FolderStore> {
  const store = await openFolderStore(folder, { quietMs: 15, rescanMs: 3_600_000, ...options });
  onTestFinished(() => store.close());
  return store;
}
