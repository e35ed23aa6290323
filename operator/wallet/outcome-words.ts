import type { OutcomeEvent } from '../../proto/gen/signer/v1/signer.ts';
import type { EventReason } from '../api/reasons.ts';
import type { EventType } from '../store/resource-store.ts';

/** What a signer's record of an outcome is to people; `same` is equal for the records of several holders about one ceremony. */
export type OutcomeWords = {
  readonly same: string;
  readonly type: EventType;
  readonly reason: EventReason;
  readonly message: string;
};

const printable = (text: string): string => text.slice(0, 300).replaceAll(/\p{C}+/gu, ' ');

/** The event for a failure of this reason: clocks that differ are for people to set right, and named so. */
export const failureReason = (reason: string): EventReason => (reason === 'ClockSkew' ? reason : 'CeremonyFailed');

/** Undefined for records that are nobody's news. The words are the signer's: shortened to one line. */
export function outcomeWords(event: OutcomeEvent): OutcomeWords | undefined {
  const { type, digest, key } = event;
  const what = `request ${printable(event.id)} of ${printable(event.initiator)}`;
  const why = [event.reason, event.message]
    .filter((text) => text !== '')
    .map(printable)
    .join(': ');
  switch (type) {
    case 'Signed':
      return {
        same: `Signed ${digest}`,
        type: 'Normal',
        reason: 'CeremonySucceeded',
        message: `${what} signed with key ${printable(key)} by ${printable(event.participants.join(', '))}`,
      };
    case 'Denied':
      return { same: `Denied ${digest}`, type: 'Warning', reason: 'PolicyDenied', message: `${what} denied: ${why}` };
    case 'Failed':
      return {
        same: `Failed ${digest} ${event.time}`,
        type: 'Warning',
        reason: failureReason(event.reason),
        message: `${what} failed: ${why}`,
      };
    case 'CulpritFound':
      return {
        same: `CulpritFound ${digest} ${why}`,
        type: 'Warning',
        reason: 'CulpritFound',
        message: `a cryptographic check failed on a message of ${why}`,
      };
    case 'CounterpartyBanned':
      return {
        same: `CounterpartyBanned ${key} ${why}`,
        type: 'Warning',
        reason: 'CounterpartyBanned',
        message: `a message of ${why} failed a check that protects the other's share of key ${printable(key)}: these two never sign with it again`,
      };
    case 'KeyActivated':
      return {
        same: `KeyActivated ${key}`,
        type: 'Normal',
        reason: 'CeremonySucceeded',
        message: `key ${printable(key)} generated`,
      };
    default:
      return undefined;
  }
}
