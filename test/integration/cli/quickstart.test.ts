import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConnection } from '../../../client/connection.ts';
import { splitAddress } from '../../../client/pinned-tls.ts';
import { environment, root, runScript } from './testing/script.ts';

let folder = '';
const started: Up[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-quickstart-'));
});
afterAll(async () => {
  for (const up of started) await up.stop();
  rmSync(folder, { recursive: true });
});

/** `holdfast up` in the foreground of a terminal that this test watches. */
class Up {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  #said = '';
  #heard = (): void => {};

  constructor(...args: readonly string[]) {
    const env = environment(folder);
    this.process = spawn('holdfast', ['up', ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((resolve) => this.process.once('close', resolve));
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#said += chunk.toString();
        this.#heard();
      });
    started.push(this);
  }

  get said(): string {
    return this.#said;
  }

  /** Resolves once it has said `text`; rejects where it ends without. */
  async says(text: string): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      this.#heard = () => (this.#said.includes(text) ? resolve() : undefined);
      this.#heard();
    });
    await Promise.race([
      heard,
      this.ended.then((code) => {
        if (!this.#said.includes(text)) throw new Error(`ended with ${code} without saying ${text}:\n${this.#said}`);
      }),
    ]);
  }

  async stop(): Promise<number | null> {
    this.process.kill('SIGINT');
    return this.ended;
  }
}

const connection = () =>
  parseConnection(
    readFileSync(join(folder, 'holdfast-quickstart/.holdfast/connections/default/treasury.json'), 'utf8'),
  );

const listens = ({ endpoint }: { readonly endpoint: string }): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(splitAddress(endpoint));
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });

/** The commands of the README between `heading` and the next, with what it calls the checkout's. */
function commandsOf(heading: string): readonly string[] {
  const readme = readFileSync(join(root, 'examples/quickstart/README.md'), 'utf8');
  const section = readme.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^```sh\n([^]*?)^```/gm)]
    .flatMap(([, block = '']) => block.trimEnd().split('\n'))
    .map((line) =>
      line
        .replace('bin/holdfast', 'holdfast')
        .replace('cp -r examples/quickstart', 'cp -r "$EXAMPLES/quickstart"')
        .replace('npx node examples/', `"${process.execPath}" "$EXAMPLES"/`),
    );
}

test('what the README says first makes a wallet', async () => {
  const commands = commandsOf('Start it');
  expect(commands.at(-1)).toBe('holdfast up ~/holdfast-quickstart');
  await runScript(
    commands
      .slice(0, -1)
      .map((command) => `> ${command}`)
      .join('\n'),
    folder,
  );
  const up = new Up('holdfast-quickstart');
  await up.says('wallet default/treasury: Ready');
  expect(up.said).toContain('target: folder');
  expect(up.said).toMatch(
    /wallet default\/treasury: key solana \(EdDSA\): solana address [1-9A-HJ-NP-Za-km-z]{32,44}\n/,
  );
  expect(up.said).toMatch(/wallet default\/treasury: key bitcoin \(Schnorr\): bitcoin address bc1p/);
  expect(up.said).not.toContain('error:');
});

test('every other command of the README does what it says', async () => {
  const [environmentLine, ...commands] = commandsOf('Use it');
  expect(environmentLine).toBe('export HOLDFAST_DIR=~/holdfast-quickstart');
  const script = commands.map((command) => {
    const run = `${environmentLine}; ${command}`;
    if (command.includes('--digest')) return `3> ${run}`;
    // The operator sees the file when it was left alone for a moment.
    if (command.startsWith('mv ')) return `> ${run}; until holdfast get sreq 2>&1 | grep -q Signed; do sleep 0.2; done`;
    return `> ${run}`;
  });
  await runScript(script.join('\n'), folder);
});

test('the wallet can be looked at, asked and audited', async () => {
  await runScript(readFileSync(new URL('quickstart.txt', import.meta.url), 'utf8'), folder);
});

test('a second operator is refused and changes nothing', async () => {
  const second = new Up('holdfast-quickstart');
  expect(await second.ended).toBe(1);
  expect(second.said).toMatch(/^error: .*\bprocess \d+\b.*$/m);
  expect(second.said).toMatch(/^hint: /m);
  await runScript(
    '> holdfast sign --dir holdfast-quickstart --wallet treasury --key solana --message "still here" --ssh-key holdfast-quickstart/initiator',
    folder,
  );
});

test('Ctrl-C ends operator and signers, and the next start finds the same keys', async () => {
  const { holders, genesis } = connection();
  const [up] = started;
  expect(await up?.stop()).toBe(0);
  expect(up?.said).toContain('stopping operator and signers\nstopped\n');
  expect(await Promise.all(holders.map(listens))).toEqual([false, false, false]);
  await runScript(
    '1> holdfast sign --dir holdfast-quickstart --wallet treasury --key solana --message a --ssh-key holdfast-quickstart/initiator\nerr error: wallet: no signer gave facts\nerr hint: no operator runs, which starts the signers: holdfast up /\n1> holdfast audit show treasury --dir holdfast-quickstart\nout =\nerr cannot connect: connection refused\nerr hint: no operator runs',
    folder,
  );

  const again = new Up('holdfast-quickstart');
  await again.says('wallet default/treasury: Ready\n');
  expect(connection().genesis).toBe(genesis);
  await runScript(
    '> holdfast sign --dir holdfast-quickstart --wallet treasury --key solana --message "back again" --ssh-key holdfast-quickstart/initiator\n> holdfast address treasury bitcoin --dir holdfast-quickstart\nout = address',
    folder,
  );
  expect(await again.stop()).toBe(0);
});

test('manifests with problems are told, file by file, and are no end', async () => {
  await runScript(
    '> printf "apiVersion: holdfast.dev/v1alpha1\\nkind: Walet\\nmetadata: {name: x}\\n" > holdfast-quickstart/wrong.yaml',
    folder,
  );
  const up = new Up('holdfast-quickstart');
  await up.says('hint: what was in force stays so');
  expect(up.said).toContain('error: wrong.yaml, document 1: kind: want Wallet, Signer');
  await runScript('> rm holdfast-quickstart/wrong.yaml', folder);
  await up.says('manifests: no problems left');
  expect(await up.stop()).toBe(0);
});
