import manifest from '../package.json' with { type: 'json' };

/** The version of this program: of its package, also inside a bundle. */
export const version: string = manifest.version;
