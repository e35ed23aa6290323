import { afterEach, describe, expect, it } from 'vitest';
import { verifyChain } from '../../../statement/audit.ts';
import { bothKeys, ProcessWallet, type HolderSpec } from './processes.ts';

const shapes: readonly {
  readonly title: string;
  readonly threshold: number;
  readonly holders: readonly HolderSpec[];
}[] = [
  {
    title: '2 of 3',
    threshold: 2,
    holders: [
      { name: 'infrastructure', role: 'Infrastructure' },
      { name: 'client', role: 'Client' },
      { name: 'backup', role: 'Backup' },
    ],
  },
  {
    title: '3 of 5 with two Infrastructure holders',
    threshold: 3,
    holders: [
      { name: 'east', role: 'Infrastructure' },
      { name: 'west', role: 'Infrastructure' },
      { name: 'one', role: 'Client' },
      { name: 'two', role: 'Client' },
      { name: 'backup', role: 'Backup' },
    ],
  },
];

describe('real signers', () => {
  let wallet: ProcessWallet | undefined;
  afterEach(async () => {
    await wallet?.close();
    wallet = undefined;
  });

  for (const { title, threshold, holders } of shapes)
    it(`${title}: make keys together and sign with them, wherever a request enters, without the backup`, async () => {
      const running = (wallet = await ProcessWallet.start({ threshold, holders, keys: bothKeys }));
      await running.connected();
      for (const { name } of holders) {
        const client = await running.connect(name);
        try {
          for (const { name: key } of bothKeys) {
            const request = running.request(`${key}-${name}`, { key });
            const result = await client.sign(request.statement, request.signature);
            expect(result, `${key} at ${name}`).toMatchObject({ outcome: 'signed', coordinator: holders[0]?.name });
            expect(result.outcome === 'signed' && result.participants).toHaveLength(threshold);
            expect(result.outcome === 'signed' && result.participants).not.toContain('backup');
          }
        } finally {
          client.close();
        }
      }
      await running.signer('backup').kill();
      const spare = holders.length > threshold + 1 ? holders.find((h) => h.role === 'Infrastructure') : undefined;
      if (spare !== undefined) await running.signer(spare.name).kill();
      const at = holders.find((h) => h.role === 'Client')?.name ?? '';
      const request = running.request('without-them');
      const reply = await running.sign(at, request);
      expect(reply, reply.message).toMatchObject({ outcome: 'signed' });
      expect(reply.participants).not.toContain(spare?.name);
      // One fewer and it says whom it waits for; with the holder back it signs the same request.
      await running.signer(at).kill();
      const other = holders.find(({ name }) => running.signer(name).running)?.name ?? '';
      const waiting = running.request('waits');
      await running.until(
        async () => ((await running.describe(other)).peers.some((p) => p.name === at && p.available) ? 'up' : ''),
        'the link is not down',
      );
      expect(await running.sign(other, waiting)).toMatchObject({
        outcome: 'failed',
        reason: 'QuorumUnavailable',
        waitsFor: expect.arrayContaining([at]),
      });
      await running.signer(at).start();
      await running.connected();
      expect(await running.sign(other, waiting)).toMatchObject({ outcome: 'signed' });
      for (const { name } of holders.filter((h) => running.signer(h.name).running)) {
        // What others tell of may go on record between the two calls.
        const { head } = await running.describe(name);
        const records = await running.audit(name);
        verifyChain(records);
        expect(records[Number(head?.sequence) - 1]?.hash).toEqual(head?.hash);
      }
    });
});
