import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { generate } from '../../test/frost-parties.ts';
import { schemeSuite } from '../../test/scheme-suite.ts';
import { workerSchemes } from './worker-engine.ts';

const schemes = workerSchemes((error) => {
  throw error;
});
afterAll(() => schemes.close());

schemeSuite('EdDSA by @noble/curves in a thread', () => schemes.get('EdDSA'));
schemeSuite('Schnorr by @noble/curves in a thread', () => schemes.get('Schnorr'));

describe('the engine in a thread', () => {
  it('leaves the event loop free while it signs', async () => {
    const { key } = (await generate(() => schemes.get('EdDSA'), 2, 2))[0]!;
    const opened = await schemes.get('EdDSA').open(key);
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await opened.commit(64);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
  });

  it('does not detach or change what callers hand over', async () => {
    const { key } = (await generate(() => schemes.get('EdDSA'), 2, 2))[0]!;
    const before = key.share.slice();
    await schemes.get('EdDSA').open(key);
    expect(key.share).toEqual(before);
  });

  it('takes byte arrays that are views into larger buffers', async () => {
    const { key } = (await generate(() => schemes.get('Schnorr'), 2, 2))[0]!;
    const view = (bytes: Uint8Array): Uint8Array =>
      Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(9)]).subarray(7, 7 + bytes.length);
    await expect(
      schemes.get('Schnorr').open({
        ...key,
        share: view(key.share),
        groupKey: view(key.groupKey),
        verificationShares: key.verificationShares.map(view),
      }),
    ).resolves.toBeDefined();
  });

  it('rejects what waits and what comes after when it is closed, without calling that a failure', async () => {
    const failures: Error[] = [];
    const own = workerSchemes((error) => failures.push(error));
    const run = own.get('EdDSA').keygen(1, 2, 2);
    const waiting = run.round1();
    const refused = expect(waiting).rejects.toThrow('signing engine is closed');
    await own.close();
    await refused;
    await expect(run.round1()).rejects.toThrow('signing engine is closed');
    expect(failures).toEqual([]);
  });

  it('tells its owner once when the thread dies, and rejects what waits and what comes after', async () => {
    const failures: Error[] = [];
    const dying =
      "import { parentPort } from 'node:worker_threads'; parentPort.once('message', () => { throw new Error('out of luck'); });";
    const own = workerSchemes(
      (error) => failures.push(error),
      new URL(`data:text/javascript,${encodeURIComponent(dying)}`),
    );
    const run = own.get('EdDSA').keygen(1, 2, 2);
    await expect(run.round1()).rejects.toThrow('signing engine stopped: out of luck');
    await expect(run.round1()).rejects.toThrow('signing engine stopped');
    expect(failures.map((f) => f.message)).toEqual(['signing engine stopped: out of luck']);
    await own.close();
  });

  it('ends its thread when nothing is open in it, and has another for the next key', async () => {
    const failures: Error[] = [];
    const own = workerSchemes((error) => failures.push(error), undefined, 50);
    const threads = (): number => readdirSync('/proc/self/task').length;
    const scheme = own.get('EdDSA');
    const opened = await scheme.open((await generate(() => schemes.get('EdDSA'), 2, 2))[0]!.key);
    const open = threads();
    await opened.commit(1);
    opened.close();
    await expect.poll(threads).toBeLessThan(open);
    const next = await scheme.open((await generate(() => schemes.get('EdDSA'), 2, 2))[0]!.key);
    expect(await next.commit(2)).toHaveLength(2);
    await expect(opened.commit(1)).rejects.toThrow('key share is closed');
    // One that is open stays, however long it rests.
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    expect(await next.commit(1)).toHaveLength(1);
    expect(failures).toEqual([]);
    await own.close();
  });

  it('answers Busy instead of queueing without bound', async () => {
    const own = workerSchemes(() => {});
    const run = own.get('EdDSA').keygen(1, 2, 2);
    await run.round1();
    const done = await Promise.allSettled(Array.from({ length: 2100 }, () => run.round2(new Map())));
    const reasons = done.map((d) => (d.status === 'rejected' ? (d.reason as { reason?: string }).reason : 'done'));
    expect(reasons.filter((r) => r === 'Busy')).toHaveLength(2100 - 2048);
    await own.close();
  });
});
