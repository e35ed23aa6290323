import { describe, expect, it } from 'vitest';
import { scenarios } from './scenarios.ts';
import { runSchedule } from './schedule.ts';

/** Enough to meet every kind of fault; `npm run soak` runs a hundred thousand. */
const SCHEDULES = 8;

describe('a schedule', () => {
  for (const scenario of scenarios)
    it(`of ${scenario.name} holds what is promised, ${SCHEDULES} times`, async () => {
      for (let seed = 1; seed <= SCHEDULES; seed++)
        expect((await runSchedule(scenario, seed)).violations, `seed ${seed}`).toEqual([]);
    });

  it('happens the same way with the same seed', async () => {
    for (const scenario of scenarios) expect(await runSchedule(scenario, 7)).toEqual(await runSchedule(scenario, 7));
  });
});
