import type { Reason } from './reasons.ts';

/** A refusal with its reason: thrown inside a signer, a value at its boundaries. Messages never carry secrets. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly reason: Reason;
  /** The policy rule that decided, or "". */
  readonly rule: string;
  constructor(reason: Reason, message: string, rule = '') {
    super(message);
    this.reason = reason;
    this.rule = rule;
  }
}

/** An error for a person: what is wrong, then hints on what to do. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly hints: readonly string[];
  readonly exitCode: number;
  constructor(message: string, hints: readonly string[] = [], exitCode = 1) {
    super(message);
    this.hints = hints;
    this.exitCode = exitCode;
  }
}

/** The text of anything thrown, in one line. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
