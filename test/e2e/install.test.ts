import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { manifestOf } from '../../cli/request-manifest.ts';
import { offchainMessage } from '../../client/offchain-message.ts';
import { signRequest } from '../../client/request.ts';
import { fromHex } from '../../common/bytes.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import type { SigningRequest, Wallet } from '../../operator/api/resource.ts';
import { signerPorts } from '../../operator/fleet/kubernetes/pod-layout.ts';
import type { Payload } from '../../policy/effect.ts';
import { formatSshPublicKey, sshKeyOf } from '../../statement/ssh-key.ts';
import { parseStatement } from '../../statement/statements.ts';
import { mergePatch } from '../cases/load.ts';
import type { Json } from '../cases/load.ts';
import { operatorNamespace } from './chart.ts';
import { apply, get, holderNamespace, kubectl } from './kubectl.ts';
import { addressOf, reach, scriptPod } from './probe.ts';

/*
 * The way of docs/how-to/install.md on a cluster, with the quickstart's manifests: the chart is installed, a wallet is
 * applied and waited for, a request is signed and another one refused.
 */

const root = join(import.meta.dirname, '../..');
const example = (path: string): string => readFileSync(join(root, 'examples', path), 'utf8');

type Pod = {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly containers: readonly { readonly name: string; readonly image: string }[];
    readonly initContainers?: readonly { readonly name: string; readonly image: string }[];
    readonly volumes: readonly {
      readonly name: string;
      readonly persistentVolumeClaim?: { readonly claimName: string };
      readonly projected?: object;
    }[];
  };
};
type Event = { readonly reason: string; readonly message: string };

describe('a wallet on a cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-e2e-'));
  const initiator = generateKeyPairSync('ed25519');
  let namespace: string;
  let wallet: Wallet;

  const inNamespace = async (...args: readonly string[]): Promise<string> => kubectl('-n', namespace, ...args);
  const eventsOf = async (name: string, reason: string): Promise<readonly Event[]> => {
    const selector = `involvedObject.name=${name},reason=${reason}`;
    const { items } = await get<{ items: readonly Event[] }>('-n', namespace, 'events', '--field-selector', selector);
    return items;
  };
  /** A Secret as the command writes it. */
  const seal = async (...args: readonly string[]): Promise<void> => {
    const file = join(folder, `${args.join('-').replaceAll('/', '-')}.yaml`);
    execFileSync(join(root, 'bin/holdfast'), ['seal', 'new', ...args, '-o', file], { stdio: 'ignore' });
    await kubectl('apply', '-f', file);
  };
  const publicKey = (): Uint8Array =>
    fromHex(wallet.status?.keys?.find(({ name }) => name === 'solana')?.publicKey ?? '');
  const request = async (id: string, payload: Payload): Promise<void> => {
    const { statement, signature } = signRequest(
      {
        ...payload,
        genesis: wallet.status?.genesis ?? '',
        id,
        key: 'solana',
        initiator: 'payments-api',
        expiresAt: Date.now() + 3_600_000,
      },
      initiator.privateKey,
    );
    const fields = parseStatement('holdfast/request/v1', statement);
    await apply(manifestOf(fields, signature, `${namespace}/treasury`));
  };

  beforeAll(async () => {
    await kubectl('-n', operatorNamespace, 'rollout', 'status', 'deployment/holdfast', '--timeout=120s');
    namespace = await holderNamespace('payments');

    await seal(`${namespace}/treasury-seal`);
    await seal(`${namespace}/treasury-pin`, '--key', 'pin');
    const backup = mergePatch(parse(example('quickstart-hsm/backup.yaml')) as Json, {
      metadata: { namespace },
      spec: { walletRef: { namespace }, seal: { pkcs11: { image: inject('images').softhsm } } },
    });
    await apply(backup as object);
    const key = formatSshPublicKey(sshKeyOf(initiator.publicKey));
    await apply(example('quickstart/policy.yaml').replace('INITIATOR_KEY', key), '-n', namespace);

    const started = Date.now();
    await apply(example('quickstart/wallet.yaml'), '-n', namespace);
    await inNamespace('wait', 'wallet/treasury', '--for=condition=Ready', '--timeout=180s');
    console.error(`from apply to Ready: ${((Date.now() - started) / 1000).toFixed(1)} s`);
    wallet = await get<Wallet>('-n', namespace, 'wallet', 'treasury');
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('has keys that every holder certified, and says so', async () => {
    expect(wallet.status?.keys?.map(({ name, scheme }) => `${name} ${scheme}`)).toEqual([
      'solana EdDSA',
      'bitcoin Schnorr',
    ]);
    for (const type of ['KeysGenerated', 'SignersAvailable', 'PolicyEnforced', 'Ready'] as const)
      expect(conditionOf(wallet.status?.conditions, type)?.status, type).toBe('True');
    await expect.poll(async () => (await eventsOf('treasury', 'KeysGenerated')).length).toBe(1);
    await inNamespace('wait', 'signingpolicy/treasury', '--for=condition=Enforced', '--timeout=30s');
    await inNamespace('wait', 'signers', '--all', '--for=condition=Ready', '--timeout=30s');
  });

  test('has a signer of its own for each holder, who shares nothing with the others', async () => {
    const { items: pods } = await get<{ items: readonly Pod[] }>(
      ...['-n', namespace, 'pods', '-l', 'app.kubernetes.io/component=signer,holdfast.dev/wallet=treasury'],
    );
    const holders = ['backup', 'client', 'infrastructure'];
    expect(pods.map(({ metadata }) => metadata.labels['holdfast.dev/holder'] ?? '').toSorted()).toEqual(holders);
    expect(new Set(pods.map(({ spec }) => spec.serviceAccountName)).size).toBe(3);
    const claims = pods.flatMap(({ spec }) => spec.volumes.flatMap((volume) => volume.persistentVolumeClaim ?? []));
    // One for each state, and one for the token in files.
    expect(new Set(claims.map(({ claimName }) => claimName)).size).toBe(4);
    // No token of a service account.
    expect(pods.flatMap(({ spec }) => spec.volumes.filter(({ projected }) => projected !== undefined))).toEqual([]);
    for (const { spec, metadata } of pods) {
      const sidecars = (spec.initContainers ?? []).map(({ name }) => name);
      expect(sidecars).toEqual(metadata.labels['holdfast.dev/holder'] === 'backup' ? ['token', 'hsm'] : []);
      expect(spec.containers.map(({ image }) => image)).toEqual([inject('images').signer]);
    }
  });

  test('signs what its policy allows', async () => {
    const data = offchainMessage('hello', publicKey());
    await request('hello', { chain: '', format: 'Message', data });
    await inNamespace('wait', 'signingrequest/hello', '--for=condition=Succeeded', '--timeout=60s');

    const { status } = await get<SigningRequest>('-n', namespace, 'signingrequest', 'hello');
    const [signed] = status?.signatures ?? [];
    // Ed25519 by another implementation than the signers'. Its key in DER, RFC 8410.
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey()]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    expect(signed?.message).toBe(Buffer.from(data).toString('hex'));
    expect(verify(null, data, key, fromHex(signed?.signature ?? ''))).toBe(true);
    expect(status?.decision?.rule).toBe('messages');
    expect(status?.participants).toContain('infrastructure');
    await expect.poll(async () => (await eventsOf('hello', 'CeremonySucceeded')).length).toBe(1);
  });

  test('refuses what no rule allows, and says why', async () => {
    await request('raw', { chain: '', format: 'Digest', data: new Uint8Array(32).fill(7) });
    await inNamespace('wait', 'signingrequest/raw', '--for=condition=Finished', '--timeout=60s');

    const { status } = await get<SigningRequest>('-n', namespace, 'signingrequest', 'raw');
    expect(conditionOf(status?.conditions, 'Succeeded')).toMatchObject({ status: 'False', reason: 'PolicyDenied' });
    expect(conditionOf(status?.conditions, 'Succeeded')?.message).toMatch(/no .*rule/i);
    expect(status?.signatures ?? []).toEqual([]);
    await expect.poll(async () => (await eventsOf('raw', 'PolicyDenied')).length).toBe(1);
  });

  test('has signers that reach one another and nothing else, and that nothing else reaches', async () => {
    const { sign, peer, metrics } = signerPorts;
    const client = await addressOf(namespace, 'treasury-client-0');
    expect(await reach(namespace, 'treasury-infrastructure-0', client, peer)).toBe('open');
    for (const port of [sign, metrics])
      expect(await reach(namespace, 'treasury-infrastructure-0', client, port), `${port}`).toBe('silent');
    const { spec } = await get<{ spec: { clusterIP: string } }>('-n', 'default', 'service', 'kubernetes');
    expect(await reach(namespace, 'treasury-infrastructure-0', spec.clusterIP, 443)).toBe('silent');

    await apply(scriptPod(namespace, 'neighbour', 'setInterval(() => {}, 1000)'));
    await inNamespace('wait', 'pod/neighbour', '--for=condition=Ready', '--timeout=60s');
    for (const port of [sign, peer, metrics])
      expect(await reach(namespace, 'neighbour', client, port), `${port}`).toBe('silent');
  });

  test('signs again by itself after all of its pods were deleted at once', async () => {
    await inNamespace('delete', 'pods', '-l', 'holdfast.dev/wallet=treasury');
    const data = offchainMessage('again', publicKey());
    await request('again', { chain: '', format: 'Message', data });
    await inNamespace('wait', 'signingrequest/again', '--for=condition=Succeeded', '--timeout=180s');
    await inNamespace('wait', 'wallet/treasury', '--for=condition=Ready', '--timeout=60s');
    const { status } = await get<Wallet>('-n', namespace, 'wallet', 'treasury');
    expect(status?.keys).toEqual(wallet.status?.keys);
  });

  test('is told in one line of kubectl get', async () => {
    await expect.poll(() => inNamespace('get', 'wallets')).toMatch(/^treasury +True +2 +3\/3 +2\/2 +treasury /m);
  });
});
