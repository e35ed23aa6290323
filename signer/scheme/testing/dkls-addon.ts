import { createRequire } from 'node:module';
import type { DklsAddon } from '../../native/dkls.d.ts';

/** The addon as it was built: `cargo build --release`, then its library copied to dist/holdfast.node. */
export const dklsAddon = createRequire(import.meta.url)('../../../dist/holdfast.node') as DklsAddon;
