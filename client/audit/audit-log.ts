import type { AuditRecord, Head } from '../../statement/audit.ts';

/** A holder's audit log and what is said of it and by it, from its signer or from an export. */
export interface AuditLog {
  readonly holder: string;
  /** When its heads were asked for, before any record was read. Milliseconds. */
  readonly asOf: number;
  /** The last record that the holder itself names. */
  readonly head: Head;
  /** Heads that it has besides: of other holders, as it was told them, and signed ones of its own. */
  readonly remembered: readonly RememberedHead[];
  /** From the first record at least to `head`. */
  records(signal: AbortSignal): AsyncIterable<AuditRecord>;
}

/** A record that is in the log of `holder`, with the signature of that holder's audit key over it; empty where there is none. */
export type RememberedHead = { readonly holder: string; readonly head: Head; readonly signature: Uint8Array };

/** A holder whose log is not to be had: nothing is said of it, neither good nor bad. */
export type MissingLog = { readonly holder: string; readonly missing: string };
