import { Refused } from '../../../common/errors.ts';

/** What `run` is refused for; throws whatever else it throws, and where it is not refused at all. */
export function refusal(run: () => unknown): { reason: string; message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof Refused) return { reason: error.reason, message: error.message };
    throw error;
  }
  throw new Error('want a refusal, got none');
}
