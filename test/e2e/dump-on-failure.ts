import { afterEach } from 'vitest';
import { dump } from './dump.ts';

let dumped = false;

/** After the first failure of a file: what fails later mostly fails for it. */
afterEach(async ({ task }) => {
  if (dumped || task.result?.state !== 'fail') return;
  dumped = true;
  console.error(await dump());
});
