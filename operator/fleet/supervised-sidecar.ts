import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, promisify } from 'node:util';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import { writeAtomically } from '../atomic-file.ts';
import { backoff, RECOVERED } from './backoff.ts';
import type { SealSpec, SignerId } from './fleet.ts';
import { holdProcess } from './held-process.ts';
import { endProcess, findProcess, isAlive, type ProcessIdentity } from './process-identity.ts';
import type { SealProblem } from './seal-key-file.ts';
import { lastWords, openLog, rotateLog, sizeOf } from './signer-log.ts';

export type Pkcs11Seal = Extract<SealSpec, { kind: 'Pkcs11' }>;
/** Executable, its flags and script; before the program's own flags. */
export type HsmPrograms = { readonly sidecar: readonly string[]; readonly makeToken: readonly string[] };

const GRACE = 10_000;
const MAKE_TIMEOUT = 30_000;
/** sockaddr_un has room for 107 bytes. */
const MOST_SOCKET_BYTES = 107;

/** The programs beside this one: sources beside sources, bundles beside a bundle. */
export function hsmPrograms(moduleUrl: string = import.meta.url): HsmPrograms {
  const source = moduleUrl.endsWith('.ts');
  const program = (name: string, bundle: string): readonly string[] => [
    process.execPath,
    '--disable-sigusr1',
    fileURLToPath(new URL(source ? `../../hsm/${name}.ts` : `./${bundle}.js`, moduleUrl)),
  ];
  return { sidecar: program('main', 'hsm'), makeToken: program('make-token', 'make-token') };
}

export type SidecarOptions = {
  readonly hsm: HsmPrograms;
  readonly socket: string;
  readonly pinFile: string;
  readonly logFile: string;
  /** Folder of a token in files. */
  readonly tokens: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
};

/**
 * The PKCS#11 sidecar of one signer: `ensure` keeps one process of it running, as often as it is called and no oftener
 * than the pauses between starts allow. One that an earlier operator started is found by its socket and left alone
 * where it is as it should be. Calls come one after the other.
 */
export class SupervisedSidecar {
  readonly #id: SignerId;
  readonly #options: SidecarOptions;
  #process: ProcessIdentity | undefined;
  #started: readonly string[] = [];
  #since = 0;
  #logStart = 0;
  #failures = 0;
  #retryAt = 0;
  #problem: SealProblem | undefined;

  constructor(id: SignerId, options: SidecarOptions) {
    this.#id = id;
    this.#options = options;
  }

  get socket(): string {
    return this.#options.socket;
  }

  /** Why it does not run, where it should. */
  get problem(): SealProblem | undefined {
    return this.#process !== undefined && isAlive(this.#process) ? undefined : this.#problem;
  }

  /** Makes the token where it is one in files and `hasState` does not say that there was one; then starts the sidecar. */
  async prepare(seal: Pkcs11Seal, hasState: boolean): Promise<SealProblem | undefined> {
    const { socket } = this.#options;
    if (Buffer.byteLength(socket) > MOST_SOCKET_BYTES)
      return invalid(
        `socket ${socket}: its path has over ${MOST_SOCKET_BYTES} bytes: use a state folder with a shorter one`,
      );
    try {
      if (seal.tokenInFiles && !hasState) await this.#makeToken(seal);
    } catch (error) {
      return invalid(`cannot make token ${seal.tokenLabel}: ${wordsOf(error)}`);
    }
    await this.ensure(seal);
    return undefined;
  }

  /** Starts it where it does not run or is not as `seal` says. Never throws: `problem` says what stands in the way. */
  async ensure(seal: Pkcs11Seal): Promise<void> {
    const { clock, log, logFile, random, socket } = this.#options;
    const wanted = this.#command(seal);
    try {
      if (this.#process === undefined) await this.#takeUp(wanted);
      // Its token or module is another now.
      if (this.#process !== undefined && !isDeepStrictEqual(wanted, this.#started)) await this.end();
      if (this.#process !== undefined && isAlive(this.#process)) {
        if (await rotateLog(logFile).catch(() => false)) this.#logStart = 0;
        return;
      }
      if (this.#process !== undefined) {
        const words = await lastWords(logFile, this.#logStart).catch(() => '');
        this.#problem = unavailable(`the PKCS#11 sidecar ended${words === '' ? '' : `: ${words}`}`);
        log.warn('sidecar ended', { pid: this.#process.pid, error: this.#problem.message });
        if (clock.monotonic() - this.#since >= RECOVERED) this.#failures = 0;
        this.#retryAt = clock.monotonic() + backoff(this.#failures++, random());
        this.#process = undefined;
      }
      if (clock.monotonic() < this.#retryAt) return;
      const handle = await openLog(logFile);
      try {
        this.#logStart = await sizeOf(logFile);
        const held = await holdProcess(wanted, handle.fd, this.#env(seal));
        this.#process = held.process;
        this.#started = wanted;
        this.#since = clock.monotonic();
        held.release();
        log.info('sidecar started', { pid: held.process.pid, socket });
      } finally {
        await handle.close();
      }
    } catch (error) {
      this.#problem = unavailable(`the PKCS#11 sidecar cannot be started: ${messageOf(error)}`);
      this.#retryAt = clock.monotonic() + backoff(this.#failures++, random());
    }
  }

  /** Ends it; its token stays. */
  async end(): Promise<void> {
    const process = this.#process ?? findProcess(['--socket', this.socket])?.process;
    if (process !== undefined) await endProcess(process, GRACE, this.#options.clock);
    this.#process = undefined;
    this.#problem = undefined;
    this.#failures = 0;
    this.#retryAt = 0;
  }

  /** Deletes the token in files, and with it the only key that opens what the signer sealed. */
  async destroy(): Promise<void> {
    const { tokens, socket, logFile } = this.#options;
    for (const path of [tokens, socket, logFile, this.#officerFile]) await rm(path, { recursive: true, force: true });
  }

  get #officerFile(): string {
    return `${this.#options.pinFile}.officer`;
  }

  /** One that runs already; one that was started with other flags is ended. */
  async #takeUp(wanted: readonly string[]): Promise<void> {
    const found = findProcess(['--socket', this.socket]);
    if (found === undefined) return;
    const args = found.args.filter((word, i) => word !== '' || i < found.args.length - 1);
    if (isDeepStrictEqual(args, wanted)) {
      this.#process = found.process;
      this.#started = wanted;
      this.#since = this.#options.clock.monotonic();
    } else await endProcess(found.process, GRACE, this.#options.clock);
  }

  #command({ module, tokenLabel }: Pkcs11Seal): readonly string[] {
    const { wallet, holder } = this.#id;
    const { hsm, pinFile, socket } = this.#options;
    const flags = { module, 'token-label': tokenLabel, 'pin-file': pinFile, wallet, holder, socket };
    return [...hsm.sidecar, ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])];
  }

  #env({ tokenInFiles }: Pkcs11Seal): Readonly<Record<string, string>> {
    return tokenInFiles ? { SOFTHSM2_CONF: join(this.#options.tokens, 'softhsm2.conf') } : {};
  }

  /** Made once; a folder that was made half is made anew, since nothing can have been sealed with it. */
  async #makeToken(seal: Pkcs11Seal): Promise<void> {
    const { hsm, pinFile, tokens } = this.#options;
    const made = join(tokens, 'made');
    if (existsSync(made)) return;
    await this.end();
    await rm(tokens, { recursive: true, force: true });
    const objects = join(tokens, 'tokens');
    await mkdir(objects, { recursive: true, mode: 0o700 });
    await writeFile(
      join(tokens, 'softhsm2.conf'),
      `directories.tokendir = ${objects}\nobjectstore.backend = file\nlog.level = ERROR\n`,
      { mode: 0o600 },
    );
    const [program = '', ...rest] = hsm.makeToken;
    const flags = {
      module: seal.module,
      'token-label': seal.tokenLabel,
      'pin-file': pinFile,
      'so-pin-file': this.#officerFile,
    };
    await promisify(execFile)(
      program,
      [...rest, ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])],
      { env: this.#env(seal), timeout: MAKE_TIMEOUT },
    );
    await writeAtomically(made, '');
    this.#options.log.info('made a token', { label: seal.tokenLabel });
  }
}

const invalid = (message: string): SealProblem => ({ reason: 'SealInvalid', message });
const unavailable = (message: string): SealProblem => ({ reason: 'SealUnavailable', message });

/** What a program said last, as its one line of JSON or as it is. */
function wordsOf(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : undefined;
  const message = /"message":"((?:[^"\\]|\\.)*)"/.exec(said ?? '')?.[1];
  return (message ?? messageOf(error)).slice(0, 300);
}
