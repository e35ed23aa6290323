import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../../signer/state/testing/temporary-folder.ts';
import { WatchedProcess } from '../soak/watched-process.ts';

type Word = number | 'done';

function started(program: string, within = 60_000): WatchedProcess<Word> {
  const file = join(temporaryFolder(), 'program.mjs');
  writeFileSync(file, program);
  const child = new WatchedProcess<Word>(pathToFileURL(file), within);
  onTestFinished(() => child.close());
  return child;
}

async function heard(child: WatchedProcess<Word>, order = {}): Promise<{ words: Word[]; why: string }> {
  const words: Word[] = [];
  const why = await child.listen(
    (word) => void words.push(word),
    (word) => word === 'done',
    order,
  );
  return { words, why };
}

it('says all that it is told, order after order', async () => {
  const child = started(`process.on('message', ({ n }) => { process.send(n); process.send('done'); })`);
  expect(await heard(child, { n: 1 })).toEqual({ words: [1, 'done'], why: '' });
  expect(await heard(child, { n: 2 })).toEqual({ words: [2, 'done'], why: '' });
});

it('knows how a process ended that was to go on', async () => {
  const failing = started(`process.on('message', () => { process.send(1, () => process.exit(3)); })`);
  expect(await heard(failing)).toEqual({ words: [1], why: 'the process ended: exit code 3' });
  expect((await heard(failing)).why).toBe('the process ended: exit code 3');
  const aborted = started(`process.on('message', () => process.kill(process.pid, 'SIGABRT'))`);
  expect((await heard(aborted)).why).toBe('the process ended: SIGABRT');
});

it('ends one that hangs, whether it waits or works for ever', async () => {
  for (const hang of ['', 'for (;;);']) {
    const child = started(`process.on('message', () => { ${hang} })`, 500);
    expect((await heard(child)).why).toBe('it hung: nothing was done within 0.5 s');
  }
});
