import { afterEach, describe, expect, test } from 'vitest';
import { startFakeSigner } from '../../client/testing/fake-signer.ts';
import type { FakeAnswers, FakeSigner } from '../../client/testing/fake-signer.ts';
import { fakeHolder } from '../../client/testing/fake-wallet.ts';
import { description, fake, fingerprintOf } from '../testing/holder-states.ts';
import { SignerContacts } from './signer-contacts.ts';

const id = { wallet: 'payments/treasury', holder: 'client' };
const operator = fakeHolder('operator', 'Client');
const signal = new AbortController().signal;
const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0).reverse()) close();
});

function contacts(): SignerContacts {
  const made = new SignerContacts(operator);
  toClose.push(() => made.close());
  return made;
}

async function signer(
  holder: 'client' | 'backup',
  answers: FakeAnswers = { describe: () => description('client') },
): Promise<FakeSigner> {
  const of = fake.holders.find(({ name }) => name === holder) ?? fake.client;
  const started = await startFakeSigner(of, answers);
  toClose.push(() => started.stop());
  return started;
}

test('without a pin whoever answers is believed, and has the same connection from then on', async () => {
  const { address } = await signer('client');
  const c = contacts();
  const answers = await Promise.all([
    c.describe(id, address, undefined, signal),
    c.describe(id, address, undefined, signal),
  ]);
  for (const answer of answers)
    expect(answer).toMatchObject({
      kind: 'Described',
      fingerprint: fingerprintOf('client'),
      description: { holder: 'client' },
    });
  const contact = c.client(id, address, fingerprintOf('client'));
  expect(contact).toBeDefined();
  await c.describe(id, address, fingerprintOf('client'), signal);
  expect(c.client(id, address, fingerprintOf('client'))).toBe(contact);
});

test('whoever has another key than the pinned one is a stranger', async () => {
  const { address } = await signer('backup');
  const c = contacts();
  expect(await c.describe(id, address, fingerprintOf('client'), signal)).toEqual({
    kind: 'Stranger',
    message: expect.stringContaining(
      `fingerprint ${fingerprintOf('backup')}, want ${fingerprintOf('client')}`,
    ) as string,
  });
  expect(c.client(id, address, fingerprintOf('client'))).toBeUndefined();
});

describe('nothing is made of', () => {
  test('a signer that says it is another', async () => {
    const { address } = await signer('client', { describe: () => description('client', { wallet: 'payments/other' }) });
    expect(await contacts().describe(id, address, undefined, signal)).toMatchObject({
      kind: 'Silent',
      message: expect.stringContaining('says that it is') as string,
    });
  });

  test('a signer that does not answer', async () => {
    const { address } = await signer('client', {});
    expect(await contacts().describe(id, address, undefined, signal)).toMatchObject({
      kind: 'Silent',
      message: expect.stringContaining('UNIMPLEMENTED') as string,
    });
  });

  test('a port where nobody listens', async () => {
    const { address, stop } = await signer('client');
    stop();
    expect(await contacts().describe(id, address, undefined, signal)).toMatchObject({
      kind: 'Silent',
      message: expect.stringContaining('cannot connect') as string,
    });
  });
});

test('one that gave no good answer is dialled anew', async () => {
  let wallet: string | undefined = undefined;
  const { address } = await signer('client', {
    describe: () => description('client', wallet === undefined ? {} : { wallet }),
  });
  const c = contacts();
  const pin = fingerprintOf('client');
  await c.describe(id, address, undefined, signal);
  const contact = c.client(id, address, pin);
  wallet = 'payments/other';
  expect(await c.describe(id, address, pin, signal)).toMatchObject({ kind: 'Silent' });
  expect(c.client(id, address, pin)).toBeUndefined();
  wallet = undefined;
  expect(await c.describe(id, address, pin, signal)).toMatchObject({ kind: 'Described' });
  expect(c.client(id, address, pin)).not.toBe(contact);
});

test('one that stops asks nobody', async () => {
  const { address } = await signer('client');
  const stopped = AbortSignal.abort(new Error('stopped'));
  await expect(contacts().describe(id, address, undefined, stopped)).rejects.toThrow('stopped');
});
