import { expect, test } from 'vitest';
import { readPayload } from './payload.ts';
import type { PayloadOptions } from './payload-options.ts';

const key = { scheme: 'EdDSA', bytes: new Uint8Array(32).fill(7) } as const;
const read = (options: PayloadOptions) => readPayload(options, key, new AbortController().signal);

test.each([{ message: 'hello' }, { digest: 'ab'.repeat(32) }])('%o belongs to no chain', async (options) => {
  expect(await read(options)).toMatchObject({ chain: '' });
  await expect(read({ ...options, chain: 'solana-devnet' })).rejects.toThrow(
    '--chain: what a message or digest is for',
  );
});

test('a transaction is for the main network unless another is named', async () => {
  const transaction = '00'.repeat(32);
  expect((await read({ transaction })).chain).toBe('solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp');
  expect((await read({ transaction, chain: 'solana-devnet' })).chain).toBe('solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1');
});
