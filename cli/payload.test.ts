import { expect, test } from 'vitest';
import { utf8 } from '../common/bytes.ts';
import type { PublicKey } from '../policy/effect.ts';
import { readPayload } from './payload.ts';
import type { PayloadOptions } from './payload-options.ts';

const key = { scheme: 'EdDSA', bytes: new Uint8Array(32).fill(7) } as const;
const ecdsa = { scheme: 'ECDSA', bytes: new Uint8Array(33).fill(2) } as const;
const read = (options: PayloadOptions, by: PublicKey = key) => readPayload(options, by, new AbortController().signal);

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
  expect(await read({ transaction }, ecdsa)).toMatchObject({ chain: 'eip155:1', format: 'Transaction' });
  expect((await read({ transaction, chain: 'sepolia' }, ecdsa)).chain).toBe('eip155:11155111');
});

test('a PSBT is for the main network of Bitcoin, whatever key signs it', async () => {
  const psbt = `70736274ff${'00'.repeat(32)}`;
  for (const by of [key, ecdsa])
    expect(await read({ psbt }, by)).toMatchObject({
      chain: 'bip122:000000000019d6689c085ae165831e93',
      format: 'PSBT',
    });
});

test('the text of a message stays as it is where signers put a prefix before it', async () => {
  expect(await read({ message: 'hello' }, ecdsa)).toEqual({ chain: '', format: 'Message', data: utf8('hello') });
});
