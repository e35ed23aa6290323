import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readOperatorIdentity } from '../../cli/operator-identity.ts';
import { parseConnection } from '../../client/connection.ts';
import { fingerprintOfCertificate } from '../../common/certificate.ts';
import { silentLog } from '../../common/log.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import { apiVersion } from '../../operator/api/resource.ts';
import type { Key, SigningRequest, Wallet } from '../../operator/api/resource.ts';
import { connectionFile, runEmbedded } from '../../operator/embedded.ts';
import { freePorts } from './signers/processes.ts';
import { manifestsFolder, messageRequest, wallet } from './testing/manifests-folder.ts';
import type { ManifestsFolder } from './testing/manifests-folder.ts';
import { OperatorUnderTest } from './testing/operator-under-test.ts';

/*
 * docs/how-to/external-holder.md, with `holdfast signer` as the process of a holder that the operator did not start.
 */

const walletKey: Key<'Wallet'> = { kind: 'Wallet', namespace: 'payments', name: 'treasury' };
const signerKey: Key<'Signer'> = { kind: 'Signer', namespace: 'acme', name: 'treasury' };
const requestKey = (name: string): Key<'SigningRequest'> => ({ kind: 'SigningRequest', namespace: 'payments', name });
const program = join(import.meta.dirname, '../../cli/main.ts');

/** The holder's own machine: its folder, its ports, its process. */
class OutsideSigner {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-outside-'));
  readonly genesis = join(this.folder, 'genesis.json');
  readonly #ports: readonly number[];
  readonly #operator: string;
  #process: ChildProcessByStdio<null, null, Readable> | undefined;
  log = '';

  constructor(operator: string, ports: readonly number[]) {
    this.#operator = operator;
    this.#ports = ports;
    writeFileSync(join(this.folder, 'kek'), randomBytes(32), { mode: 0o600 });
  }

  address(port: 'sign' | 'peer'): string {
    return `127.0.0.1:${this.#ports[port === 'sign' ? 0 : 1]}`;
  }

  get fingerprint(): string {
    return /"fingerprint":"(sha256:[0-9a-f]{64})"/.exec(this.log)?.[1] ?? '';
  }

  async start(): Promise<void> {
    this.log = '';
    this.#process = spawn(
      process.execPath,
      [
        ...[program, 'signer', '--wallet', 'payments/treasury', '--holder', 'client', '--operator', this.#operator],
        ...['--data', join(this.folder, 'data'), '--seal-key-file', join(this.folder, 'kek'), '--accept', this.genesis],
        ...['--sign-listen', this.address('sign'), '--peer-listen', this.address('peer')],
        ...['--metrics-listen', '127.0.0.1:0'],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    const ready = (): void => {
      if (this.fingerprint === '') throw new Error(`not ready: ${this.log}`);
    };
    await vi.waitFor(ready, { timeout: 30_000, interval: 50 });
  }

  /** Its exit code. */
  async stop(): Promise<number | null> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null) return running?.exitCode ?? null;
    const exited = once(running, 'exit');
    running.kill('SIGTERM');
    await exited;
    return running.exitCode;
  }
}

let folder: ManifestsFolder;
let operator: OperatorUnderTest;
let outside: OutsideSigner;

beforeAll(async () => {
  folder = await manifestsFolder();
  const { spec, ...rest } = wallet(['solana', 'EdDSA']) as Wallet;
  const holders = spec.holders.map((holder) => (holder.name === 'client' ? { ...holder, namespace: 'acme' } : holder));
  await folder.write('wallet.yaml', { ...rest, spec: { ...spec, holders } });
  operator = new OperatorUnderTest(folder.dir);
});

afterAll(async () => {
  await outside?.stop();
  await operator.end('SIGTERM');
  const stop = new AbortController();
  const { ended } = await runEmbedded({ dir: folder.dir, signal: stop.signal, log: silentLog, stopSigners: true });
  stop.abort();
  await ended;
  await folder.remove();
  rmSync(outside.folder, { recursive: true });
});

const consent = async (fingerprint: string, endpoint = outside.address('peer')): Promise<void> =>
  folder.write('client.yaml', {
    apiVersion,
    kind: 'Signer',
    metadata: { name: signerKey.name, namespace: signerKey.namespace },
    spec: {
      walletRef: { namespace: 'payments', name: 'treasury', holder: 'client' },
      external: { endpoint, signEndpoint: outside.address('sign'), fingerprint },
    },
  });
const connection = () =>
  parseConnection(readFileSync(connectionFile(join(folder.dir, '.holdfast'), 'payments/treasury'), 'utf8'));
const ask = async (name: string): Promise<void> =>
  folder.write(`${name}.yaml`, messageRequest(name, operator.get(walletKey)!, folder.initiator));
const signed = (name: string): Promise<SigningRequest> =>
  operator.untilCondition(requestKey(name), 'Succeeded', 'True');
const messageOf = ({ status }: Wallet, type: 'Ready' | 'SignersAvailable'): string =>
  conditionOf(status?.conditions, type)?.message ?? '';

test('a wallet waits for its holder, for the signer that the holder named, and for the genesis to be accepted', async () => {
  await operator.untilCondition(walletKey, 'Ready', 'False', 'WaitingForHolder');
  const { certificate } = await readOperatorIdentity(join(folder.dir, '.holdfast'));
  const [sign = 0, peer = 0] = await freePorts(2);
  outside = new OutsideSigner(fingerprintOfCertificate(certificate), [sign, peer]);

  const nobody = `sha256:${'0'.repeat(64)}`;
  await consent(nobody);
  const unreachable = await operator.untilCondition(signerKey, 'Ready', 'False', 'Unreachable');
  expect(conditionOf(unreachable.status?.conditions, 'Ready')?.message).toContain(
    `${outside.address('sign')}: cannot connect: `,
  );
  await outside.start();
  const stranger = await operator.untilCondition(signerKey, 'Ready', 'False', 'FingerprintMismatch');
  expect(conditionOf(stranger.status?.conditions, 'Ready')?.message).toContain(
    `fingerprint ${outside.fingerprint}, want ${nobody}`,
  );
  const waiting = await operator.until(walletKey, 'told of a stranger', (object) =>
    messageOf(object, 'SignersAvailable').includes(nobody),
  );
  expect(waiting.status?.genesis).toBeUndefined();

  const [elsewhere = 0] = await freePorts(1);
  await consent(outside.fingerprint, `127.0.0.1:${elsewhere}`);
  const founded = await operator.until(
    walletKey,
    'waiting for the owner',
    (object) => object.status?.genesis !== undefined && messageOf(object, 'Ready').includes('GenesisNotAccepted'),
  );
  expect(conditionOf(founded.status?.conditions, 'Ready')).toMatchObject({ reason: 'WaitingForHolder' });
  // Where the owner finds what it is asked to accept.
  const { genesis, genesisStatement } = connection();
  expect(genesis).toBe(founded.status?.genesis);
  writeFileSync(outside.genesis, genesisStatement);

  // The operator reaches it, and its peers do not.
  await operator.until(walletKey, 'told of the missing link', (object) =>
    messageOf(object, 'SignersAvailable').includes(`infrastructure has no link to client at 127.0.0.1:${elsewhere}`),
  );
  await operator.untilCondition(signerKey, 'Ready', 'True', 'Serving');
  await consent(outside.fingerprint);

  const { status } = await operator.untilCondition(walletKey, 'Ready', 'True');
  expect(status?.holders?.[1]).toMatchObject({ name: 'client', available: true, fingerprint: outside.fingerprint });
  expect(conditionOf(status?.conditions, 'Independent')?.message).toMatch(/^2 signers run on this machine/);
  expect(connection().holders[1]).toEqual({
    name: 'client',
    role: 'Client',
    endpoint: outside.address('sign'),
    fingerprint: outside.fingerprint,
  });
});

test('it signs with a signer that dials nobody', async () => {
  await ask('together');
  const { status } = await signed('together');
  expect(status?.participants?.toSorted()).toEqual(['client', 'infrastructure']);
  expect(outside.log).toContain('"message":"peer up"');
  expect(outside.log).not.toMatch(/dialling|"level":"(warn|error)"/);
});

test('stopped it is told of, and started again it signs what was asked meanwhile', async () => {
  expect(await outside.stop()).toBe(0);
  const gone = await operator.untilCondition(walletKey, 'Ready', 'False', 'QuorumLost');
  expect(messageOf(gone, 'SignersAvailable')).toContain(`client: ${outside.address('sign')}: cannot connect: `);
  await ask('later');
  await operator.until(requestKey('later'), 'waiting for a quorum', (object) =>
    JSON.stringify(object.status ?? {}).includes('QuorumUnavailable'),
  );
  await outside.start();
  await operator.untilCondition(walletKey, 'Ready', 'True');
  const { status } = await signed('later');
  expect(status?.participants?.toSorted()).toEqual(['client', 'infrastructure']);
  const told = (reason: string): number => operator.log.split(`"reason":"${reason}"`).length - 1;
  expect([told('SignerUnavailable'), told('SignerRestored')]).toEqual([1, 1]);
});
