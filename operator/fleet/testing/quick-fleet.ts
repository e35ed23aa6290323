import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../common/clock.ts';
import type { Clock } from '../../../common/clock.ts';
import type { SignerCommand } from '../signer-command.ts';

/** Pauses and bounds of the fleet, a twentieth as long. */
export const quickClock: Clock = {
  now: systemClock.now,
  monotonic: () => systemClock.monotonic() * 20,
  after: (ms, run) => systemClock.after(ms / 20, run),
};

export const standIn: SignerCommand = () => [
  process.execPath,
  fileURLToPath(new URL('./stand-in-signer.ts', import.meta.url)),
];
