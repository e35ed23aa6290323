import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of a token in files. The module has its objects in `tokens`; beside that lie marks and the officer's PIN. */
export type TokenFolder = { readonly officerFile: string; finish(): void };

/**
 * Makes `folder` ready for a new token; undefined where there is a token, whoever made it. Only what this program began
 * and did not finish is removed: nothing can have been sealed with it yet.
 */
export function newTokenFolder(folder: string): TokenFolder | undefined {
  const [tokens, begun, made] = ['tokens', 'begun', 'made'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  if (existsSync(made)) return undefined;
  if (!existsSync(begun) && existsSync(tokens) && readdirSync(tokens).length > 0) return undefined;
  writeFileSync(begun, '', { flush: true });
  rmSync(tokens, { recursive: true, force: true });
  mkdirSync(tokens);
  return { officerFile: join(folder, 'officer.pin'), finish: () => writeFileSync(made, '', { flush: true }) };
}
