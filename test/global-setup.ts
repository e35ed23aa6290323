import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Bundles once before integration tests, and only where a source is newer: `vitest run` by hand tests what is written. */
export function setup(): void {
  execFileSync('bash', [join(import.meta.dirname, '../scripts/setup.sh')], { stdio: ['ignore', 'ignore', 'inherit'] });
}
