import { expect, it } from 'vitest';
import { systemClock, type Clock } from '../../common/clock.ts';
import { Question } from './question.ts';

/** A clock whose time is over when the test says so. */
function endless(): { readonly clock: Clock; readonly end: () => void; readonly left: () => boolean } {
  let timer: (() => void) | undefined;
  const clock: Clock = {
    ...systemClock,
    after(_ms, run) {
      timer = run;
      return () => {
        timer = undefined;
      };
    },
  };
  return { clock, end: () => timer?.(), left: () => timer !== undefined };
}

it('is answered once everyone who was asked has answered', async () => {
  const { clock, left } = endless();
  const question = new Question<number>(clock, ['client', 'backup'], 1_000);
  question.answer('stranger', 0);
  question.answer('client', 1);
  question.answer('client', 2);
  expect(left()).toBe(true);
  question.answer('backup', 3);
  question.answer('backup', 4);
  expect([...(await question.answers)]).toEqual([
    ['client', 2],
    ['backup', 3],
  ]);
  expect(left()).toBe(false);
});

it('fails with who gave no answer in time', async () => {
  const { clock, end } = endless();
  const question = new Question<number>(clock, ['client', 'backup', 'west'], 1_000);
  question.answer('backup', 1);
  end();
  await expect(question.answers).rejects.toThrow('no answer from client, west');
});
