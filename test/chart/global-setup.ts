import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** The files of images are laid out once, for all tests that look at them or start them. */
export function setup(): void {
  execFileSync('bash', [join(root, 'scripts/setup.sh')], { stdio: ['ignore', 'ignore', 'inherit'] });
  execFileSync(process.execPath, [join(root, 'scripts/stage-images.ts')], { stdio: ['ignore', 'ignore', 'inherit'] });
}
