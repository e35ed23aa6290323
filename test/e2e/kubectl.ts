import { execFile } from 'node:child_process';

/** What a command prints; rejects with what it says on stderr. `input` is its stdin. */
export const run = async (command: string, args: readonly string[], input = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = execFile(command, args, { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${[command, ...args].join(' ')}: ${stderr.trim() || error.message}`));
    });
    // A command that ends before it has read all says so by its exit code.
    child.stdin?.on('error', () => {}).end(input);
  });

export const kubectl = async (...args: readonly string[]): Promise<string> => run('kubectl', args);

/** Applies an object, or several as YAML. */
export const apply = async (manifest: object | string, ...args: readonly string[]): Promise<string> =>
  run('kubectl', ['apply', '-f', '-', ...args], typeof manifest === 'string' ? manifest : JSON.stringify(manifest));

/** An object, or a list of them, as the API server has it. */
export const get = async <T>(...args: readonly string[]): Promise<T> =>
  JSON.parse(await kubectl('get', '-o', 'json', ...args)) as T;

let made = 0;

/** A namespace that may hold shares, as docs/how-to/install.md has it made. Its name is in no other test's way. */
export async function holderNamespace(word: string): Promise<string> {
  const name = `${word}-${process.pid}-${made++}`;
  await kubectl('create', 'namespace', name);
  await kubectl(
    ...['label', 'namespace', name],
    ...['holdfast.dev/keeps=shares', 'pod-security.kubernetes.io/enforce=restricted'],
  );
  return name;
}
