import { Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../common/clock.ts';
import { createLog } from '../../common/log.ts';
import { HsmServiceService, type HsmServiceServer } from '../../proto/gen/hsm/v1/hsm.ts';
import { SealUnavailable } from '../ceremony/environment.ts';
import { Hsm } from './hsm.ts';

/** Ten seconds of pauses in each. */
const quickClock: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 10, run) };

/** A sidecar whose answers the test chooses; the token behind it wraps by adding one to each byte. */
class Sidecar {
  readonly socket = join(mkdtempSync(join(tmpdir(), 'holdfast-hsm-')), 'hsm.sock');
  state = 'Ready';
  holder = 'backup';
  auditKey = Buffer.from('audit key');
  /** What `Prepare` was asked. */
  readonly prepared: boolean[] = [];
  isPrepared = false;
  /** Calls that never answer. */
  silent = false;
  #server: Server | undefined;

  constructor() {
    onTestFinished(async () => {
      this.stop();
      rmSync(join(this.socket, '..'), { recursive: true, force: true });
    });
  }

  async start(): Promise<void> {
    this.isPrepared = false;
    const refused = (state: string, code = status.FAILED_PRECONDITION) => {
      const metadata = new Metadata();
      metadata.set('holdfast-hsm-state', state);
      return { code, details: `${state}: as the test has it`, metadata };
    };
    const service: HsmServiceServer = {
      status: (_, done) => {
        if (!this.silent)
          done(null, { state: this.state, message: 'as the test has it', wallet: 'a/b', holder: this.holder });
      },
      prepare: ({ request }, done) => {
        if (this.state !== 'Ready' && !(this.state === 'KeyMissing' && request.nothingSealed))
          return done(refused(this.state));
        this.prepared.push(request.nothingSealed);
        this.isPrepared = true;
        done(null, { auditKey: this.auditKey, made: [] });
      },
      wrap: ({ request }, done) => {
        if (!this.isPrepared) return done(refused('KeysNotPrepared'));
        done(null, { wrapped: Buffer.from(request.dataKey.map((byte) => byte + 1)) });
      },
      unwrap: ({ request }, done) => {
        if (request.associated[0] !== 'mine') return done(refused('WrapRefused', status.INVALID_ARGUMENT));
        done(null, { dataKey: Buffer.from(request.wrapped.map((byte) => byte - 1)) });
      },
      signHead: ({ request }, done) => done(null, { signature: request.message }),
      random: (_, done) => done(refused('TokenFailed')),
    };
    const server = new Server();
    server.addService(HsmServiceService, service);
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${this.socket}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    this.#server = server;
  }

  stop(): void {
    this.#server?.forceShutdown();
    rmSync(this.socket, { force: true });
  }
}

function open(sidecar: Sidecar, change: Partial<ConstructorParameters<typeof Hsm>[0]> = {}) {
  const lines: string[] = [];
  const operations: string[] = [];
  const hsm = new Hsm({
    socket: sidecar.socket,
    wallet: 'a/b',
    holder: 'backup',
    nothingSealed: () => false,
    clock: quickClock,
    log: createLog((line) => lines.push(line)),
    onOperation: (operation, outcome) => operations.push(`${operation} ${outcome}`),
    ...change,
  });
  onTestFinished(() => hsm.close());
  return { hsm, lines, operations };
}

it('wraps and unwraps 32 bytes as they were, and signs with the key that it says', async () => {
  const sidecar = new Sidecar();
  await sidecar.start();
  const { hsm } = open(sidecar);
  await hsm.whenServing();
  const dataKey = Uint8Array.from({ length: 32 }, (_, i) => i);
  const wrapped = await hsm.wrap(dataKey, ['mine']);
  // The caller's own stays: it is the caller who zeroes it.
  expect(dataKey[31]).toBe(31);
  expect([...wrapped.subarray(0, 3)]).toEqual([1, 2, 3]);
  expect(Uint8Array.from(await hsm.unwrap(wrapped, ['mine']))).toEqual(dataKey);
  expect(Buffer.from(hsm.headSigner.publicKey).toString()).toBe('audit key');
  expect(Buffer.from(await hsm.headSigner.sign(Buffer.from('head'))).toString()).toBe('head');
});

it('tells what cannot be opened from what cannot be opened now', async () => {
  const sidecar = new Sidecar();
  await sidecar.start();
  const { hsm, operations } = open(sidecar);
  await hsm.whenServing();
  const refused = hsm.unwrap(new Uint8Array(61), ['other']);
  await expect(refused).rejects.toThrow('WrapRefused: as the test has it');
  await expect(refused).rejects.not.toBeInstanceOf(SealUnavailable);
  expect(hsm.problem).toBeUndefined();
  sidecar.stop();
  await expect(hsm.unwrap(new Uint8Array(61), ['mine'])).rejects.toBeInstanceOf(SealUnavailable);
  expect(hsm.problem?.state).toBe('SidecarMissing');
  expect(operations).toContain('Unwrap WrapRefused');
  expect(operations).toContain('Unwrap SidecarMissing');
});

it('says a state once, and serves again when it is over', async () => {
  const sidecar = new Sidecar();
  sidecar.state = 'PinRefused';
  await sidecar.start();
  const { hsm, lines, operations } = open(sidecar);
  await expect.poll(() => operations.length).toBeGreaterThan(1);
  expect(hsm.problem?.message).toBe('PinRefused: as the test has it');
  expect(lines.filter((line) => line.includes('PinRefused'))).toHaveLength(1);
  expect(sidecar.prepared).toEqual([]);
  sidecar.state = 'Ready';
  await hsm.whenServing();
  expect(hsm.problem).toBeUndefined();
  expect(lines.at(-1)).toContain('HSM serves');
});

it('prepares a sidecar that was started anew within the call that finds it so', async () => {
  const sidecar = new Sidecar();
  await sidecar.start();
  const { hsm } = open(sidecar);
  await hsm.whenServing();
  sidecar.isPrepared = false;
  expect(await hsm.wrap(new Uint8Array(32), ['mine'])).toHaveLength(32);
  expect(sidecar.prepared).toEqual([false, false]);
});

it('has keys made only while nothing is sealed', async () => {
  const sidecar = new Sidecar();
  sidecar.state = 'KeyMissing';
  await sidecar.start();
  const later = open(sidecar);
  await expect.poll(() => later.hsm.problem?.state).toBe('KeyMissing');
  expect(sidecar.prepared).toEqual([]);
  const first = open(sidecar, { nothingSealed: () => true });
  await first.hsm.whenServing();
  expect(sidecar.prepared).toEqual([true]);
});

it("uses no other signer's sidecar and no other audit key", async () => {
  const sidecar = new Sidecar();
  sidecar.holder = 'client';
  await sidecar.start();
  const { hsm } = open(sidecar, { nothingSealed: () => true });
  await expect.poll(() => hsm.problem?.state).toBe('SidecarStranger');
  expect(sidecar.prepared).toEqual([]);
  sidecar.holder = 'backup';
  await hsm.whenServing();
  sidecar.auditKey = Buffer.from('other key');
  sidecar.isPrepared = false;
  await expect(hsm.wrap(new Uint8Array(32), ['mine'])).rejects.toThrow('AuditKeyChanged');
});

it('waits for a silent sidecar no longer than it said', async () => {
  const sidecar = new Sidecar();
  sidecar.silent = true;
  await sidecar.start();
  const { hsm } = open(sidecar, { deadlineMs: 200 });
  await expect.poll(() => hsm.problem?.state).toBe('SidecarSilent');
  sidecar.silent = false;
  await hsm.whenServing();
});
