import { describe, expect, it, vi } from 'vitest';
import type { Fleet, SignerId, SignerObservation, SignerSpec } from '../operator/fleet/fleet.ts';

/** An implementation of Fleet whose signers are stand-ins, and what a test may do behind its back. Secret payments/seal has a key `kek`. */
export type FleetHarness = {
  readonly fleet: Fleet;
  /** Another operator over the same signers; the first is gone without a word. */
  reopen(): Promise<Fleet>;
  /** How many processes, or pods, there are for a signer. */
  count(id: SignerId): number;
  /** Ends a signer as a crash would. */
  crash(id: SignerId): void;
  hasState(id: SignerId): boolean;
  setSecret(namespace: string, name: string, data: Readonly<Record<string, Uint8Array>> | undefined): void;
};

export const signerSpec = (change: Partial<SignerSpec> = {}): SignerSpec => ({
  wallet: 'payments/treasury',
  holder: 'client',
  role: 'Client',
  namespace: 'payments',
  operator: `sha256:${'0'.repeat(64)}`,
  seal: { kind: 'KeyFile', secret: 'seal', key: 'kek' },
  ...change,
});

/** What an implementation can do; all of it where nothing is said. */
export type FleetAbilities = {
  /** It reads the Secrets of seals, and says what they lack. */
  readonly readsSecrets: boolean;
  /** It deletes what it is told to destroy. */
  readonly destroys: boolean;
  /** Resolves when the signer answers on its metrics port. */
  readonly answers: (seen: SignerObservation) => Promise<unknown>;
};

const answersHttp = ({ metricsEndpoint }: SignerObservation): Promise<unknown> =>
  fetch(`http://${metricsEndpoint}/readyz`);

const until = <T>(check: () => Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 15_000, interval: 20 });

/** Resolves when the signer runs and answers on its metrics port. */
export const untilServing = (fleet: Fleet, id: SignerId, answers = answersHttp): Promise<SignerObservation> =>
  until(async () => {
    const seen = await fleet.observe(id);
    expect(seen).toMatchObject({ running: true, reason: '', message: '' });
    expect(seen).not.toHaveProperty('unready');
    await answers(seen!);
    return seen!;
  });

export const untilObserved = (fleet: Fleet, id: SignerId, expected: Partial<SignerObservation>): Promise<void> =>
  until(async () => expect(await fleet.observe(id)).toMatchObject(expected));

/** What every implementation of Fleet has to pass. A harness is asked for anew by each test, which ends all it started. */
export function fleetSuite(
  title: string,
  open: () => Promise<FleetHarness>,
  { readsSecrets, destroys, answers }: FleetAbilities = { readsSecrets: true, destroys: true, answers: answersHttp },
): void {
  const spec = signerSpec();
  const untilAnswering = (fleet: Fleet, id: SignerId): Promise<SignerObservation> => untilServing(fleet, id, answers);

  describe(title, { timeout: 30_000 }, () => {
    it('knows nothing of a signer that nobody ensured, and may be asked to remove it', async () => {
      const { fleet } = await open();
      expect(await fleet.observe(spec)).toBeUndefined();
      expect(await fleet.list()).toEqual([]);
      await fleet.remove(spec, { destroy: true });
      await fleet.remove(spec, { destroy: false });
      expect(await fleet.observe(spec)).toBeUndefined();
    });

    it('starts a signer once, however often and however many at once ask for it', async () => {
      const { fleet, count } = await open();
      await Promise.all([fleet.ensure(spec), fleet.ensure(spec), fleet.ensure(spec)]);
      const first = await untilAnswering(fleet, spec);
      await fleet.ensure(spec);
      expect(await fleet.observe(spec)).toEqual(first);
      expect(count(spec)).toBe(1);
      expect(first.restarts).toBe(0);
      expect(new Set([first.signEndpoint, first.peerEndpoint, first.metricsEndpoint]).size).toBe(3);
      expect(await fleet.list()).toEqual([{ wallet: spec.wallet, holder: spec.holder }]);

      // Once more with the state and the seal key of its first start.
      await fleet.remove(spec, { destroy: false });
      await Promise.all([fleet.ensure(spec), fleet.ensure(spec), fleet.ensure(spec)]);
      expect(await untilAnswering(fleet, spec)).toEqual(first);
      expect(count(spec)).toBe(1);
    });

    it('gives every signer a place of its own', async () => {
      const { fleet } = await open();
      const specs = [spec, signerSpec({ holder: 'infrastructure' }), signerSpec({ wallet: 'payments/cold' })];
      await Promise.all(specs.map((each) => fleet.ensure(each)));
      const seen = await Promise.all(specs.map((each) => untilAnswering(fleet, each)));
      expect(new Set(seen.flatMap((s) => [s.signEndpoint, s.peerEndpoint, s.metricsEndpoint])).size).toBe(9);
      await fleet.remove(spec, { destroy: true });
      expect(await fleet.list()).toHaveLength(2);
    });

    it('starts a signer again that crashed, without being asked, and counts it', async () => {
      const { fleet, crash } = await open();
      await fleet.ensure(spec);
      const before = await untilAnswering(fleet, spec);
      crash(spec);
      await untilObserved(fleet, spec, { running: true, restarts: 1 });
      expect(await untilAnswering(fleet, spec)).toEqual({ ...before, restarts: 1 });
    });

    it('leaves signers running when the operator goes, and takes them up again', async () => {
      const { fleet, reopen, count, crash } = await open();
      await fleet.ensure(spec);
      const before = await untilAnswering(fleet, spec);
      const next = await reopen();
      expect(await next.list()).toEqual([{ wallet: spec.wallet, holder: spec.holder }]);
      expect(await next.observe(spec)).toEqual(before);
      await next.ensure(spec);
      expect(await next.observe(spec)).toEqual(before);
      expect(count(spec)).toBe(1);
      crash(spec);
      await untilObserved(next, spec, { running: true, restarts: 1 });
    });

    it('restarts a signer whose spec changed', async () => {
      const { fleet, count } = await open();
      await fleet.ensure(spec);
      const before = await untilAnswering(fleet, spec);
      await fleet.ensure(signerSpec({ operator: `sha256:${'1'.repeat(64)}` }));
      await untilObserved(fleet, spec, { running: true, restarts: 1, signEndpoint: before.signEndpoint });
      await untilAnswering(fleet, spec);
      expect(count(spec)).toBe(1);
    });

    it('keeps the state of a signer that is removed, until it is destroyed', async () => {
      const { fleet, hasState, count, reopen } = await open();
      await fleet.ensure(spec);
      const before = await untilAnswering(fleet, spec);
      await fleet.remove(spec, { destroy: false });
      expect([count(spec), hasState(spec)]).toEqual([0, true]);
      expect(await fleet.observe(spec)).toBeUndefined();
      expect(await fleet.list()).toEqual([]);

      const next = await reopen();
      expect(await next.list()).toEqual([]);
      await next.ensure(spec);
      expect(await untilAnswering(next, spec)).toEqual(before);
      await next.remove(spec, { destroy: true });
      expect([count(spec), hasState(spec)]).toEqual([0, !destroys]);
      expect(await next.observe(spec)).toBeUndefined();
    });

    it.runIf(destroys)('destroys the state of a signer that was removed before', async () => {
      const { fleet, hasState } = await open();
      await fleet.ensure(spec);
      await untilAnswering(fleet, spec);
      await fleet.remove(spec, { destroy: false });
      await fleet.remove(spec, { destroy: true });
      expect(hasState(spec)).toBe(false);
    });

    it('has what was asked last, whatever was asked at once', async () => {
      const { fleet, count } = await open();
      await Promise.all([fleet.ensure(spec), fleet.remove(spec, { destroy: false }), fleet.ensure(spec)]);
      await untilAnswering(fleet, spec);
      expect(count(spec)).toBe(1);
      await Promise.all([
        fleet.ensure(signerSpec({ operator: `sha256:${'2'.repeat(64)}` })),
        fleet.remove(spec, { destroy: true }),
      ]);
      expect(await fleet.observe(spec)).toBeUndefined();
      expect(count(spec)).toBe(0);
    });

    it.runIf(readsSecrets).each([
      ['Secret', undefined, 'SealNotFound', 'payments/other'],
      ['key in its Secret', { pin: new Uint8Array(32) }, 'SealNotFound', 'kek'],
      ['key of 32 bytes', { kek: new Uint8Array(31) }, 'SealInvalid', '31 bytes'],
    ])('waits for a %s, and starts when it is there', async (_, data, reason, says) => {
      const { fleet, setSecret, count } = await open();
      const waiting = signerSpec({ seal: { kind: 'KeyFile', secret: 'other', key: 'kek' } });
      setSecret('payments', 'other', data);
      await fleet.ensure(waiting);
      const seen = await fleet.observe(waiting);
      expect(seen).toMatchObject({ running: false, restarts: 0, reason });
      expect(seen!.message.replace('Secret other in namespace payments', 'payments/other')).toContain(says);
      expect(count(waiting)).toBe(0);
      setSecret('payments', 'other', { kek: Uint8Array.from({ length: 32 }, (_byte, i) => i * 7) });
      await untilAnswering(fleet, waiting);
    });
  });
}
