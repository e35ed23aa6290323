import { describe, expect, it, vi } from 'vitest';
import { digest as digestOf } from '../../common/bytes.ts';
import { verifyCertificate } from '../../statement/certificate.ts';
import { parseStatement } from '../../statement/statements.ts';
import { fastClock } from '../../test/simulation/fast-clock.ts';
import { SimulatedWallet, type SimulatedHolder } from '../../test/simulation/simulated-wallet.ts';
import { toyScheme } from '../../test/simulation/toy-scheme.ts';
import type { PeerBody } from '../peers/peers.ts';
import { frostScheme, inlineEngine } from '../scheme/frost-scheme.ts';
import type { FrostScheme, Scheme } from '../scheme/scheme.ts';
import { testQuorums } from './test-quorums.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];

const certificates = (wallet: SimulatedWallet): Set<string> =>
  new Set(wallet.holders.map((h) => wallet.signer(h.name).describe().keys[0]?.certificate ?? ''));

/** A machine may be busy with other things. */
const eventually = (holds: () => boolean): Promise<unknown> => vi.waitUntil(holds, { timeout: 10_000 });

describe('key generation', () => {
  for (const scheme of ['EdDSA', 'Schnorr'] as const)
    it(`ends in one ${scheme} certificate that all holders signed`, async () => {
      const engine = inlineEngine();
      const wallet = new SimulatedWallet({ policy, scheme: (name) => frostScheme(name, engine) });
      await wallet.startAll([{ name: 'key', scheme }]);
      await wallet.keyActive('key');
      expect(certificates(wallet).size).toBe(1);
      const genesis = parseStatement('holdfast/genesis/v1', wallet.genesis);
      const [found] = wallet.signer('backup').facts().certificates;
      const certificate = verifyCertificate({
        genesis,
        genesisDigest: digestOf(wallet.genesis),
        statement: found?.statement ?? new Uint8Array(),
        signatures: found?.signatures ?? [],
      });
      expect(certificate.publicKey).toHaveLength(64);
      expect(certificate.internalKey === '').toBe(scheme === 'EdDSA');
      expect(await wallet.sign('infrastructure', wallet.request({ id: 'one', key: 'key' }))).toMatchObject({
        outcome: 'signed',
      });
    });

  it('works for 3 of 5 with two Infrastructure holders', async () => {
    const holders: SimulatedHolder[] = [
      { name: 'east', role: 'Infrastructure' },
      { name: 'west', role: 'Infrastructure' },
      { name: 'one', role: 'Client' },
      { name: 'two', role: 'Client' },
      { name: 'safe', role: 'Backup' },
    ];
    const wallet = new SimulatedWallet({ policy, holders, threshold: 3 });
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    wallet.kill('two');
    expect(await wallet.sign('west', wallet.request({ id: 'one' }))).toMatchObject({
      outcome: 'signed',
      coordinator: 'east',
    });
    wallet.kill('east');
    expect(await wallet.sign('one', wallet.request({ id: 'two' }))).toMatchObject({
      reason: 'QuorumUnavailable',
      coordinator: 'west',
    });
  });

  it('leaves no share behind where the engine has its own copy', async () => {
    const secrets: Uint8Array[] = [];
    const watched = (name: FrostScheme): Scheme => {
      const scheme = toyScheme(name);
      const note = (...shares: Uint8Array[]): void => void secrets.push(...shares);
      return {
        ...scheme,
        open(key) {
          note(key.share);
          return scheme.open(key);
        },
        keygen(...parties) {
          const run = scheme.keygen(...parties);
          return {
            ...run,
            async round2(others) {
              const shares = await run.round2(others);
              note(...shares.values());
              return shares;
            },
            async round3(shares) {
              note(...shares.values());
              const result = await run.round3(shares);
              note(result.key.share);
              return result;
            },
          };
        },
      };
    };
    const wallet = new SimulatedWallet({ policy, scheme: watched });
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    // Each of three: two shares given, two received, the key's own, opened again for the test and for signing.
    expect(secrets).toHaveLength(3 * (2 + 2 + 1 + 1) + 2);
    for (const secret of secrets) expect(secret.every((byte) => byte === 0)).toBe(true);
  });

  it('calls a key active once it can be used and its certificate shown, not before', async () => {
    const opened = Promise.withResolvers<void>();
    let held = 0;
    const slow = (name: FrostScheme): Scheme => {
      const scheme = toyScheme(name);
      return {
        ...scheme,
        async open(key) {
          if (wallet.disk('client').keys.get('solana')?.state === 'Active' && key.identifier === 2) {
            held++;
            await opened.promise;
          }
          return scheme.open(key);
        },
      };
    };
    const wallet = new SimulatedWallet({ policy, scheme: slow });
    await wallet.startAll(keys);
    await eventually(() => held === 1);
    const client = wallet.signer('client');
    expect(client.describe().keys).toMatchObject([{ state: 'Prepared', certificate: '' }]);
    expect(client.facts().certificates).toEqual([]);
    opened.resolve();
    await wallet.keyActive('solana');
    expect(client.facts().certificates).toHaveLength(1);
    expect(certificates(wallet).size).toBe(1);
  });

  it('waits for a holder that is away and says for whom', async () => {
    const wallet = new SimulatedWallet({ policy });
    await wallet.start('infrastructure', keys);
    await wallet.start('client', keys);
    expect(wallet.signer('infrastructure').describe().keys[0]).toMatchObject({ state: 'Wanted' });
    await wallet.start('backup', keys);
    await wallet.keyActive('solana');
  });

  it('ends in the same key everywhere whoever is killed, at whatever message', async () => {
    const kinds = [
      'keygenStart',
      'keygenRound1',
      'keygenRound2',
      'keygenTestCommitments',
      'keygenTestShares',
      'keygenSignature',
    ];
    for (const [i, kind] of kinds.entries())
      for (const victim of ['infrastructure', 'client', 'backup']) {
        const wallet = new SimulatedWallet({ policy, clock: fastClock(10) });
        let left = 1 + (i % 2);
        let killed = false;
        wallet.network.onSend = (_from, _to, body) => {
          if (killed || body.$case !== kind || --left > 0) return true;
          killed = true;
          setImmediate(() => {
            wallet.kill(victim);
            setTimeout(() => void wallet.start(victim, keys), 5);
          });
          return true;
        };
        await wallet.startAll(keys);
        await wallet.keyActive('solana');
        expect(killed, `${victim} at ${kind}`).toBe(true);
        expect(certificates(wallet).size, `${victim} at ${kind}`).toBe(1);
      }
  });

  it('starts a later attempt only when all signed the earlier off, and forgets no share that someone activated', async () => {
    const wallet = new SimulatedWallet({ policy });
    let lost = 0;
    // The client never gets the last signature of the first attempt: infrastructure and backup are Active, it is not.
    wallet.network.onSend = (_from, to, body) => !(to === 'client' && body.$case === 'keygenSignature' && lost++ === 0);
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    expect(lost).toBeGreaterThan(1);
    expect(certificates(wallet).size).toBe(1);
  });
});

const abandon = (attempt: bigint): PeerBody => ({
  $case: 'keygenAbandon',
  value: { key: 'solana', scheme: 'EdDSA', attempt, signatures: [] },
});

describe('key generation with a holder that is taken over', () => {
  it('follows no attempt that it invents, names it, and goes on once it is repaired', async () => {
    const wallet = new SimulatedWallet({ policy, clock: fastClock(20) });
    wallet.network.onSend = (from, _to, body) =>
      from === 'client' && body.$case === 'keygenStatus'
        ? { ...body, value: { ...body.value, attempt: 999_999_999_999_999n } }
        : true;
    await wallet.startAll(keys);
    const problem = (): string => wallet.signer('infrastructure').describe().keys[0]?.message ?? '';
    await eventually(() => problem().includes('client says that attempt 999999999999999 has begun'));
    wallet.network.onSend = () => true;
    await wallet.keyActive('solana');
    for (const { name } of wallet.holders) expect(wallet.disk(name).keys.get('solana')?.attempt).toBe(1);
  });

  it('signs off nothing that no holder can have begun, though the leader asks', async () => {
    const wallet = new SimulatedWallet({ policy });
    const heard: PeerBody[] = [];
    wallet.network.onSend = (from, _to, body) => {
      if (from === 'client' && body.$case === 'keygenAbandon') heard.push(body);
      return true;
    };
    await wallet.start('client', keys);
    await wallet.start('infrastructure', keys);
    await wallet.joined('client', 'infrastructure');
    for (const attempt of [2n, 3n, 2n ** 53n - 2n, 2n ** 64n - 1n])
      wallet.network.forge('infrastructure', 'client', abandon(attempt));
    await wallet.start('backup', keys);
    await wallet.keyActive('solana');
    expect(heard).toEqual([]);
    expect(wallet.disk('client').keys.get('solana')).toMatchObject({ attempt: 1, abandoned: 0 });
  });

  it('goes on after a leader had one holder sign off an attempt that nobody began', async () => {
    const wallet = new SimulatedWallet({ policy, clock: fastClock(20) });
    await wallet.start('client', keys);
    await wallet.start('infrastructure', keys);
    await wallet.joined('client', 'infrastructure');
    wallet.network.forge('infrastructure', 'client', abandon(1n));
    wallet.network.forge('infrastructure', 'client', abandon(2n));
    await eventually(() => wallet.disk('client').keys.get('solana')?.abandoned === 1);
    await wallet.start('backup', keys);
    await wallet.keyActive('solana');
    expect(wallet.disk('client').keys.get('solana')?.attempt).toBe(2);
  });

  it('keeps what arrives before an attempt begins, whatever is sent of attempts that cannot be next', async () => {
    const wallet = new SimulatedWallet({ policy });
    let forged = 0;
    wallet.network.onSend = (from, to, body) => {
      if (body.$case === 'keygenStart' && to === 'backup') wallet.network.delay('infrastructure', 'backup', 30);
      if (body.$case === 'keygenRound1' && from === 'client' && to === 'backup' && forged === 0)
        setTimeout(() => {
          for (const attempt of [5n, 6n, 7n, 8n, 9n]) {
            wallet.network.forge('client', 'backup', { ...body, value: { ...body.value, attempt } });
            forged++;
          }
        }, 5);
      return true;
    };
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    expect(forged).toBe(5);
    expect(wallet.disk('backup').keys.get('solana')?.attempt).toBe(1);
  });
});

describe('a holder that cannot write', () => {
  it('signs no attempt off, however often it is asked', async () => {
    const wallet = new SimulatedWallet({ policy });
    const heard: PeerBody[] = [];
    wallet.network.onSend = (from, _to, body) => {
      if (body.$case === 'keygenSignature') return { $case: 'heartbeat', value: { stamp: 0n, answer: true } };
      if (from === 'client' && body.$case === 'keygenAbandon') heard.push(body);
      return true;
    };
    await wallet.startAll(keys);
    await eventually(() => wallet.disk('client').keys.get('solana')?.state === 'Prepared');
    wallet.store('client').failure = new Error('disk full');
    for (let i = 0; i < 3; i++) wallet.network.forge('infrastructure', 'client', abandon(1n));
    for (let i = 0; i < 10; i++) await new Promise((resolve) => void setImmediate(resolve));
    expect(heard).toEqual([]);
    wallet.store('client').failure = undefined;
    wallet.network.forge('infrastructure', 'client', abandon(1n));
    await eventually(() => heard.length > 0);
    expect(wallet.disk('client').keys.get('solana')?.abandoned).toBe(1);
  });
});

describe('test quorums', () => {
  it('cover every holder for every size of wallet', () => {
    for (let n = 2; n <= 9; n++)
      for (let t = 2; t <= n; t++) {
        const quorums = testQuorums(t, n);
        expect(new Set(quorums.flat()).size, `${t} of ${n}`).toBe(n);
        for (const quorum of quorums) expect(new Set(quorum).size, `${t} of ${n}`).toBe(t);
      }
  });
});
