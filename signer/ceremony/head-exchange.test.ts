import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digest as digestOf } from '../../common/bytes.ts';
import type { SignedHead } from '../../proto/gen/signer/v1/signer.ts';
import { headPayload } from '../../statement/head-signature.ts';
import { CountingMeter } from '../../test/simulation/counting-meter.ts';
import { fastClock } from '../../test/simulation/fast-clock.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import type { Head } from '../state/store.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const poll = { timeout: 10_000 };

/** A wallet that signed once, of which each holder's newest head is on its peers' disks with its signature. */
async function settled(
  options: Partial<ConstructorParameters<typeof SimulatedWallet>[0]> = {},
): Promise<SimulatedWallet> {
  const wallet = new SimulatedWallet({ policy, clock: fastClock(20), ...options });
  await wallet.startAll([{ name: 'solana', scheme: 'EdDSA' }]);
  await wallet.keyActive('solana');
  expect(await wallet.sign('client', wallet.request({ id: 'one' }))).toMatchObject({ outcome: 'signed' });
  await told(wallet);
  return wallet;
}

async function told(wallet: SimulatedWallet): Promise<void> {
  for (const { name } of wallet.holders)
    for (const { name: peer } of wallet.holders.filter((h) => h.name !== name))
      await expect
        .poll(() => wallet.disk(peer).peers.get(name)?.signed?.head.sequence, poll)
        .toBe(wallet.disk(name).head.sequence);
}

/** A head of `name` with its true signature. */
const signedBy = (wallet: SimulatedWallet, name: string, head: Head): SignedHead => ({
  head: { ...head },
  signature: sign(
    null,
    headPayload({ genesis: digestOf(wallet.genesis), holder: name }, head),
    wallet.identity(name).privateKey,
  ),
});

const fence = (wallet: SimulatedWallet, name: string) => wallet.signer(name).wallet!.wallet.fence;

describe('heads of audit logs', () => {
  it('are signed within a second or so of what was appended, and on the disks of all peers with nothing else to write', async () => {
    const wallet = await settled();
    for (const { name } of wallet.holders) {
      const { head, signedHead } = wallet.signer(name).describe();
      expect(signedHead?.head).toEqual(head);
      for (const { name: peer } of wallet.holders.filter((h) => h.name !== name))
        expect(wallet.disk(peer).peers.get(name)).toMatchObject({ head, signed: signedHead });
    }
  });

  it('stop nobody where a liar makes them up, whose faults are counted', async () => {
    const meter = new CountingMeter();
    const wallet = await settled({ meter: meter.of });
    const { head } = wallet.disk('infrastructure');
    const never: Head = { sequence: head.sequence + 5n, hash: new Uint8Array(32).fill(7) };
    const other: Head = { sequence: 2n, hash: new Uint8Array(32).fill(7) };
    const lies: SignedHead[] = [never, other].flatMap((lie) => [
      { head: lie, signature: new Uint8Array(64) },
      { head: lie, signature: new Uint8Array() },
      // Its own signature, of its own log: about another's it says nothing.
      signedBy(wallet, 'backup', lie),
      { head: lie, signature: signedBy(wallet, 'infrastructure', head).signature },
    ]);
    for (const signed of lies)
      wallet.network.forge('backup', 'infrastructure', {
        $case: 'headQuestion',
        value: { remembered: signed.head, signed },
      });
    wallet.network.forge('backup', 'infrastructure', {
      $case: 'headAnswer',
      value: { remembered: { ...wallet.disk('backup').head }, found: false },
    });
    expect(fence(wallet, 'infrastructure').stopped).toBe('');
    expect(meter.told('infrastructure', 'badHead')).toEqual(lies.map(() => 'badHead backup'));
    expect(meter.told('client', 'badHead')).toEqual([]);
    expect(await wallet.sign('client', wallet.request({ id: 'two' }))).toMatchObject({ outcome: 'signed' });
    expect(wallet.signer('infrastructure').describe().problems).toEqual([]);
  });

  it('of a liar that garbles its comparison keep nobody else from a quorum, and it joins once it tells the truth', async () => {
    const wallet = await settled();
    wallet.killAll();
    let lying = true;
    wallet.network.onSend = (from, _to, body) => {
      if (!lying || from !== 'backup') return true;
      if (body.$case === 'headAnswer') return { $case: 'headAnswer', value: { ...body.value, found: false } };
      return body.$case === 'joined' ? 'held' : true;
    };
    wallet.network.onHello = (from, _to, hello) => {
      if (!lying || from !== 'backup') return hello;
      const never = { sequence: 99n, hash: new Uint8Array(32).fill(7) };
      return { ...hello, remembered: never, signed: { head: never, signature: new Uint8Array(64) } };
    };
    for (const { name } of wallet.holders) await wallet.start(name);
    await wallet.joined('client', 'infrastructure');
    expect(await wallet.sign('client', wallet.request({ id: 'two' }))).toMatchObject({ outcome: 'signed' });
    expect(fence(wallet, 'client').refusals.get('backup')).toContain('does not have record');
    expect(fence(wallet, 'client').doubts.get('backup')).toContain('record 99');
    for (const name of ['client', 'infrastructure']) expect(fence(wallet, name).stopped).toBe('');
    lying = false;
    await wallet.joined('client', 'backup');
    await wallet.joined('infrastructure', 'backup');
    expect(fence(wallet, 'client').refusals.size).toBe(0);
  });

  it('of a peer are kept with its own signature only', async () => {
    const meter = new CountingMeter();
    const wallet = await settled({ meter: meter.of });
    const { head } = wallet.disk('client');
    const kept = wallet.signer('infrastructure').wallet!.wallet.peer('client');
    const older = wallet.disk('client').audit[1]!;
    const of = ({ sequence, hash }: Head): Head => ({ sequence, hash });
    const fork = { sequence: head.sequence, hash: new Uint8Array(32).fill(7) };
    const lies: SignedHead[] = [
      { head: { ...fork }, signature: new Uint8Array(64) },
      signedBy(wallet, 'backup', fork),
      // True, and of a record that is not on disk yet.
      signedBy(wallet, 'client', { ...fork, sequence: head.sequence + 1n }),
      { head: undefined, signature: new Uint8Array(64) },
    ];
    for (const value of lies) wallet.network.forge('client', 'infrastructure', { $case: 'signedHead', value });
    expect(meter.told('infrastructure', 'badHead')).toEqual(lies.map(() => 'badHead client'));
    // True and old: no fault, and no news.
    const value = signedBy(wallet, 'client', of(older));
    wallet.network.forge('client', 'infrastructure', { $case: 'signedHead', value });
    expect(meter.told('infrastructure', 'badHead')).toHaveLength(lies.length);
    expect(wallet.signer('infrastructure').wallet!.wallet.peer('client')).toEqual(kept);
    expect(fence(wallet, 'infrastructure').refusals.size).toBe(0);
  });

  it('are compared before anything else: what comes earlier ends its link, so that it is sent again', async () => {
    const wallet = await settled();
    const spends = () => wallet.disk('backup').ledger.size;
    const counted = spends();
    wallet.kill('backup');
    expect(await wallet.sign('client', wallet.request({ id: 'two' }))).toMatchObject({ outcome: 'signed' });
    // The word that a side has joined overtakes nothing in truth; here it is late, and what follows it is not.
    let late = 0;
    wallet.network.onSend = (from, to, body) => {
      if (to !== 'backup' || body.$case !== 'joined') return true;
      setTimeout(() => wallet.network.forge(from, to, body), 300);
      late++;
      return 'held';
    };
    await wallet.start('backup');
    await expect.poll(spends, poll).toBe(counted + 1);
    expect(late).toBeGreaterThan(0);
    wallet.network.cut('client', 'backup');
    expect(() =>
      wallet.signer('backup').wallet?.onMessage('client', {
        head: wallet.disk('client').head,
        body: { $case: 'ask', value: { digest: new Uint8Array(32) } },
      }),
    ).toThrow('client sends ask before both sides compared their audit logs');
  });

  it('that tell two histories under one number have their signer refused, by whoever saw both', async () => {
    const wallet = await settled();
    const { head } = wallet.disk('client');
    const signed = signedBy(wallet, 'client', { ...head, hash: new Uint8Array(32).fill(7) });
    wallet.network.forge('client', 'infrastructure', { $case: 'signedHead', value: signed });
    expect(fence(wallet, 'infrastructure').refusals.get('client')).toContain('two different records');
    expect(fence(wallet, 'infrastructure').joined('client')).toBe(false);
    expect(fence(wallet, 'backup').refusals.size).toBe(0);
    expect(fence(wallet, 'client').stopped).toBe('');
    expect(await wallet.sign('infrastructure', wallet.request({ id: 'two' }))).toMatchObject({
      outcome: 'failed',
      reason: 'QuorumUnavailable',
    });
    expect(wallet.signer('infrastructure').describe().peers[0]).toMatchObject({
      name: 'client',
      refused: expect.stringContaining('RollbackDetected'),
    });
  });

  it('stop a signer that lacks one it signed, also when it is started again where nobody who remembers is up', async () => {
    const wallet = await settled();
    const disk = wallet.disk('client');
    const { head } = disk;
    wallet.kill('client');
    // Infrastructure and Backup remember the whole log; the Backup is set back with the client, and would be its witness.
    wallet.kill('backup');
    disk.audit.splice(2);
    wallet.disk('backup').peers.clear();
    await wallet.start('client');
    await expect.poll(() => fence(wallet, 'client').stopped, poll).toContain(`record ${head.sequence} of`);
    await expect.poll(() => disk.meta.has('rollback'), poll).toBe(true);
    wallet.kill('client');
    wallet.kill('infrastructure');
    await wallet.start('backup');
    await wallet.start('client');
    expect(fence(wallet, 'client').stopped).toContain('RollbackDetected');
    expect(wallet.signer('client').describe().problems.join()).toContain('what stopped an earlier start');
    expect(disk.head.sequence).toBe(2n);
  });

  it('are signed with the P-256 key of an HSM just as well, and tried again where that fails', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    let failures = 2;
    const wallet = await settled({
      heads: (holder, own) =>
        holder !== 'client'
          ? own
          : {
              publicKey: Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' })),
              async sign(bytes) {
                if (failures-- > 0) throw new Error('the token is gone');
                return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' });
              },
            },
    });
    expect(failures).toBeLessThan(0);
    const disk = wallet.disk('client');
    wallet.kill('client');
    disk.audit.splice(2);
    await wallet.start('client');
    await expect.poll(() => fence(wallet, 'client').stopped, poll).toContain('RollbackDetected');
  });
});
