import type { Fields, Log } from '../../common/log.ts';

/** Of these a holder says so that a person looks; faults and liars that a schedule has are none of its own. */
const EXPECTED = new Set(['culprit found']);

/** Keeps what each holder logs as an error that it should never meet: its own, not another's. */
export function errorsLog(errors: Map<string, string[]>, base: Fields = {}): Log {
  const holder = String(base['holder'] ?? '');
  return {
    debug() {},
    info() {},
    warn() {},
    error(message, fields = {}) {
      if (EXPECTED.has(message)) return;
      const known = errors.get(holder) ?? [];
      errors.set(holder, [...known, `${message} ${JSON.stringify(fields)}`]);
    },
    with: (fields) => errorsLog(errors, { ...base, ...fields }),
  };
}
