import { messageOf, UserError } from '../../common/errors.ts';

/** Result codes of SQLite, https://www.sqlite.org/rescode.html; the low byte says which kind. */
const BUSY = 5;
const READONLY = 8;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const TOOBIG = 18;
const CONSTRAINT = 19;
const MISMATCH = 20;
const NOTADB = 26;
/** SQLITE_IOERR_SHMSIZE: no room for the index of the write-ahead log. */
const SHMSIZE = 10 | (19 << 8);

/** SQLite's extended result code, or undefined where `error` is not of SQLite. */
function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode;
}

const kindOf = (error: unknown): number | undefined => {
  const code = codeOf(error);
  return code === undefined ? undefined : code & 0xff;
};

/** True where one change broke a rule or does not fit its columns, and the rest of the transaction is sound. */
export function isFaultOfChange(error: unknown): error is Error {
  const kind = kindOf(error);
  return error instanceof Error && (kind === undefined || kind === CONSTRAINT || kind === MISMATCH || kind === TOOBIG);
}

/** True where only room on the disk is missing: the transaction was rolled back and a later one may succeed. */
export const isDiskFull = (error: unknown): boolean => kindOf(error) === FULL || codeOf(error) === SHMSIZE;

export const isBusy = (error: unknown): boolean => kindOf(error) === BUSY;

/** What a fault of opening or reading `file` means and what to do about it. */
export function explainFault(error: unknown, file: string): UserError {
  if (error instanceof UserError) return error;
  const problem = `cannot use the signer's state ${file}: ${messageOf(error)}`;
  switch (kindOf(error)) {
    case NOTADB:
    case CORRUPT:
    case undefined:
      return new UserError(problem, [
        'keep the folder as it is: it holds what a repair needs',
        'do not put an older copy in its place: the other signers refuse one whose state ran back',
      ]);
    case READONLY:
    case CANTOPEN:
      return new UserError(problem, [
        'the folder and the files in it must be writable for the user that the signer runs as',
      ]);
    case BUSY:
      return new UserError(problem, ['another program has the file open for writing: end it']);
    case FULL:
      return new UserError(problem, ['the disk is full: free some space or enlarge the volume']);
    default:
      return new UserError(`${problem} (SQLite ${codeOf(error)})`, [
        'look for faults of the disk in the log of the system',
      ]);
  }
}
