import { credentials, type ServiceError } from '@grpc/grpc-js';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
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

/** A SoftHSM token in a folder of its own, and sidecars over it; all of it goes when the test ends. */
export class SoftToken {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-hsm-'));
  readonly tokens = join(this.folder, 'tokens');
  readonly pinFile = join(this.folder, 'pin');
  readonly socket = join(this.folder, 'hsm.sock');
  readonly module: string;
  /** What sidecars said. */
  output = '';
  readonly #env: NodeJS.ProcessEnv;

  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
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
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      this.output += chunk.toString();
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await vi.waitUntil(() => said.includes('"listening"'), { timeout: 20_000 });
    return { client: new Hsm(all.socket), process: child };
  }
}

type Answer<A> = (error: ServiceError | null, answer: A) => void;

/** The sidecar's calls as promises; a refusal rejects with "State: message". */
export class Hsm {
  readonly #client: HsmServiceClient;
  constructor(socket: string) {
    this.#client = new HsmServiceClient(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 100,
    });
    onTestFinished(() => this.#client.close());
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
