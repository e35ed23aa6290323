import { loadAddon } from '../../native/addon.ts';

/** The addon as scripts/native.sh built it. */
export const dklsAddon = loadAddon().addon!;
