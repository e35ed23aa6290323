import { appendFileSync, renameSync, statSync } from 'node:fs';

/** A log that is larger when it is opened makes room for a new one, and becomes `<file>.1`. */
const maxLogBytes = 10 * 1024 * 1024;

/**
 * Appends lines to a log, for this user alone. A full disk is no reason to stop: what cannot be written is lost, and
 * what comes once there is room again is not.
 */
export function logFile(file: string): (line: string) => void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(file, `${file}.1`);
  let torn = false;
  return (line) => {
    try {
      // A line that was cut short does not take the next one with it.
      appendFileSync(file, torn ? `\n${line}` : line, { mode: 0o600 });
      torn = false;
    } catch {
      torn = true;
    }
  };
}
