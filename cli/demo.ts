import { UserError } from '../common/errors.ts';
import type { Session } from './session.ts';

/** Runs the demonstration. */
export function runDemo(_session: Session, _options: { readonly json: boolean }): Promise<void> {
  throw new UserError('the demo is not written yet');
}
