import { availableParallelism } from 'node:os';

/** How many jobs run at once: one more than there are cores, since each waits now and then. */
export const LANES = availableParallelism() + 1;

/** Runs `job` for each of `items`, so many at once. After the first that fails none begins, and it is thrown. */
export async function inLanes<T>(items: readonly T[], job: (item: T) => Promise<void>, lanes = LANES): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift())
      try {
        await job(item);
      } catch (error) {
        left.length = 0;
        throw error;
      }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(lanes, items.length) }, lane));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}
