import { readFileSync } from 'node:fs';

/** Resident memory of a process: VmRSS of proc(5), which counts in 1024 bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status: no VmRSS`);
  return Number(kilobytes) * 1024;
}
