import { createLog } from '../../../common/log.ts';
import { messageOf } from '../../../common/errors.ts';
import { runEmbedded } from '../../../operator/embedded.ts';

/*
 * The embedded operator over the folder that is its argument. Every object goes to stdout as a line of JSON when it
 * changes, the log to stderr. SIGTERM ends the operator and leaves its signers.
 */
const [dir = ''] = process.argv.slice(2);
const end = new AbortController();
process.once('SIGTERM', () => end.abort());

try {
  const { store, ended } = await runEmbedded({
    dir,
    signal: end.signal,
    log: createLog((line) => process.stderr.write(line)),
  });
  const tell = async (): Promise<void> => {
    for await (const key of store.changes(end.signal))
      process.stdout.write(`${JSON.stringify({ key, object: await store.get(key) })}\n`);
  };
  tell().catch((error: unknown) => end.signal.aborted || process.stderr.write(`${messageOf(error)}\n`));
  await ended;
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
