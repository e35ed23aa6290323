import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digest, utf8 } from '../../common/bytes.ts';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import { PORT_IN_USE_EXIT } from '../../common/listen-address.ts';
import type { Log } from '../../common/log.ts';
import { signerEnvironment } from '../../common/signer-node-flags.ts';
import type { SecretSource } from '../store/secret-source.ts';
import { backoff, RECOVERED } from './backoff.ts';
import type { NotRunning, SignerId, SignerObservation, SignerSpec } from './fleet.ts';
import { holdProcess } from './held-process.ts';
import type { End } from './held-process.ts';
import type { PortPool } from './port-pool.ts';
import { endProcess, isAlive } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { readRecord, writeRecord } from './process-record.ts';
import type { Ports, ProcessRecord } from './process-record.ts';
import { writePin } from './pin-file.ts';
import { checkSealKey, type SealProblem, writeSealKey } from './seal-key-file.ts';
import { findRecord, listenFlags, signerFlags } from './signer-flags.ts';
import { lastWords, openLog, rotateLog, sizeOf } from './signer-log.ts';
import type { SignerCommand } from './signer-command.ts';
import { type HsmPrograms, SupervisedSidecar } from './supervised-sidecar.ts';

/** How often a running signer is looked at: a process that another operator started tells nobody that it ended. */
const WATCH = 1_000;
/** How often a Secret that is missing or wrong is looked at again. */
const SEAL_WATCH = 1_000;
/** What a signer has to end by itself. */
const GRACE = 10_000;

export type SupervisorOptions = {
  readonly secrets: SecretSource;
  readonly command: SignerCommand;
  readonly hsm: HsmPrograms;
  readonly ports: PortPool;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
};

type Watched = {
  readonly process: ProcessIdentity;
  /** Monotonic milliseconds. */
  readonly since: number;
  /** Where its own lines begin in the log. */
  logStart: number;
  /** Whether its exit will be told to this process. */
  readonly child: boolean;
};

type Problem = { readonly reason: NotRunning; readonly message: string };

/** One signer of a local fleet: keeps one process running for it once it is ensured. Everything that changes it waits its turn. */
export class SupervisedSigner {
  readonly id: SignerId;
  readonly #options: SupervisorOptions;
  readonly #files: {
    readonly folder: string;
    readonly data: string;
    readonly log: string;
    readonly record: string;
    readonly sealKey: string;
    readonly pin: string;
  };
  /** Beside a signer whose seal is an HSM; it has the PIN, the signer does not. */
  readonly #sidecar: SupervisedSidecar;
  #spec: SignerSpec | undefined;
  #record: ProcessRecord | undefined;
  #ports: Ports | undefined;
  #watched: Watched | undefined;
  #failures = 0;
  /** Digest of the spec that was last tried. */
  #attempted = '';
  #problem: Problem = { reason: 'Pending', message: 'nobody has asked for this signer since the operator started' };
  /** Why a process that runs could not be started again. */
  #warning: Problem | undefined;
  #cancelRetry: (() => void) | undefined;
  #cancelWatch: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(id: SignerId, state: string, options: SupervisorOptions) {
    const folder = join(state, 'signers', id.wallet, id.holder);
    this.id = id;
    this.#options = { ...options, log: options.log.with({ wallet: id.wallet, holder: id.holder }) };
    this.#files = {
      folder,
      data: join(folder, 'data'),
      log: join(folder, 'signer.log'),
      record: join(folder, 'process.json'),
      sealKey: join(state, 'seals', id.wallet, `${id.holder}.key`),
      pin: join(state, 'seals', id.wallet, `${id.holder}.pin`),
    };
    this.#sidecar = new SupervisedSidecar(id, {
      ...options,
      log: this.#options.log,
      pinFile: this.#files.pin,
      socket: join(folder, 'hsm.sock'),
      logFile: join(folder, 'hsm.log'),
      // Apart from the sealed data: whoever copies the one has not the other.
      tokens: join(state, 'tokens', id.wallet, id.holder),
    });
  }

  /** Takes up what is under `state` (`DIR/.holdfast`): a process that runs is watched from here on. */
  static async open(id: SignerId, state: string, options: SupervisorOptions): Promise<SupervisedSigner> {
    const signer = new SupervisedSigner(id, state, options);
    await signer.#takeUp();
    return signer;
  }

  ensure(spec: SignerSpec): Promise<void> {
    if (this.#spec === undefined) this.#problem = { reason: 'Starting', message: 'the signer is being started' };
    this.#spec = spec;
    return this.#inTurn(() => this.#reconcile());
  }

  remove(destroy: boolean): Promise<void> {
    this.#spec = undefined;
    return this.#inTurn(async () => {
      this.#cancelRetry?.();
      this.#cancelRetry = undefined;
      await this.#end();
      await this.#sidecar.end();
      this.#failures = 0;
      if (destroy) await this.#destroy();
      else if (this.#record !== undefined) await this.#write({ ...this.#record, process: undefined });
    });
  }

  /** Undefined once it is removed, or while it was never ensured. */
  observe(): SignerObservation | undefined {
    const process = this.#record?.process;
    if (this.#spec === undefined && process === undefined) return undefined;
    const running = process !== undefined && isAlive(process);
    const warning = this.#warning ?? this.#sidecar.problem;
    const endpoint = (port: number | undefined): string => (port === undefined ? '' : `127.0.0.1:${port}`);
    return {
      running,
      restarts: this.#record?.restarts ?? 0,
      signEndpoint: endpoint(this.#ports?.sign),
      peerEndpoint: endpoint(this.#ports?.peer),
      metricsEndpoint: endpoint(this.#ports?.metrics),
      reason: running ? '' : this.#problem.reason,
      message: running ? '' : this.#problem.message,
      ...(running && warning !== undefined && { warning }),
    };
  }

  /** Leaves the process alone from here on. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    this.#cancelRetry?.();
    this.#cancelWatch?.();
  }

  async #takeUp(): Promise<void> {
    const { record, data, folder } = this.#files;
    try {
      this.#record = await readRecord(record);
    } catch (error) {
      this.#options.log.warn('the record of a signer cannot be read', { error: messageOf(error) });
    }
    // Without its record a process would keep its successors from the state for ever.
    if (this.#record === undefined && existsSync(folder)) this.#record = findRecord(data);
    this.#ports = this.#record?.ports;
    if (this.#ports !== undefined) this.#options.ports.keep(this.#ports);
    const process = this.#record?.process;
    if (process !== undefined && isAlive(process))
      this.#watch({ process, since: this.#options.clock.monotonic(), logStart: 0, child: false });
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(run);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Brings about what the spec says. Never throws: what stands in the way is a problem to observe, and is tried again. */
  async #reconcile(): Promise<void> {
    const spec = this.#spec;
    if (spec === undefined || this.#closed) return;
    try {
      const wanted = this.#digestOf(spec);
      if (this.#watched !== undefined && !isAlive(this.#watched.process)) {
        // A child's end comes with its exit code, in a moment.
        if (!this.#watched.child) await this.#ended(this.#watched);
        return;
      }
      if (this.#watched !== undefined && wanted === this.#record?.spec) {
        this.#warning = await this.#tendSeal(spec);
        return;
      }
      // Asking again does not shorten the pause after a failure; a Secret may be there now.
      const paused = this.#cancelRetry !== undefined && !this.#problem.reason.startsWith('Seal');
      if (paused && wanted === this.#attempted) return;
      this.#attempted = wanted;
      await this.#start(spec, wanted);
    } catch (error) {
      this.#problem = { reason: 'InternalError', message: messageOf(error) };
      this.#options.log.error('cannot start a signer', { error: messageOf(error) });
      this.#retryIn(backoff(this.#failures++, this.#options.random()));
    }
  }

  async #start(spec: SignerSpec, wanted: string): Promise<void> {
    const { data, log, folder } = this.#files;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#warning = undefined;
    const problem = await this.#prepareSeal(spec);
    if (problem !== undefined) {
      this.#problem = problem;
      return this.#retryIn(SEAL_WATCH);
    }
    await this.#end();
    this.#problem = { reason: 'Starting', message: 'the signer is being started' };
    this.#ports ??= await this.#options.ports.choose();
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await mkdir(data, { recursive: true, mode: 0o700 });
    const handle = await openLog(log);
    try {
      const logStart = await sizeOf(log);
      const held = await holdProcess(
        [...this.#command(spec), ...listenFlags(this.#ports)],
        handle.fd,
        signerEnvironment(spec.role),
      );
      try {
        const restarts = this.#record?.process === undefined ? 0 : this.#record.restarts + 1;
        await this.#write({ process: held.process, spec: wanted, ports: this.#ports, restarts });
      } catch (error) {
        held.abandon();
        throw error;
      }
      const watched = { process: held.process, since: this.#options.clock.monotonic(), logStart, child: true };
      this.#watch(watched);
      void held.ended.then((end) => this.#inTurn(() => this.#ended(watched, end)));
      this.#problem = { reason: 'Restarting', message: 'the signer ended' };
      held.release();
      this.#options.log.info('signer started', { pid: held.process.pid, sign: this.#ports.sign });
    } finally {
      await handle.close();
    }
  }

  /** Ends the process that there is, if any. */
  async #end(): Promise<void> {
    this.#cancelWatch?.();
    this.#watched = undefined;
    const process = this.#record?.process;
    if (process !== undefined) await endProcess(process, GRACE, this.#options.clock);
  }

  async #ended(watched: Watched, end?: End): Promise<void> {
    if (this.#watched !== watched || this.#closed) return;
    this.#cancelWatch?.();
    this.#watched = undefined;
    const how = describeEnd(end, await lastWords(this.#files.log, watched.logStart).catch(() => ''));
    if (this.#options.clock.monotonic() - watched.since >= RECOVERED) this.#failures = 0;
    const otherPorts = end?.code === PORT_IN_USE_EXIT;
    // The old ones stay taken in the pool, so that they are not chosen again.
    if (otherPorts) this.#ports = undefined;
    this.#options.log.warn('signer ended', { pid: watched.process.pid, error: how });
    if (this.#spec === undefined) return;
    this.#problem = { reason: 'Restarting', message: how };
    const pause = backoff(this.#failures, this.#options.random());
    this.#retryIn(otherPorts && this.#failures === 0 ? 0 : pause);
    this.#failures++;
  }

  #watch(watched: Watched): void {
    this.#watched = watched;
    this.#cancelWatch = this.#options.clock.after(WATCH, () => {
      void this.#inTurn(async () => {
        if (this.#watched !== watched || this.#closed) return;
        if (!watched.child && !isAlive(watched.process)) return this.#ended(watched);
        // A log that cannot be kept small is no reason to stop watching.
        if (await rotateLog(this.#files.log).catch(() => false)) watched.logStart = 0;
        if (this.#spec?.seal.kind === 'Pkcs11') await this.#sidecar.ensure(this.#spec.seal);
        this.#watch(watched);
      });
    });
  }

  #retryIn(ms: number): void {
    this.#cancelRetry?.();
    this.#cancelRetry = this.#options.clock.after(ms, () => {
      void this.#inTurn(async () => {
        this.#cancelRetry = undefined;
        await this.#reconcile();
      });
    });
  }

  async #destroy(): Promise<void> {
    await rm(this.#files.sealKey, { force: true });
    await rm(this.#files.pin, { force: true });
    await this.#sidecar.destroy();
    // The record last: what is left of a destroy that was cut short is known, and destroyed again.
    await rm(this.#files.data, { recursive: true, force: true });
    await rm(this.#files.folder, { recursive: true, force: true });
    if (this.#ports !== undefined) this.#options.ports.release(this.#ports);
    this.#record = undefined;
    this.#ports = undefined;
  }

  async #write(record: ProcessRecord): Promise<void> {
    await writeRecord(this.#files.record, record);
    this.#record = record;
  }

  /** Puts in place what the signer needs to be started; a sidecar that does not run keeps no signer from waiting for it. */
  async #prepareSeal(spec: SignerSpec): Promise<SealProblem | undefined> {
    const { secrets } = this.#options;
    const { sealKey, pin, data, folder } = this.#files;
    if (spec.seal.kind === 'KeyFile') return writeSealKey(secrets, spec, { file: sealKey, data });
    const problem = await writePin(secrets, spec, pin);
    if (problem !== undefined) return problem;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const hasState = existsSync(data) && (await readdir(data)).length > 0;
    return this.#sidecar.prepare(spec.seal, hasState);
  }

  /** Why a signer that runs could not be started again. A PIN may have changed, and the sidecar takes it up. */
  async #tendSeal(spec: SignerSpec): Promise<SealProblem | undefined> {
    const { secrets } = this.#options;
    const { sealKey, pin, data } = this.#files;
    if (spec.seal.kind === 'KeyFile') return checkSealKey(secrets, spec, { file: sealKey, data });
    const problem = await writePin(secrets, spec, pin);
    await this.#sidecar.ensure(spec.seal);
    return problem;
  }

  #command({ wallet, holder, operator, seal: { kind } }: SignerSpec): readonly string[] {
    const { data, sealKey } = this.#files;
    const seal = kind === 'KeyFile' ? sealKey : this.#sidecar.socket;
    const sealFlag = kind === 'KeyFile' ? '--seal-key-file' : '--hsm-socket';
    const flags = signerFlags({ wallet, holder, operator, data, seal, sealFlag });
    return [...this.#options.command({ data, seal }), ...flags];
  }

  #digestOf(spec: SignerSpec): string {
    const { kind, secret, key } = spec.seal;
    return digest(utf8(JSON.stringify([this.#command(spec), spec.role, spec.namespace, kind, secret, key])));
  }
}

const describeEnd = (end: End | undefined, words: string): string => {
  const how = end === undefined ? 'the signer ended' : `the signer ended with ${end.signal ?? `exit code ${end.code}`}`;
  return words === '' ? how : `${how}: ${words}`;
};
