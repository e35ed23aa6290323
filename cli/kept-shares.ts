import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What is left of a wallet whose manifest is gone, for a person; undefined where its signers left nothing. */
export function keptShares(state: string, namespace: string, name: string): string | undefined {
  const folder = join(state, 'signers', namespace, name);
  const kept = entriesOf(folder).some((holder) => entriesOf(join(folder, holder, 'data')).length > 0);
  return kept ? `its shares are kept in ${folder}: put its manifest back to use them` : undefined;
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
