export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** One JSON line an entry: time, level, message and fields in whole words. Never give it a secret. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A log whose entries all carry `fields`. */
  with(fields: Fields): Log;
}

/** From least to most severe. */
export const levels: readonly Level[] = ['debug', 'info', 'warn', 'error'];

/** A log of entries at `level` or above, each written as one line. */
export function createLog(write: (line: string) => void, level: Level = 'info', base: Fields = {}): Log {
  const entry =
    (at: Level) =>
    (message: string, fields: Fields = {}): void => {
      if (levels.indexOf(at) < levels.indexOf(level)) return;
      write(`${JSON.stringify({ time: new Date().toISOString(), level: at, message, ...base, ...fields })}\n`);
    };
  return {
    debug: entry('debug'),
    info: entry('info'),
    warn: entry('warn'),
    error: entry('error'),
    with: (fields) => createLog(write, level, { ...base, ...fields }),
  };
}

export const silentLog: Log = createLog(() => {});
