import { formatTime } from '../../common/clock.ts';
import type { Condition } from './generated.ts';
import type { ConditionReason } from './reasons.ts';
import type { Kind } from './resource.ts';

export const conditionTypes = {
  Wallet: ['Ready', 'KeysGenerated', 'SignersAvailable', 'PolicyEnforced', 'GenesisConfirmed', 'Independent'],
  Signer: ['Ready'],
  SigningPolicy: ['Valid', 'Enforced'],
  SigningRequest: ['Approved', 'Finished', 'Succeeded'],
  Approval: ['Recorded'],
} as const satisfies Readonly<Record<Kind, readonly string[]>>;

export type ConditionType = (typeof conditionTypes)[Kind][number];

/** What is so, without when it became so. */
export type Finding = {
  readonly type: ConditionType;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: ConditionReason;
  readonly message: string;
};

/** The schema takes no longer message. */
const maxMessage = 4096;

/**
 * The conditions with `finding` in its place, decided for `generation` at `now` (milliseconds).
 * lastTransitionTime moves only when the status does, so that the same finding gives the same conditions.
 */
export function setCondition(
  conditions: readonly Readonly<Condition>[] | undefined,
  finding: Finding,
  generation: number,
  now: number,
): readonly Readonly<Condition>[] {
  const before = conditionOf(conditions, finding.type);
  const condition: Condition = {
    type: finding.type,
    status: finding.status,
    reason: finding.reason,
    message: finding.message.slice(0, maxMessage),
    lastTransitionTime: before?.status === finding.status ? before.lastTransitionTime : formatTime(now),
    observedGeneration: generation,
  };
  return before === undefined
    ? [...(conditions ?? []), condition]
    : (conditions ?? []).map((other) => (other === before ? condition : other));
}

export const conditionOf = (
  conditions: readonly Readonly<Condition>[] | undefined,
  type: ConditionType,
): Readonly<Condition> | undefined => conditions?.find((condition) => condition.type === type);
