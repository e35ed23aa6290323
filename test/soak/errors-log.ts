import type { Fields, Log } from '../../common/log.ts';

export type LoggedError = { readonly holder: string; readonly message: string; readonly fields: Fields };

/** Keeps what holders log as errors, each with the holder that logged it. */
export function errorsLog(errors: LoggedError[], base: Fields = {}): Log {
  return {
    debug() {},
    info() {},
    warn() {},
    error(message, fields = {}) {
      errors.push({ holder: String(base['holder'] ?? ''), message, fields });
    },
    with: (fields) => errorsLog(errors, { ...base, ...fields }),
  };
}
