import { messageOf } from '../common/errors.ts';
import type { OutcomeEvent } from '../proto/gen/signer/v1/signer.ts';
import { parseCanonical } from '../statement/canonical.ts';
import type { AuditRecord } from './state/store.ts';

const OUTCOMES = new Set(['KeyActivated', 'Signed', 'Denied', 'Failed', 'CulpritFound', 'CounterpartyBanned']);

/**
 * An audit record as the operator sees it; undefined for those that are no outcome, or of which only a hash is left. Throws naming the record where its
 * bytes on disk are none.
 */
export function outcomeEvent({ sequence, record }: AuditRecord): OutcomeEvent | undefined {
  if (record.length === 0) return undefined;
  const entry = membersOf(sequence, record);
  const type = entry.get('type') ?? '';
  if (!OUTCOMES.has(type)) return undefined;
  return {
    sequence,
    time: entry.get('time') ?? '',
    type,
    digest: entry.get('digest') ?? '',
    initiator: entry.get('initiator') ?? '',
    id: entry.get('id') ?? '',
    key: entry.get('key') ?? '',
    reason: entry.get('reason') ?? '',
    message: entry.get('message') ?? entry.get('culprit') ?? '',
    participants: (entry.get('participants') ?? '').split(',').filter((name) => name !== ''),
  };
}

function membersOf(sequence: bigint, record: Uint8Array): ReadonlyMap<string, string> {
  const wrong = (what: string): Error =>
    new Error(`the signer's state holds no audit record ${sequence} as expected: ${what}`);
  let value: ReturnType<typeof parseCanonical>;
  try {
    value = parseCanonical(record);
  } catch (error) {
    throw wrong(messageOf(error));
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong('it is no JSON object');
  return new Map(
    Object.entries(value).map(([name, member]) => {
      if (typeof member !== 'string') throw wrong('a member is no text');
      return [name, member];
    }),
  );
}
