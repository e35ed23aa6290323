import { credentials, type ServiceError } from '@grpc/grpc-js';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  HsmServiceClient,
  type PrepareReply,
  type RandomReply,
  type SignHeadReply,
  type UnwrapReply,
  type WrapReply,
} from '../../proto/gen/hsm/v1/hsm.ts';

const root = join(import.meta.dirname, '../..');
export const PIN = '271828';
const START_TIMEOUT = 20_000;

/** Takes what is to be done once a token is no longer used, such as vitest's `onTestFinished`. */
export type AtEnd = (clean: () => void) => void;

/** Installs SoftHSM where that is possible; throws with what to do where it is not. */
export function installSoftHsm(): void {
  execFileSync('bash', [join(root, 'scripts/setup.sh'), '--no-bundles', 'softhsm2-util'], { stdio: ['ignore', 2, 2] });
}

const modules = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
];

/** Where SoftHSM's module is. */
export function softHsmModule(): string {
  const module = modules.find((file) => existsSync(file));
  if (module === undefined) throw new Error(`SoftHSM is installed and its module is at none of ${modules.join(', ')}`);
  return module;
}

/** A SoftHSM token in a folder of its own, and sidecars over it; all of it goes at the end. */
export class SoftToken {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-hsm-'));
  readonly tokens = join(this.folder, 'tokens');
  readonly pinFile = join(this.folder, 'pin');
  readonly socket = join(this.folder, 'hsm.sock');
  readonly module: string;
  /** What sidecars said. */
  output = '';
  readonly #atEnd: AtEnd;
  readonly #env: NodeJS.ProcessEnv;

  constructor(atEnd: AtEnd) {
    this.#atEnd = atEnd;
    atEnd(() => rmSync(this.folder, { recursive: true, force: true }));
    this.module = softHsmModule();
    const config = join(this.folder, 'softhsm2.conf');
    writeFileSync(config, `directories.tokendir = ${this.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
    this.#env = { ...process.env, SOFTHSM2_CONF: config };
    mkdirSync(this.tokens);
    this.initialise(PIN, '--free');
    this.writePin(PIN);
  }

  /** The only token's folder. */
  get tokenFolder(): string {
    return join(this.tokens, readdirSync(this.tokens)[0] ?? 'no token');
  }

  /** Makes the token anew, empty, with this PIN; `which` is the slot or token that it takes. */
  initialise(pin: string, ...which: readonly string[]): void {
    this.run('softhsm2-util', '--init-token', ...which, '--label', 'backup', '--pin', pin, '--so-pin', '31415926');
  }

  writePin(pin: string): void {
    rmSync(this.pinFile, { force: true });
    writeFileSync(this.pinFile, `${pin}\n`, { mode: 0o600 });
  }

  /** The token answers nothing more, until what this gives back is called. */
  slow(): () => void {
    // SoftHSM looks into this file for changes; a pipe holds up whoever opens it until someone writes.
    const file = join(this.tokenFolder, 'generation');
    const [saved, pipe] = [join(this.folder, 'saved'), join(this.folder, 'pipe')];
    this.run('mkfifo', pipe);
    // The file is never missing: that would be another fault.
    linkSync(file, saved);
    linkSync(pipe, `${pipe}.there`);
    renameSync(`${pipe}.there`, file);
    return () => {
      renameSync(saved, file);
      // Opens too where nobody is held up yet.
      closeSync(openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK));
      rmSync(pipe);
    };
  }

  makeKey(label: string, how: 'extractable' | 'kept'): void {
    this.run(process.execPath, join(import.meta.dirname, 'make-key.ts'), this.module, PIN, label, how);
  }

  run(command: string, ...args: readonly string[]): void {
    execFileSync(command, [...args], { env: this.#env, stdio: 'pipe' });
  }

  /** Starts a sidecar and waits until it listens. */
  async start(
    flags: Readonly<Record<string, string>> = {},
    program = 'hsm/main.ts',
  ): Promise<{ client: Hsm; process: ChildProcess }> {
    const all = {
      module: this.module,
      'token-label': 'backup',
      'pin-file': this.pinFile,
      socket: this.socket,
      wallet: 'default/treasury',
      holder: 'backup',
      ...flags,
    };
    const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn(process.execPath, [join(root, program), ...args], {
      env: this.#env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#atEnd(() => void child.kill('SIGKILL'));
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const failed = (why: string): void => reject(new Error(`the sidecar ${why} before it listened: ${said}`));
      const timeout = setTimeout(failed, START_TIMEOUT, `took ${START_TIMEOUT} ms`);
      child.once('exit', (code, signal) => {
        clearTimeout(timeout);
        failed(`ended (${code ?? signal})`);
      });
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        this.output += chunk.toString();
        if (!said.includes('"listening"')) return;
        clearTimeout(timeout);
        resolve();
      });
    });
    return { client: new Hsm(all.socket, this.#atEnd), process: child };
  }
}

type Answer<A> = (error: ServiceError | null, answer: A) => void;

/** The sidecar's calls as promises; a refusal rejects with "State: message". */
export class Hsm {
  readonly #client: HsmServiceClient;
  constructor(socket: string, atEnd: AtEnd) {
    this.#client = new HsmServiceClient(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 100,
    });
    atEnd(() => this.#client.close());
  }
  state = async (): Promise<string> => (await ask<{ state: string }>((done) => this.#client.status({}, done))).state;
  prepare = (nothingSealed: boolean) => ask<PrepareReply>((done) => this.#client.prepare({ nothingSealed }, done));
  wrap = async (dataKey: Buffer, ...associated: string[]): Promise<Buffer> =>
    Buffer.from((await ask<WrapReply>((done) => this.#client.wrap({ dataKey, associated }, done))).wrapped);
  unwrap = async (wrapped: Buffer, ...associated: string[]): Promise<Buffer> =>
    Buffer.from((await ask<UnwrapReply>((done) => this.#client.unwrap({ wrapped, associated }, done))).dataKey);
  signHead = async (message: Buffer): Promise<Buffer> =>
    Buffer.from((await ask<SignHeadReply>((done) => this.#client.signHead({ message }, done))).signature);
  random = async (length: number): Promise<Buffer> =>
    Buffer.from((await ask<RandomReply>((done) => this.#client.random({ length }, done))).random);
}

const ask = <A>(call: (done: Answer<A>) => unknown): Promise<A> =>
  new Promise((resolve, reject) => {
    call((error, answer) => {
      if (error === null) return resolve(answer);
      const state = error.metadata.get('holdfast-hsm-state')[0];
      reject(
        new Error(
          state !== undefined && !error.details.startsWith(`${String(state)}: `)
            ? 'state and details differ'
            : error.details,
        ),
      );
    });
  });
