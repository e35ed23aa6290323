import type { Doc } from './docs.ts';

/** What a finding asks of a person: nothing; to know it; to mend it before it hurts; to mend it now. */
export const levels = ['ok', 'note', 'warning', 'error'] as const;
export type Level = (typeof levels)[number];

/** What a check found of one thing; `id` names the check for scripts, and is the same in every version. */
export type Finding = {
  readonly id: string;
  /** One line. */
  readonly what: string;
} & ({ readonly level: 'ok' } | ({ readonly level: Exclude<Level, 'ok'> } & Advice));

/** What a finding that is not ok says besides. */
export type Advice = {
  /** What to do about it, one line. */
  readonly mend: string;
  /** A command that does it, or shows more, to be pasted. */
  readonly run?: string;
  /** Where documents say more. */
  readonly docs: Doc;
};

/** Findings about one thing, like this machine or one wallet. */
export type Group = { readonly title: string; readonly findings: readonly Finding[] };

export const ok = (id: string, what: string): Finding => ({ id, level: 'ok', what });
export const note = (id: string, what: string, advice: Advice): Finding => ({ id, level: 'note', what, ...advice });
export const warning = (id: string, what: string, advice: Advice): Finding => ({
  id,
  level: 'warning',
  what,
  ...advice,
});
export const error = (id: string, what: string, advice: Advice): Finding => ({ id, level: 'error', what, ...advice });

/** How many findings of each level there are. */
export function countLevels(groups: readonly Group[]): Readonly<Record<Level, number>> {
  const counts = { ok: 0, note: 0, warning: 0, error: 0 };
  for (const { findings } of groups) for (const { level } of findings) counts[level]++;
  return counts;
}
