import { join } from 'node:path';

/**
 * Where Holdfast keeps what it makes for a folder of manifests: `.holdfast` in it, or `stateDir` (HOLDFAST_STATE) where
 * the folder itself cannot be written to.
 */
export const stateFolder = (folder: string, stateDir?: string): string => stateDir ?? join(folder, '.holdfast');
