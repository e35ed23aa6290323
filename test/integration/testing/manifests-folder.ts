import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { offchainMessage } from '../../../client/offchain-message.ts';
import { signRequest } from '../../../client/request.ts';
import { fromHex, hex } from '../../../common/bytes.ts';
import { formatTime } from '../../../common/clock.ts';
import { apiVersion } from '../../../operator/api/resource.ts';
import type { Wallet } from '../../../operator/api/resource.ts';
import { formatSshPublicKey, sshKeyOf } from '../../../statement/ssh-key.ts';

/** A folder of manifests as the quickstart's: three holders, one policy, one initiator with a key of its own. */
export type ManifestsFolder = {
  readonly dir: string;
  readonly initiator: KeyObject;
  /** Writes a file of one or more objects, as an editor does: whole at once. */
  write(file: string, ...objects: readonly object[]): Promise<void>;
  delete(file: string): Promise<void>;
  remove(): Promise<void>;
};

export async function manifestsFolder(): Promise<ManifestsFolder> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-operator-'));
  const { privateKey: initiator } = generateKeyPairSync('ed25519');
  const folder: ManifestsFolder = {
    dir,
    initiator,
    async write(file, ...objects) {
      const path = join(dir, file);
      await writeFile(`${path}.partial`, objects.map((object) => stringify(object)).join('---\n'));
      await rename(`${path}.partial`, path);
    },
    delete: (file) => rm(join(dir, file)),
    remove: () => rm(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
  await folder.write('wallet.yaml', wallet(['solana', 'EdDSA']));
  await folder.write('policy.yaml', policy(initiator));
  await folder.write('seal.yaml', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'treasury-seal', namespace: 'payments' },
    data: { kek: randomBytes(32).toString('base64') },
  });
  return folder;
}

export const wallet = (...keys: readonly (readonly [name: string, scheme: string])[]): object => ({
  apiVersion,
  kind: 'Wallet',
  metadata: { name: 'treasury', namespace: 'payments' },
  spec: {
    threshold: 2,
    holders: [
      { name: 'infrastructure', role: 'Infrastructure' },
      { name: 'client', role: 'Client' },
      { name: 'backup', role: 'Backup' },
    ],
    keys: keys.map(([name, scheme]) => ({ name, scheme })),
    policyRef: { name: 'treasury' },
    signers: { seal: { keySecretRef: { name: 'treasury-seal', key: 'kek' } } },
  },
});

/** Messages are allowed, as many an hour. */
export const policy = (initiator: KeyObject, count = 100): object => ({
  apiVersion,
  kind: 'SigningPolicy',
  metadata: { name: 'treasury', namespace: 'payments' },
  spec: {
    initiators: [{ name: 'payments-api', key: formatSshPublicKey(sshKeyOf(initiator)) }],
    rules: [{ name: 'messages', verdict: 'Allow', match: { kinds: ['Message'] }, limits: [{ count, per: '1h' }] }],
  },
});

/** A request for the signature of `name` as a message by key solana; one that is not signed has a signature over another. */
export function messageRequest(name: string, { status }: Wallet, initiator: KeyObject, signed = true): object {
  const { genesis = '', keys = [] } = status ?? {};
  const data = offchainMessage(name, fromHex(keys.find((key) => key.name === 'solana')?.publicKey ?? ''));
  const expiresAt = Date.now() + 3_600_000;
  const { signature } = signRequest(
    {
      genesis,
      id: `payments/${name}`,
      key: 'solana',
      chain: '',
      format: 'Message',
      data: signed ? data : Uint8Array.of(1),
      initiator: 'payments-api',
      expiresAt,
    },
    initiator,
  );
  return {
    apiVersion,
    kind: 'SigningRequest',
    metadata: { name, namespace: 'payments' },
    spec: {
      walletRef: { name: 'treasury' },
      key: 'solana',
      payload: { format: 'Message', data: `0x${hex(data)}` },
      initiator: { name: 'payments-api', signature },
      expiresAt: formatTime(expiresAt),
    },
  };
}
