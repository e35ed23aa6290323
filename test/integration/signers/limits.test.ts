import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { fromHex } from '../../../common/bytes.ts';
import { ProcessWallet, threeHolders, type HolderSpec } from './processes.ts';
import { account, devnet, payment, sol } from './solana-payment.ts';

const ROUNDS = 20;
const destination = (round: number): Uint8Array =>
  Uint8Array.from(createHash('sha256').update(`destination ${round}`).digest());

/** Each destination may get 1.5 SOL a day. */
const policy = {
  assets: [{ name: 'SOL', id: sol, decimals: 9 }],
  addressBook: Array.from({ length: ROUNDS }, (_, i) => ({ name: `payee-${i}`, addresses: [account(destination(i))] })),
  fees: [{ chain: devnet, atMost: '0.01' }],
  rules: Array.from({ length: ROUNDS }, (_, i) => ({
    name: `pay-${i}`,
    verdict: 'Allow',
    match: { assets: ['SOL'], destinations: [`payee-${i}`] },
    limits: [{ amount: '1.5', per: '24h' }],
  })),
};

const twoCoordinators: readonly HolderSpec[] = [
  { name: 'east', role: 'Infrastructure' },
  { name: 'west', role: 'Infrastructure' },
  { name: 'client', role: 'Client' },
];

describe('two payments that a limit has room for one of, at once, entering at different signers', () => {
  let wallet: ProcessWallet | undefined;
  afterEach(async () => {
    await wallet?.close();
    wallet = undefined;
  });

  for (const { title, holders } of [
    { title: 'one coordinator', holders: threeHolders },
    { title: 'two coordinators', holders: twoCoordinators },
  ])
    it(`with ${title}: one is signed and one is not, ${ROUNDS} times`, async () => {
      const running = (wallet = await ProcessWallet.start({
        holders,
        keys: [{ name: 'solana', scheme: 'EdDSA' }],
        policy,
      }));
      const client = await running.connect();
      const key = fromHex(client.wallet.certificates.get('solana')?.certificate.publicKey ?? '');
      client.close();
      await running.connected();
      const names = holders.map((h) => h.name);
      for (let round = 0; round < ROUNDS; round++) {
        const replies = await Promise.all(
          [0, 1].map((i) => {
            const data = payment(key, destination(round), 1_000_000_000n + BigInt(i));
            const request = running.request(`round-${round}-${i}`, { chain: devnet, format: 'Transaction', data });
            return running.sign(names[(round + i) % names.length] ?? '', request);
          }),
        );
        const said = replies.map((r) => `${r.coordinator}: ${r.outcome} ${r.reason} ${r.message}`).join('\n');
        expect(
          replies.filter((r) => r.outcome === 'signed'),
          said,
        ).toHaveLength(1);
        expect(['LimitExceeded', 'LimitContended'], said).toContain(
          replies.find((r) => r.outcome !== 'signed')?.reason,
        );
      }
    });
});
