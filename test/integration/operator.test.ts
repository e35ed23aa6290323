import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConnection } from '../../client/connection.ts';
import { readOperatorIdentity } from '../../cli/operator-identity.ts';
import { verifyHolderLog } from '../../cli/holder-log.ts';
import { fromUtf8 } from '../../common/bytes.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { Key, SigningRequest, Wallet } from '../../operator/api/resource.ts';
import { connectionFile, runEmbedded } from '../../operator/embedded.ts';
import { silentLog } from '../../common/log.ts';
import { openFolderView } from '../../operator/store/folder-view.ts';
import { databaseFile } from '../../signer/state/group-writer.ts';
import { Reader } from '../../signer/state/reader.ts';
import { manifestsFolder, messageRequest, policy, wallet } from './testing/manifests-folder.ts';
import type { ManifestsFolder } from './testing/manifests-folder.ts';
import { OperatorUnderTest } from './testing/operator-under-test.ts';

const walletKey: Key<'Wallet'> = { kind: 'Wallet', namespace: 'payments', name: 'treasury' };
const policyKey: Key<'SigningPolicy'> = { kind: 'SigningPolicy', namespace: 'payments', name: 'treasury' };
const requestKey = (name: string): Key<'SigningRequest'> => ({ kind: 'SigningRequest', namespace: 'payments', name });
const holders = ['infrastructure', 'client', 'backup'];

describe('an operator over a folder of manifests', () => {
  let folder: ManifestsFolder;
  let operator: OperatorUnderTest;
  let founded: Wallet;

  beforeAll(async () => {
    folder = await manifestsFolder();
    operator = new OperatorUnderTest(folder.dir);
  });

  afterAll(async () => {
    await operator.end('SIGTERM');
    await stopSigners(folder);
    await folder.remove();
  });

  /** The process of a holder's signer. */
  const pidOf = async (holder: string): Promise<number> => {
    const record: unknown = JSON.parse(
      await readFile(join(folder.dir, '.holdfast', 'signers', 'payments', 'treasury', holder, 'process.json'), 'utf8'),
    );
    return Number(/"pid":\s*([0-9]+)/.exec(JSON.stringify(record))?.[1]);
  };
  const pids = (): Promise<number[]> => Promise.all(holders.map(pidOf));

  const ask = async (name: string, sign: boolean = true): Promise<void> => {
    await folder.write(`${name}.yaml`, messageRequest(name, founded, folder.initiator, sign));
  };
  const signed = (name: string): Promise<SigningRequest> =>
    operator.untilCondition(requestKey(name), 'Succeeded', 'True');

  test('brings a wallet about: signers, genesis, key, policy, connection', async () => {
    founded = await operator.untilCondition(walletKey, 'Ready', 'True');
    const { status } = founded;
    expect(status?.genesis).toMatch(/^sha256:/);
    expect(status?.keysReady).toBe('1/1');
    expect(conditionOf(status?.conditions, 'SignersAvailable')?.message).toBe(
      '3 of 3; signing tolerates 0 more losses',
    );
    expect(conditionOf(status?.conditions, 'GenesisConfirmed')).toMatchObject({
      status: 'False',
      reason: 'OperatorTrustedOnce',
    });
    expect(conditionOf(status?.conditions, 'Independent')).toMatchObject({ status: 'False', reason: 'SharedMachine' });
    await operator.untilCondition(walletKey, 'PolicyEnforced', 'True');
    await operator.untilCondition(policyKey, 'Enforced', 'True');
    for (const holder of holders)
      await operator.untilCondition(
        { kind: 'Signer', namespace: 'payments', name: `treasury-${holder}` },
        'Ready',
        'True',
      );
    const connection = parseConnection(
      await readFile(connectionFile(join(folder.dir, '.holdfast'), 'payments/treasury'), 'utf8'),
    );
    expect(connection.genesis).toBe(status?.genesis);
    expect(connection.holders.map(({ name }) => name)).toEqual(holders);
  });

  test('has a request signed, and one denied that its initiator did not sign', async () => {
    await ask('hello');
    const { status } = await signed('hello');
    expect(status?.signatures?.[0]?.signature).toMatch(/^[0-9a-f]{128}$/);
    expect(status?.participants?.toSorted()).toEqual(['client', 'infrastructure']);
    expect(status?.decision?.rule).toBe('messages');
    expect(status?.effects).toMatchObject([{ kind: 'Message' }]);
    await ask('forged', false);
    const forged = await operator.untilCondition(requestKey('forged'), 'Finished', 'True');
    expect(conditionOf(forged.status?.conditions, 'Succeeded')).toMatchObject({
      status: 'False',
      reason: 'InitiatorUnverified',
    });
  });

  test('killed and started again, it finds its signers running and the same wallet', async () => {
    const before = await pids();
    await operator.end('SIGKILL');
    operator = new OperatorUnderTest(folder.dir);
    const { status } = await operator.until(
      walletKey,
      'seen again',
      (object) => object.status?.signersAvailable === '3/3',
    );
    expect(status?.genesis).toBe(founded.status?.genesis);
    expect(status?.keys).toEqual(founded.status?.keys);
    await ask('again');
    await signed('again');
    expect(await pids()).toEqual(before);
  });

  test('killed at random moments while requests are signed, it ends with each signed once', async () => {
    const names: string[] = [];
    for (let kill = 0; kill < 4; kill++) {
      const fresh = [1, 2, 3].map((i) => `busy-${kill}-${i}`);
      names.push(...fresh);
      for (const name of fresh) await ask(name);
      await operator.until(requestKey(fresh[0] ?? ''), 'seen', () => true);
      await sleep(200 * Math.random());
      await operator.end('SIGKILL');
      operator = new OperatorUnderTest(folder.dir);
    }
    for (const name of names)
      expect((await signed(name)).status?.signatures?.[0]?.signature, name).toMatch(/^[0-9a-f]{128}$/);
    // However often the operators asked for them.
    const state = join(folder.dir, '.holdfast');
    const { holders: known } = parseConnection(await readFile(connectionFile(state, 'payments/treasury'), 'utf8'));
    const identity = await readOperatorIdentity(state);
    for (const holder of known) {
      const log: Record<string, string>[] = [];
      const { error } = await verifyHolderLog(holder, identity, AbortSignal.timeout(20_000), ({ record }) =>
        log.push(JSON.parse(fromUtf8(record)) as Record<string, string>),
      );
      expect(error).toBe('');
      for (const name of names)
        expect(
          log.filter(({ type, id }) => type === 'Signed' && id === `payments/${name}`),
          `${name} at ${holder.name}`,
        ).toHaveLength(1);
    }
  });

  test('a signer that is killed comes back, and what waited for it is signed', async () => {
    const before = await pidOf('client');
    process.kill(before, 'SIGKILL');
    await ask('patient');
    await signed('patient');
    await operator.until(walletKey, 'whole again', (object) => object.status?.signersAvailable === '3/3');
    expect(await pidOf('client')).not.toBe(before);
  });

  test('a key that is added is generated', async () => {
    await folder.write('wallet.yaml', wallet(['solana', 'EdDSA'], ['bitcoin', 'Schnorr']));
    const { status } = await operator.until(walletKey, 'with two keys', (object) => object.status?.keysReady === '2/2');
    expect(status?.keys?.map(({ name, addresses }) => [name, Object.keys(addresses)])).toEqual([
      ['solana', ['solana']],
      ['bitcoin', ['bitcoin']],
    ]);
    expect(status?.keys?.[0]).toEqual(founded.status?.keys?.[0]);
    await operator.untilCondition(walletKey, 'Ready', 'True');
  });

  test('an edited policy changes nothing that is enforced, and the status says so', async () => {
    const enforced = (await operator.untilCondition(policyKey, 'Enforced', 'True')).status?.digest;
    await folder.write('policy.yaml', policy(folder.initiator, 1));
    const edited = await operator.untilCondition(policyKey, 'Enforced', 'False', 'ChangeUnsupported');
    expect(edited.status?.digest).toBe(enforced);
    const { status } = await operator.untilCondition(walletKey, 'PolicyEnforced', 'False', 'ChangeUnsupported');
    expect(conditionOf(status?.conditions, 'Ready')?.status).toBe('True');
    await ask('still-1');
    await signed('still-1');
    await folder.write('policy.yaml', policy(folder.initiator));
    await operator.untilCondition(policyKey, 'Enforced', 'True');
  });

  test('an operator that lost its identity and all that it wrote finds the same wallet again', async () => {
    await operator.end('SIGKILL');
    for (const lost of ['operator', 'store', 'connections'])
      await rm(join(folder.dir, '.holdfast', lost), { recursive: true });
    operator = new OperatorUnderTest(folder.dir);
    const { status } = await operator.untilCondition(walletKey, 'Ready', 'True');
    expect(status?.genesis).toBe(founded.status?.genesis);
    expect(status?.keys?.[0]).toEqual(founded.status?.keys?.[0]);
    await ask('recovered');
    await signed('recovered');
  });

  test('a wallet whose manifest goes is stopped and keeps its shares; it comes back as it was', async () => {
    const before = await pids();
    await folder.delete('wallet.yaml');
    await operator.untilGone(walletKey);
    for (const pid of before) expect(isRunning(pid)).toBe(false);
    await expect(readFile(connectionFile(join(folder.dir, '.holdfast'), 'payments/treasury'), 'utf8')).rejects.toThrow(
      'ENOENT',
    );
    await folder.write('wallet.yaml', wallet(['solana', 'EdDSA'], ['bitcoin', 'Schnorr']));
    const { status } = await operator.untilCondition(walletKey, 'Ready', 'True');
    expect(status?.genesis).toBe(founded.status?.genesis);
    expect(status?.keys?.[0]).toEqual(founded.status?.keys?.[0]);
  });

  test('a second operator on the folder is refused, and the first goes on', async () => {
    const second = runEmbedded({ dir: folder.dir, signal: new AbortController().signal, log: silentLog });
    await expect(second).rejects.toMatchObject({ name: 'UserError' });
    await ask('undisturbed');
    await signed('undisturbed');
  });

  test('a signer whose disk was restored is told of with condition and event, and the others sign on', async () => {
    const data = (holder: string): string =>
      join(folder.dir, '.holdfast', 'signers', 'payments', 'treasury', holder, 'data');
    const read = <T>(holder: string, look: (reader: Reader) => T): T => {
      const reader = new Reader(databaseFile(data(holder)));
      try {
        return look(reader);
      } finally {
        reader.close();
      }
    };
    const stopped = async (): Promise<void> => {
      await folder.delete('wallet.yaml');
      await operator.untilGone(walletKey);
    };
    const started = async (): Promise<void> => {
      await folder.write('wallet.yaml', wallet(['solana', 'EdDSA'], ['bitcoin', 'Schnorr']));
    };
    await stopped();
    const copy = join(folder.dir, '.holdfast', 'copy');
    await cp(data('backup'), copy, { recursive: true });
    const { length: copied } = read('backup', (reader) => reader.auditAfter(0n, 100_000));
    await started();
    await operator.untilCondition(walletKey, 'SignersAvailable', 'True');
    await ask('forgotten');
    await signed('forgotten');
    const remembered = (): bigint =>
      read('infrastructure', (r) => r.load().peers.find(({ name }) => name === 'backup')?.signed?.head.sequence ?? 0n);
    await expect.poll(remembered, { timeout: 20_000 }).toBeGreaterThan(BigInt(copied));
    await stopped();
    await rm(data('backup'), { recursive: true });
    await cp(copy, data('backup'), { recursive: true });
    await started();

    const { status } = await operator.untilCondition(walletKey, 'SignersAvailable', 'False', 'RollbackDetected');
    expect(conditionOf(status?.conditions, 'Ready')?.status).toBe('True');
    expect(conditionOf(status?.conditions, 'SignersAvailable')?.message).toContain('newest data folder');
    const signerKey: Key<'Signer'> = { kind: 'Signer', namespace: 'payments', name: 'treasury-backup' };
    await operator.untilCondition(signerKey, 'Ready', 'False', 'RollbackDetected');
    const view = await openFolderView(folder.dir);
    for (const key of [walletKey, signerKey])
      await expect
        .poll(async () => (await view.events(key)).map(({ type, reason }) => `${type} ${reason}`), { timeout: 10_000 })
        .toContain('Warning RollbackDetected');
    await ask('remembered');
    await signed('remembered');
    expect(read('backup', (reader) => reader.auditAfter(0n, 100_000))).toHaveLength(copied);
  });
});

describe('an operator that is killed while it founds a wallet', () => {
  let folder: ManifestsFolder;
  let operator: OperatorUnderTest | undefined;

  beforeAll(async () => {
    folder = await manifestsFolder();
  });

  afterAll(async () => {
    await operator?.end('SIGTERM');
    await stopSigners(folder);
    await folder.remove();
  });

  test('founds one wallet, also when it forgot everything after the first signer had its genesis', async () => {
    operator = new OperatorUnderTest(folder.dir);
    await operator.untilLog('"message":"signers provisioned"');
    await operator.end('SIGKILL');
    await rm(join(folder.dir, '.holdfast', 'store'), { recursive: true });
    for (const ms of [150, 600, 1_100]) {
      operator = new OperatorUnderTest(folder.dir);
      await sleep(ms * (0.5 + Math.random()));
      await operator.end('SIGKILL');
    }
    operator = new OperatorUnderTest(folder.dir);
    const { status } = await operator.untilCondition(walletKey, 'Ready', 'True');
    expect(conditionOf(status?.conditions, 'SignersAvailable')?.status).toBe('True');
    expect(conditionOf(status?.conditions, 'KeysGenerated')?.status).toBe('True');
  });
});

/** Ends the signers that an operator left. */
async function stopSigners({ dir }: ManifestsFolder): Promise<void> {
  const stop = new AbortController();
  const { ended } = await runEmbedded({ dir, signal: stop.signal, log: silentLog, stopSigners: true });
  stop.abort();
  await ended;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
