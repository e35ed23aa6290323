import type { AuditRecord, Head } from '../../statement/audit.ts';

/** A holder's audit log and what is said of it and by it, from its signer or from an export. */
export interface AuditLog {
  readonly holder: string;
  /** When its heads were asked for, before any record was read. Milliseconds. */
  readonly asOf: number;
  /** The last record that the holder itself names. */
  readonly head: Head;
  /** The last record of each other holder that this one remembers to have been told. */
  readonly remembered: ReadonlyMap<string, Head>;
  /** From the first record at least to `head`. */
  records(signal: AbortSignal): AsyncIterable<AuditRecord>;
}

/** A holder whose log is not to be had: nothing is said of it, neither good nor bad. */
export type MissingLog = { readonly holder: string; readonly missing: string };
