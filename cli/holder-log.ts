import type { ConnectionHolder } from '../client/connection.ts';
import type { ClientIdentity } from '../client/pinned-tls.ts';
import { SignerClient } from '../client/signer-client.ts';
import { equal, quote } from '../common/bytes.ts';
import { UserError, messageOf } from '../common/errors.ts';
import { nearest } from '../common/nearest.ts';
import { emptyHead, verifyChain } from '../statement/audit.ts';
import type { AuditRecord, Head } from '../statement/audit.ts';

/** What a holder's log is worth: `error` is "" where every record fits. */
export type HolderLog = {
  readonly holder: string;
  readonly records: number;
  readonly head: Head;
  readonly error: string;
};

/**
 * Reads a holder's audit log from its signer, as the operator, and follows its chain from the first record to the head.
 * `seen` gets each record whose place in the chain was checked; that the whole log is sound only the result says.
 */
export async function verifyHolderLog(
  { name, endpoint, fingerprint }: ConnectionHolder,
  identity: ClientIdentity,
  signal: AbortSignal,
  seen: (record: AuditRecord) => void = () => {},
): Promise<HolderLog> {
  let checked = { records: 0, head: emptyHead };
  let client: SignerClient | undefined;
  try {
    client = await SignerClient.connect({ address: endpoint, fingerprint, identity }, signal);
    const { head } = await client.describe(signal);
    for await (const chunk of chunks(client.audit(0n, signal))) {
      // The last record of a chunk begins the next, so that times are compared across the edge too.
      const { records, head: end } = verifyChain(chunk.records, chunk.from);
      checked = { records: checked.records + records - (chunk.repeats ? 1 : 0), head: end };
      chunk.records.slice(chunk.repeats ? 1 : 0).forEach(seen);
    }
    // Records since the head was named are fine; records before it that are missing are not.
    if (head !== undefined && checked.head.sequence < head.sequence)
      throw new Error(`the signer names ${head.sequence} records and gives ${checked.head.sequence}`);
    if (
      head !== undefined &&
      checked.head.sequence === head.sequence &&
      head.sequence > 0n &&
      !equal(checked.head.hash, head.hash)
    )
      throw new Error('the signer names another head than its records have');
    return { holder: name, ...checked, error: '' };
  } catch (error) {
    signal.throwIfAborted();
    return { holder: name, ...checked, error: messageOf(error) };
  } finally {
    client?.close();
  }
}

/** The holder with this name, all where there is none. */
export function holdersNamed<Holder extends { readonly name: string }>(
  { wallet, holders }: { readonly wallet: string; readonly holders: readonly Holder[] },
  name: string | undefined,
): readonly Holder[] {
  if (name === undefined) return holders;
  const found = holders.filter((holder) => holder.name === name);
  if (found.length > 0) return found;
  const names = holders.map((holder) => holder.name);
  const meant = nearest(name, names);
  throw new UserError(`wallet ${wallet} has no holder ${quote(name)}`, [
    ...(meant === undefined ? [] : [`did you mean ${meant}?`]),
    `it has ${names.join(', ')}`,
  ]);
}

/** Throws naming every holder whose log is not sound or not to be had, with `hints`. */
export function throwFailures(logs: readonly HolderLog[], hints: readonly string[]): void {
  const [first, ...more] = logs
    .filter(({ error }) => error !== '')
    .map(({ holder, error }) => `holder ${holder}: ${error}`);
  if (first !== undefined) throw new UserError(first, [...more.map((text) => `and ${text}`), ...hints]);
}

type Chunk = { readonly from: Head; readonly records: readonly AuditRecord[]; readonly repeats: boolean };
const chunkSize = 4096;

/** A log in parts that fit into memory, each from the second on beginning with the last record of the one before. */
async function* chunks(log: AsyncIterable<AuditRecord>): AsyncGenerator<Chunk, void, undefined> {
  let from = emptyHead;
  let records: AuditRecord[] = [];
  let repeats = false;
  for await (const record of log) {
    records.push(record);
    if (records.length < chunkSize) continue;
    yield { from, records, repeats };
    const [before, last] = records.slice(-2);
    from = before ?? from;
    records = last === undefined ? [] : [last];
    repeats = true;
  }
  if (records.length > (repeats ? 1 : 0)) yield { from, records, repeats };
}
