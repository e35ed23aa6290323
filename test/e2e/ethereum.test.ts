import { computeAddress, Transaction } from 'ethers';
import { beforeAll, describe, expect, test } from 'vitest';
import { ethereumTransaction, tokenTransfer } from '../../cli/demo/payments.ts';
import { fromHex } from '../../common/bytes.ts';
import { conditionOf } from '../../operator/api/conditions.ts';
import { keyAt } from '../../policy/child-key.ts';
import type { Payload } from '../../policy/effect.ts';
import { parseConnection } from '../../client/connection.ts';
import { operatorIsReady } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { get } from './kubectl.ts';

/*
 * The quickstart's wallet with a key for Ethereum: the image's addon makes it and signs with it. What is signed is read by
 * another implementation.
 */

const exchange = '0x58ABEbf894bd5C90D93D8923060e487B423e6757';
const alice = '0x50b8Ac8181E7F2BeD7ce2ba1f6b3cb64Ec08d445';
const usdc = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48';
const transaction = (data: Uint8Array): Payload => ({ chain: 'eip155:1', format: 'Transaction', data });

describe('a wallet for Ethereum on a cluster', () => {
  let treasury: ClusterWallet;

  beforeAll(async () => {
    await operatorIsReady();
    const keys = (['EdDSA', 'Schnorr', 'ECDSA'] as const).map((scheme) => ({ name: nameOf[scheme], scheme }));
    treasury = await ClusterWallet.prepare('ethereum', { keys });
    const started = performance.now();
    await treasury.apply();
    await treasury.ready();
    console.error(`from apply to Ready, three schemes: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  });

  /** The finished transaction of a request, as it would be sent. */
  const signed = async (id: string): Promise<Transaction> => {
    await treasury.kubectl('wait', `signingrequest/${id}`, '--for=condition=Succeeded', '--timeout=60s');
    const { status } = await treasury.request(id);
    const read = Transaction.from(`0x${status?.signedTransaction}`);
    expect(status?.transactionId).toBe(read.hash);
    return read;
  };

  test('pays in ETH and in a token, from the address that it shows', async () => {
    const { status } = await treasury.resource();
    const address = status?.keys?.find(({ name }) => name === 'ethereum')?.addresses?.['ethereum'];
    await treasury.ask('eth', { key: 'ethereum', ...transaction(ethereumTransaction({ to: exchange, wei: 1n })) });
    await treasury.ask('usdc', { key: 'ethereum', ...transaction(tokenTransfer(usdc, alice, 5_000_000_000n)) });
    expect(await signed('eth')).toMatchObject({ from: address, to: exchange, value: 1n });
    expect(await signed('usdc')).toMatchObject({ from: address, to: usdc });
  });

  test('pays from a child of its key', async () => {
    const path = 'm/0/7';
    await treasury.ask('child', {
      key: 'ethereum',
      path,
      ...transaction(ethereumTransaction({ to: exchange, wei: 1n })),
    });
    const { data } = await get<{ data: Readonly<Record<string, string>> }>(
      ...['-n', treasury.namespace, 'configmap', 'treasury-connection'],
    );
    const certificate = parseConnection(data['connection.json'] ?? '').keys.get('ethereum');
    const [bytes, chainCode] = [fromHex(certificate?.publicKey ?? ''), fromHex(certificate?.chainCode ?? '')];
    const child = keyAt({ scheme: 'ECDSA', bytes, chainCode }, path);
    expect((await signed('child')).from).toBe(computeAddress(`0x${Buffer.from(child.bytes).toString('hex')}`));
  });

  test('refuses what its policy does not allow', async () => {
    await treasury.ask('much', { key: 'ethereum', ...transaction(tokenTransfer(usdc, alice, 5_000_000_001n)) });
    await treasury.kubectl('wait', 'signingrequest/much', '--for=condition=Finished', '--timeout=60s');
    const { status } = await treasury.request('much');
    expect(conditionOf(status?.conditions, 'Succeeded')).toMatchObject({ status: 'False', reason: 'PolicyDenied' });
  });
});

const nameOf = { EdDSA: 'solana', Schnorr: 'bitcoin', ECDSA: 'ethereum' } as const;
