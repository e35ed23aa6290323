import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { digest as digestOf, fromUtf8, hex, utf8 } from '../common/bytes.ts';
import { Refused } from '../common/errors.ts';
import { Disk, MemoryStore } from '../test/simulation/memory-store.ts';
import { SimulatedWallet } from '../test/simulation/simulated-wallet.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];

describe('before genesis a signer', () => {
  it('says who it is and what it waits for, and answers nothing else', async () => {
    const wallet = new SimulatedWallet({ policy });
    const signer = await wallet.open('client');
    expect(signer.describe()).toMatchObject({
      holder: 'client',
      genesis: '',
      keys: [],
      peers: [],
      problems: [expect.stringContaining('waits for its genesis')],
    });
    expect(() => signer.facts()).toThrow(expect.objectContaining({ reason: 'Unprovisioned' }));
    expect(() => signer.request('payments-api', 'one')).toThrow(expect.objectContaining({ reason: 'Unprovisioned' }));
    await expect(signer.sign(wallet.request({ id: 'one' }))).rejects.toMatchObject({ reason: 'Unprovisioned' });
  });

  const of = (wallet: SimulatedWallet, change: (genesis: string) => string): Uint8Array =>
    utf8(change(fromUtf8(wallet.genesis)));
  const wrong: readonly (readonly [what: string, (wallet: SimulatedWallet) => Uint8Array, message: RegExp])[] = [
    [
      'of another wallet',
      (w) => of(w, (g) => g.replace('payments/treasury', 'payments/other')),
      /of wallet payments\/other/,
    ],
    ['without its holder', (w) => of(w, (g) => g.replace('"name":"client"', '"name":"somebody"')), /no holder client/],
    [
      'with another identity',
      (w) =>
        of(w, (g) =>
          g.replaceAll(hex(w.identity('client').spki), hex(new SimulatedWallet({ policy }).identity('client').spki)),
        ),
      /another identity/,
    ],
    ['with another nonce', (w) => of(w, (g) => g.replace(hex(w.identity('client').nonce), '00'.repeat(32))), /nonce/],
    [
      'with another policy',
      (w) => of(w, (g) => g.replace(digestOf(w.policyDocument), `sha256:${'00'.repeat(32)}`)),
      /pins policy/,
    ],
    [
      'with a threshold over its holders',
      (w) => of(w, (g) => g.replace('"threshold":"2"', '"threshold":"4"')),
      /threshold/,
    ],
    ['that is no statement', () => utf8('{}'), /genesis/],
  ];
  for (const [what, genesis, message] of wrong)
    it(`refuses a genesis ${what}, and then accepts the right one`, async () => {
      const wallet = new SimulatedWallet({ policy });
      const signer = await wallet.open('client');
      const provisioning = { policyDocument: wallet.policyDocument, peers: [], keys: [] };
      await expect(signer.provision({ ...provisioning, genesis: genesis(wallet) })).rejects.toThrow(message);
      expect(wallet.disk('client').audit).toEqual(new Disk().audit);
      expect(await signer.provision({ ...provisioning, genesis: wallet.genesis })).toBe(digestOf(wallet.genesis));
      expect(await signer.provision({ ...provisioning, genesis: wallet.genesis })).toBe(digestOf(wallet.genesis));
    });
});

describe('a signer whose owner decides', () => {
  it('takes the genesis that the owner accepted, and leaves no trace of one before', async () => {
    const wallet = new SimulatedWallet({ policy });
    let accepted = '';
    const signer = await wallet.open('client', (genesis) => {
      if (digestOf(genesis) !== accepted) throw new Refused('GenesisNotAccepted', 'not that one');
    });
    const request = { genesis: wallet.genesis, policyDocument: wallet.policyDocument, peers: [], keys: [] };
    await expect(signer.provision(request)).rejects.toMatchObject({ reason: 'GenesisNotAccepted' });
    expect(signer.describe()).toMatchObject({ genesis: '', problems: ['not that one'] });
    expect(wallet.disk('client').audit).toEqual(new Disk().audit);
    accepted = digestOf(wallet.genesis);
    expect(await signer.provision(request)).toBe(accepted);
    accepted = '';
    expect(await signer.provision(request)).toBe(digestOf(wallet.genesis));
  });
});

describe('a start', () => {
  it('goes through the ledger once, however much there is on it', async () => {
    const policy = {
      rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: 5, per: '1h' }] }],
    };
    const wallet = new SimulatedWallet({ policy });
    await wallet.startAll([{ name: 'solana', scheme: 'EdDSA' }]);
    await wallet.keyActive('solana');
    expect(await wallet.sign('infrastructure', wallet.request({ id: 'one' }))).toMatchObject({ outcome: 'signed' });
    wallet.kill('infrastructure');
    const read = vi.spyOn(MemoryStore.prototype, 'ledgerRows');
    onTestFinished(() => read.mockRestore());
    const signer = await wallet.start('infrastructure');
    expect(read).toHaveBeenCalledTimes(1);
    expect(signer.wallet?.limitUse()).toMatchObject([{ ratio: 0.2 }]);
  });
});

describe('keys', () => {
  it('may be added later, and each stays what it is', async () => {
    const wallet = new SimulatedWallet({ policy });
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    const [before] = wallet.signer('client').describe().keys;
    const more = [...keys, { name: 'bitcoin', scheme: 'Schnorr' as const }];
    for (const { name } of wallet.holders)
      await wallet
        .signer(name)
        .provision({ genesis: wallet.genesis, policyDocument: wallet.policyDocument, peers: [], keys: more });
    await wallet.keyActive('bitcoin');
    expect(wallet.signer('client').describe().keys).toContainEqual(before);
    expect(await wallet.sign('infrastructure', wallet.request({ id: 'new', key: 'bitcoin' }))).toMatchObject({
      outcome: 'signed',
    });
  });

  it('wait for the holder that was not asked for them, and say so', async () => {
    const wallet = new SimulatedWallet({ policy });
    await wallet.start('infrastructure', keys);
    await wallet.start('client', keys);
    await wallet.start('backup', []);
    const problem = (): string => wallet.signer('infrastructure').describe().keys[0]?.message ?? '';
    await expect.poll(problem).toContain('waits for backup to be asked for key solana');
    await wallet
      .signer('backup')
      .provision({ genesis: wallet.genesis, policyDocument: wallet.policyDocument, peers: [], keys: [...keys] });
    await wallet.keyActive('solana');
  });
});
