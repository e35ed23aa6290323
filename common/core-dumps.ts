import { writeFileSync } from 'node:fs';

/**
 * Keeps this process's memory out of core dumps, as far as Node can: Linux then writes none of its mappings (core(5),
 * coredump_filter). Node cannot set the limit on their size; whoever starts it does that too, as the operator's
 * local fleet does (`ulimit -c 0`). False where the system has no such switch.
 */
export function keepOutOfCoreDumps(): boolean {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
    return true;
  } catch {
    return false;
  }
}
