import { openStore } from '../sqlite-store.ts';
import { release } from './changes.ts';

/*
 * A process for tests that kill it: writes releases from request `first` on, sixteen at a time, and prints the number
 * of each as soon as its write resolves. `node writer-process.ts FOLDER FIRST`
 */
const [folder = '', first = '0'] = process.argv.slice(2);
try {
  const store = await openStore(folder, {
    onFailure: (error) => {
      throw error;
    },
    reserveBytes: 4_096,
  });
  process.stdout.write('opened\n');
  let next = Number(first);
  const writeOn = async (): Promise<never> => {
    for (;;) {
      const n = next++;
      await store.write(release(n));
      process.stdout.write(`${n}\n`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, writeOn));
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}
