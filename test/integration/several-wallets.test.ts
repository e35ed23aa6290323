import { afterAll, beforeAll, expect, test } from 'vitest';
import { offchainMessage } from '../../client/offchain-message.ts';
import { signRequest } from '../../client/request.ts';
import { fromHex, hex } from '../../common/bytes.ts';
import { formatTime } from '../../common/clock.ts';
import { silentLog } from '../../common/log.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import { apiVersion } from '../../operator/api/resource.ts';
import type { Key, Wallet } from '../../operator/api/resource.ts';
import { runEmbedded } from '../../operator/embedded.ts';
import { manifestsFolder } from './testing/manifests-folder.ts';
import type { ManifestsFolder } from './testing/manifests-folder.ts';
import { OperatorUnderTest } from './testing/operator-under-test.ts';

let folder: ManifestsFolder;
let operator: OperatorUnderTest;

const walletKey = (name: string): Key<'Wallet'> => ({ kind: 'Wallet', namespace: 'payments', name });
const requestKey = (name: string): Key<'SigningRequest'> => ({ kind: 'SigningRequest', namespace: 'payments', name });

beforeAll(async () => {
  folder = await manifestsFolder();
  // Beside the treasury, of which 2 of 3 holders sign: one of which all sign.
  await folder.write('vault.yaml', {
    apiVersion,
    kind: 'Wallet',
    metadata: { name: 'vault', namespace: 'payments' },
    spec: {
      threshold: 3,
      holders: [
        { name: 'infrastructure', role: 'Infrastructure' },
        { name: 'client', role: 'Client' },
        { name: 'board', role: 'Client' },
      ],
      keys: [{ name: 'solana', scheme: 'EdDSA' }],
      policyRef: { name: 'treasury' },
      signers: { seal: { keySecretRef: { name: 'treasury-seal', key: 'kek' } } },
    },
  });
  operator = new OperatorUnderTest(folder.dir);
});

afterAll(async () => {
  await operator.end('SIGTERM');
  const stop = new AbortController();
  const { ended } = await runEmbedded({ dir: folder.dir, signal: stop.signal, log: silentLog, stopSigners: true });
  stop.abort();
  await ended;
  await folder.remove();
});

/** Asks `wallet` for a message of its key, signed by the initiator for the wallet of `genesis`. */
async function ask(name: string, { metadata, status }: Wallet, genesis = status?.genesis ?? ''): Promise<void> {
  const data = offchainMessage(name, fromHex(status?.keys?.[0]?.publicKey ?? ''));
  const expiresAt = Date.now() + 3_600_000;
  const fields = { id: `payments/${name}`, key: 'solana', chain: '', format: 'Message', data, expiresAt } as const;
  const { signature } = signRequest({ ...fields, genesis, initiator: 'payments-api' }, folder.initiator);
  await folder.write(`${name}.yaml`, {
    apiVersion,
    kind: 'SigningRequest',
    metadata: { name, namespace: 'payments' },
    spec: {
      walletRef: { name: metadata.name },
      key: 'solana',
      payload: { format: 'Message', data: `0x${hex(data)}` },
      initiator: { name: 'payments-api', signature },
      expiresAt: formatTime(expiresAt),
    },
  });
}

test('two wallets of one folder become ready and sign, each by its own threshold and for its own requests', async () => {
  const [treasury, vault] = await Promise.all(
    ['treasury', 'vault'].map((name) => operator.untilCondition(walletKey(name), 'Ready', 'True')),
  );
  if (treasury === undefined || vault === undefined) throw new Error('no wallets');
  expect(treasury.status?.genesis).not.toBe(vault.status?.genesis);
  expect(treasury.status?.keys?.[0]?.publicKey).not.toBe(vault.status?.keys?.[0]?.publicKey);

  await ask('from-treasury', treasury);
  await ask('from-vault', vault);
  await ask('astray', vault, treasury.status?.genesis);
  const participants = async (name: string): Promise<unknown> =>
    (await operator.untilCondition(requestKey(name), 'Succeeded', 'True')).status?.participants?.toSorted();
  expect(await participants('from-treasury')).toEqual(['client', 'infrastructure']);
  expect(await participants('from-vault')).toEqual(['board', 'client', 'infrastructure']);
  const astray = await operator.untilCondition(requestKey('astray'), 'Finished', 'True');
  expect(conditionOf(astray.status?.conditions, 'Succeeded')).toMatchObject({
    status: 'False',
    reason: 'InitiatorUnverified',
  });
});
