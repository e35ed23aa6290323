import { equal } from '../../common/bytes.ts';
import type { Clock } from '../../common/clock.ts';
import type { Log } from '../../common/log.ts';
import type { HeadSigner } from '../ceremony/environment.ts';
import { HsmRefused, hsmStates, HsmUnavailable, said } from './hsm-fault.ts';
import { type OnHsmOperation, SidecarClient } from './sidecar-client.ts';

/** How often it is looked at while it serves, and while it does not. Milliseconds. */
const CALM_MS = 5_000;
const BUSY_MS = 1_000;
/** Of a wallet with its namespace and a holder, in what is said of a stranger. Characters. */
const MOST_NAME = 200;

export type HsmOptions = {
  readonly socket: string;
  readonly wallet: string;
  readonly holder: string;
  /** Whether the signer has sealed nothing yet: only then may keys be made. */
  readonly nothingSealed: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly onOperation: OnHsmOperation;
  readonly deadlineMs?: number;
};

/**
 * The signer's view of its HSM, through the sidecar: looks at it again and again, one call at a time, and says what
 * keeps it from serving. Whatever that was, once it is mended the next look finds it so. A wrong PIN is not tried again
 * by that: the sidecar tries each version of its PIN file once.
 */
export class Hsm {
  readonly #options: HsmOptions;
  readonly #client: SidecarClient;
  #problem: HsmUnavailable | undefined = new HsmUnavailable('Starting', 'the sidecar was not asked yet');
  #auditKey: Uint8Array | undefined;
  #looking: Promise<void> | undefined;
  #cancelLook: (() => void) | undefined;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(options: HsmOptions) {
    this.#options = options;
    this.#client = new SidecarClient(options);
    this.#watch();
  }

  /** What keeps it from serving; undefined while it serves. */
  get problem(): HsmUnavailable | undefined {
    return this.#problem;
  }

  /** Resolves while it serves, or once it does. */
  whenServing(): Promise<void> {
    if (this.#problem === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  wrap(dataKey: Uint8Array, associated: readonly string[]): Promise<Uint8Array> {
    return this.#ask(() => this.#client.wrap(dataKey, associated));
  }

  /** The caller zeroes the result. */
  unwrap(wrapped: Uint8Array, associated: readonly string[]): Promise<Uint8Array> {
    return this.#ask(() => this.#client.unwrap(wrapped, associated));
  }

  /** Signs audit heads with the token's key; only once it has served. */
  get headSigner(): HeadSigner {
    const publicKey = this.#auditKey;
    if (publicKey === undefined) throw new Error('the HSM has not served yet');
    return { publicKey, sign: (bytes) => this.#ask(() => this.#client.signHead(bytes)) };
  }

  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
    this.#client.close();
  }

  /** One answer, or why there is none; a sidecar that was started anew is prepared first. */
  async #ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof HsmRefused && error.reason === 'KeysNotPrepared')) throw error;
        await this.#look();
        if (this.#problem !== undefined) throw this.#problem;
        return await call();
      }
    } catch (error) {
      if (error instanceof HsmUnavailable && error !== this.#problem) this.#settle(error);
      throw error;
    }
  }

  #watch(): void {
    void this.#look().then(() => this.#schedule());
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#cancelLook?.();
    const pause = this.#problem === undefined ? CALM_MS : BUSY_MS;
    this.#cancelLook = this.#options.clock.after(pause, () => this.#watch());
  }

  /** Never rejects. Whoever asks while a look is under way waits for that one. */
  #look(): Promise<void> {
    this.#looking ??= this.#check()
      .then(
        () => this.#settle(undefined),
        (error: unknown) =>
          this.#settle(
            error instanceof HsmUnavailable
              ? error
              : new HsmUnavailable('SidecarFailed', error instanceof Error ? error.message : String(error)),
          ),
      )
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #check(): Promise<void> {
    const { wallet, holder, socket, nothingSealed } = this.#options;
    const status = await this.#client.status();
    // Before keys are made or used: those of another holder would open nothing here, or what is not ours.
    if (status.wallet !== wallet || status.holder !== holder)
      throw new HsmUnavailable(
        'SidecarStranger',
        `the sidecar at ${socket} is that of ${said(`${status.wallet}/${status.holder}`, MOST_NAME)}, not of ${wallet}/${holder}: give each signer its own`,
      );
    if (status.state !== 'Ready' && !(status.state === 'KeyMissing' && nothingSealed())) {
      const state = hsmStates.find((known) => known === status.state) ?? 'SidecarFailed';
      throw new HsmUnavailable(state, said(status.message));
    }
    const { auditKey, made } = await this.#client.prepare(nothingSealed());
    if (made.length > 0) this.#options.log.info('the HSM made keys', { keys: made });
    if (this.#auditKey !== undefined && !equal(this.#auditKey, auditKey))
      throw new HsmUnavailable('AuditKeyChanged', 'the token has another audit key than before: bring the first back');
    this.#auditKey = Uint8Array.from(auditKey);
  }

  /** A state is told once, when it begins. */
  #settle(problem: HsmUnavailable | undefined): void {
    const before = this.#problem;
    this.#problem = problem;
    const { log } = this.#options;
    if (problem === undefined) {
      if (before !== undefined) log.info('HSM serves');
      for (const resolve of this.#waiting.splice(0)) resolve();
      return;
    }
    if (problem.state !== before?.state)
      log.warn('HSM does not serve', { state: problem.state, error: problem.message });
    // Found by a call while all seemed well: looked at again sooner than was planned.
    if (before === undefined && this.#looking === undefined) this.#schedule();
  }
}
