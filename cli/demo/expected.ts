import type { SignResult } from '../../client/sign-result.ts';
import { UserError } from '../../common/errors.ts';
import type { Reason } from '../../common/reasons.ts';

/** What the demo sets out to show of a request: that it is signed, or why it is not. */
export type Expected = 'signed' | Reason;

/** Throws a UserError where a request ended otherwise, or does not say that it waits for the holder `waitsFor`. */
export function expectResult(id: string, expected: Expected, result: SignResult, waitsFor?: string): void {
  const got = result.outcome === 'signed' ? 'signed' : result.reason;
  const waits = waitsFor === undefined || (result.outcome !== 'signed' && result.waitsFor.includes(waitsFor));
  if (got === expected && waits) return;
  const want = expected === 'signed' ? 'to be signed' : `not to be signed: ${expected}`;
  const holder = waitsFor === undefined ? '' : `, waiting for ${waitsFor}`;
  const is =
    result.outcome === 'signed'
      ? `signed by ${result.participants.join(' and ')}`
      : `${result.outcome}: ${result.reason}: ${result.message}, waiting for ${result.waitsFor.join(', ') || 'nobody'}`;
  throw new UserError(`the demo expected ${id} ${want}${holder}; it was ${is}`, [
    'the demo always shows the same: run it again, and report it if this comes again',
  ]);
}

/** How often a holder may be back before the demo has asked without it. */
const attempts = 3;

/**
 * Asks for a signature while a holder is gone, sees that it waits for that holder, and asks for the very same once it
 * is back. What is signed because the holder was back first stays signed: the next attempt is another request.
 */
export async function askWhileGone(options: {
  readonly holder: string;
  readonly id: string;
  /** Ends the holder's signer; resolves when the others know. */
  readonly goes: () => Promise<void>;
  readonly returns: () => Promise<void>;
  /** A new request, to be asked for once, or with `wait` until it is not `failed`. */
  readonly request: (id: string) => (wait: boolean) => Promise<SignResult>;
}): Promise<void> {
  const { holder, goes, returns, request } = options;
  for (let attempt = 1; ; attempt++) {
    const id = attempt === 1 ? options.id : `${options.id}-${attempt}`;
    const ask = request(id);
    await goes();
    const result = await ask(false);
    if (result.outcome === 'signed' && attempt < attempts) continue;
    expectResult(id, 'QuorumUnavailable', result, holder);
    await returns();
    expectResult(id, 'signed', await ask(true));
    return;
  }
}
