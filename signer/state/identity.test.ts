import { createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { loadOrCreateIdentity } from './identity.ts';
import { keyFileSeal } from './key-file-seal.ts';
import type { Seal } from './seal.ts';
import { openStore } from './sqlite-store.ts';
import type { Store } from './store.ts';
import { now } from './testing/changes.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const wallet = 'payments/treasury';
const holder = 'client';

function newSeal(): Seal {
  const file = join(temporaryFolder(), 'kek');
  writeFileSync(file, randomBytes(32), { mode: 0o600 });
  return keyFileSeal(file);
}

async function newStore(folder = temporaryFolder()): Promise<Store> {
  const store = await openStore(folder, {
    onFailure: (error) => {
      throw error;
    },
    reserveBytes: 4_096,
  });
  onTestFinished(() => store.close());
  return store;
}

describe("a signer's identity", () => {
  it('is made at the first start and the same ever after', async () => {
    const [folder, seal] = [temporaryFolder(), newSeal()];
    const first = await newStore(folder);
    const made = await loadOrCreateIdentity({ store: first, seal, wallet, holder, now });
    expect(made.privateKey.asymmetricKeyType).toBe('ed25519');
    expect(made.nonce).toHaveLength(32);
    await first.close();

    const again = await loadOrCreateIdentity({ store: await newStore(folder), seal, wallet, holder, now });
    expect([again.spki, again.nonce]).toEqual([made.spki, made.nonce]);
    const publicKey = createPublicKey({ key: Buffer.from(made.spki), format: 'der', type: 'spki' });
    expect(verify(null, utf8('message'), publicKey, sign(null, utf8('message'), again.privateKey))).toBe(true);
  });

  it('is another in each folder', async () => {
    const seal = newSeal();
    const [a, b] = [
      await loadOrCreateIdentity({ store: await newStore(), seal, wallet, holder, now }),
      await loadOrCreateIdentity({ store: await newStore(), seal, wallet, holder, now }),
    ];
    expect(a.spki).not.toEqual(b.spki);
    expect(a.nonce).not.toEqual(b.nonce);
  });

  it('is not in the clear on disk', async () => {
    const store = await newStore();
    const { privateKey } = await loadOrCreateIdentity({ store, seal: newSeal(), wallet, holder, now });
    const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
    for (const value of store.load().meta.values()) expect(Buffer.from(value).includes(seed)).toBe(false);
  });

  it('does not serve another wallet or holder', async () => {
    const [store, seal] = [await newStore(), newSeal()];
    await loadOrCreateIdentity({ store, seal, wallet, holder, now });
    for (const other of [
      { wallet, holder: 'backup' },
      { wallet: 'payments/other', holder },
    ])
      await expect(loadOrCreateIdentity({ store, seal, ...other, now })).rejects.toThrow(
        `this state is that of signer payments/treasury/client, this one is configured as ${other.wallet}/${other.holder}`,
      );
  });

  it('is not made anew where the seal key is another: the message names its file and what to do', async () => {
    const store = await newStore();
    await loadOrCreateIdentity({ store, seal: newSeal(), wallet, holder, now });
    const before = store.load();
    const other = newSeal();
    await expect(loadOrCreateIdentity({ store, seal: other, wallet, holder, now })).rejects.toMatchObject({
      message: expect.stringContaining(
        `${other.description} does not open the identity of signer payments/treasury/client: `,
      ),
      hints: [expect.stringContaining('first started with')],
    });
    expect(store.load()).toEqual(before);
  });

  it('is not made anew where it was lost from a state that is in use', async () => {
    const uses: Parameters<Store['write']>[0][] = [
      { now, meta: { genesis: utf8('{}') } },
      { now, audit: [{ type: 'GenesisAccepted' }] },
      { now, meta: { owner: utf8(`${wallet}/${holder}`), identity: utf8('x') } },
    ];
    for (const change of uses) {
      const store = await newStore();
      await store.write(change);
      await expect(loadOrCreateIdentity({ store, seal: newSeal(), wallet, holder, now })).rejects.toThrow(
        'has lost its identity',
      );
    }
  });

  it('is not kept where the seal cannot open what it closed', async () => {
    const store = await newStore();
    const seal: Seal = {
      ...newSeal(),
      description: 'token backup',
      unwrap: () => Promise.reject(new Error('key is not usable')),
    };
    await expect(loadOrCreateIdentity({ store, seal, wallet, holder, now })).rejects.toThrow(
      'token backup does not open the identity',
    );
    expect(store.load().meta.size).toBe(0);
  });
});
