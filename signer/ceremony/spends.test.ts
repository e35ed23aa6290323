import { describe, expect, it } from 'vitest';
import { digest as digestOf, fromUtf8 } from '../../common/bytes.ts';
import { formatTime, systemClock, type Clock } from '../../common/clock.ts';
import type { SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { fastClock } from '../../test/simulation/fast-clock.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import { toyScheme } from '../../test/simulation/toy-scheme.ts';
import type { PeerBody } from '../peers/peers.ts';
import { DeliveryWindow } from './delivery-window.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MIB = 1 << 20;
const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];
const policy = {
  rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: 5, per: '1h' }] }],
};

async function started(clock: Clock = systemClock): Promise<SimulatedWallet> {
  const wallet = new SimulatedWallet({ policy, clock });
  await wallet.startAll(keys);
  await wallet.keyActive('solana');
  return wallet;
}

const data = (n: number): string => `0x${n.toString(16).padStart(64, '0')}`;

const spend = (sequence: bigint, { statement, signature }: SignRequest, ms: number): PeerBody => ({
  $case: 'spend',
  value: { sequence, statement, signature, policyDigest: '', rule: '', time: formatTime(ms) },
});

const records = (wallet: SimulatedWallet, holder: string): number => wallet.disk(holder).audit.length;

/** Seconds that `holder` counts the spend of `request` at, on its disk. */
const countedAt = (wallet: SimulatedWallet, holder: string, { statement }: SignRequest): number | undefined =>
  wallet.disk(holder).ledger.get(digestOf(statement))?.at;

/** Hands over a spend that is none, and waits until it and all before it have been dealt with. */
async function flushed(wallet: SimulatedWallet, from: string, to: string, sequence: bigint): Promise<void> {
  const nothing = { statement: new Uint8Array(), signature: '', approvals: [] };
  wallet.network.forge(from, to, spend(sequence, nothing, 0));
  await expect.poll(() => wallet.signer(to).wallet?.wallet.peer(from).spends).toBe(sequence);
}

/** Lets writes of `wallet` at `holder` fail while they carry a spend of `digest`. */
function failing(wallet: SimulatedWallet, holder: string, digest: string): { readonly heal: () => void } {
  const store = wallet.store(holder);
  const write = store.write.bind(store);
  let broken = true;
  store.write = async (change) => {
    if (broken && change.ledger?.some((row) => row.digest === digest)) throw new Error('disk full');
    return write(change);
  };
  return {
    heal: () => {
      broken = false;
    },
  };
}

describe('a spend of this holder', () => {
  it('is told to everyone once it is on disk, also where the share is lost after that', async () => {
    let broken = false;
    const wallet = new SimulatedWallet({
      policy,
      scheme: (name) => {
        const scheme = toyScheme(name);
        const open: typeof scheme.open = async (key) => {
          const signing = await scheme.open(key);
          const sign: typeof signing.sign = async (nonce, input) => {
            if (broken && key.identifier === 2) throw new Error('engine stopped');
            return signing.sign(nonce, input);
          };
          return { ...signing, sign };
        };
        return { ...scheme, open };
      },
    });
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    broken = true;
    const request = wallet.request({ id: 'lost' });
    expect((await wallet.sign('infrastructure', request)).outcome).toBe('failed');
    const digest = digestOf(request.statement);
    expect(wallet.disk('client').releases.map((r) => r.digest)).toEqual([digest]);
    await expect.poll(() => wallet.disk('backup').ledger.get(digest)?.state).toBe('Spent');
  });
});

describe('a spend that cannot be written', () => {
  it('is written when the disk works again, and what came after it never looks as if it were', async () => {
    const wallet = await started(fastClock(20));
    const first = wallet.request({ id: 'a', data: data(1) });
    const { heal } = failing(wallet, 'backup', digestOf(first.statement));
    const { digest } = await wallet.sign('infrastructure', first);
    const second = await wallet.sign('infrastructure', wallet.request({ id: 'b', data: data(2) }));
    await expect.poll(() => wallet.disk('backup').ledger.has(second.digest)).toBe(true);
    expect(wallet.disk('backup').ledger.has(digest)).toBe(false);
    const cursors = (): bigint[] =>
      ['infrastructure', 'client'].map((name) => wallet.signer('backup').wallet?.wallet.peer(name).spends ?? -1n);
    expect(cursors()).toEqual([0n, 0n]);
    heal();
    await expect.poll(() => wallet.disk('backup').ledger.get(digest)?.state).toBe('Spent');
    await expect.poll(cursors).toEqual([2n, 2n]);
  });

  it('is told again to a holder that stopped before it was', async () => {
    const wallet = await started();
    const first = wallet.request({ id: 'a', data: data(1) });
    failing(wallet, 'backup', digestOf(first.statement));
    const { digest } = await wallet.sign('infrastructure', first);
    const second = await wallet.sign('infrastructure', wallet.request({ id: 'b', data: data(2) }));
    await expect.poll(() => wallet.disk('backup').ledger.has(second.digest)).toBe(true);
    wallet.kill('backup');
    await wallet.start('backup', keys);
    await expect.poll(() => wallet.disk('backup').ledger.get(digest)?.state).toBe('Spent');
  });

  it('is told again on the next link', async () => {
    const wallet = await started();
    const first = wallet.request({ id: 'a', data: data(1) });
    const { heal } = failing(wallet, 'backup', digestOf(first.statement));
    const { digest } = await wallet.sign('infrastructure', first);
    for (const peer of ['infrastructure', 'client']) wallet.network.cut(peer, 'backup');
    heal();
    wallet.network.heal('client', 'backup');
    await expect.poll(() => wallet.disk('backup').ledger.get(digest)?.state).toBe('Spent');
  });
});

describe('the time of a spend', () => {
  /** The system's clock, moved on at will. */
  function movable(): { readonly clock: Clock; readonly pass: (ms: number) => void } {
    let ahead = 0;
    const now = (): number => Date.now() + ahead;
    return {
      clock: { ...systemClock, now },
      pass: (ms) => {
        ahead += ms;
      },
    };
  }

  it('is never in the future, and no request counts that could not have been signed or is long over', async () => {
    const wallet = await started();
    const now = Date.now();
    const [far, old, near] = [`2099-01-01T00:00:00Z`, formatTime(now - 32 * DAY), formatTime(now + 30 * DAY)].map(
      (expiresAt, i) => wallet.request({ id: `at-${i}`, data: data(i), expiresAt }),
    ) as [SignRequest, SignRequest, SignRequest];
    for (const [i, request] of [far, old, near].entries())
      wallet.network.forge('client', 'backup', spend(BigInt(i + 1), request, now + 9 * HOUR));
    await flushed(wallet, 'client', 'backup', 4n);
    expect(countedAt(wallet, 'backup', far)).toBeUndefined();
    expect(countedAt(wallet, 'backup', old)).toBeUndefined();
    expect(countedAt(wallet, 'backup', near)).toBeGreaterThanOrEqual(Math.floor(now / 1000));
    expect(countedAt(wallet, 'backup', near)).toBeLessThanOrEqual(Date.now() / 1000);
  });

  it('stays what this holder knows where it took part, whoever tells it anew', async () => {
    const { clock, pass } = movable();
    const wallet = await started(clock);
    const request = wallet.request({ id: 'own', expiresAt: formatTime(clock.now() + 29 * DAY) });
    await wallet.sign('infrastructure', request);
    for (const name of ['infrastructure', 'client']) await expect.poll(() => wallet.disk(name).ledger.size).toBe(1);
    const at = countedAt(wallet, 'infrastructure', request);
    for (const [i, name] of ['infrastructure', 'client'].entries()) {
      pass(HOUR / 2);
      wallet.network.forge('backup', name, spend(BigInt(i + 1), request, clock.now()));
      await flushed(wallet, 'backup', name, 100n);
      expect(countedAt(wallet, name, request), name).toBe(at);
    }
  });

  it('moves once for each that tells it, and is on record once', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'heard', expiresAt: formatTime(Date.now() + HOUR) });
    const start = Math.floor(Date.now() / 1000) * 1000 - 20 * DAY;
    const before = records(wallet, 'backup');
    for (let i = 0; i < 50; i++)
      wallet.network.forge('client', 'backup', spend(BigInt(i + 1), request, start + i * HOUR));
    await flushed(wallet, 'client', 'backup', 51n);
    expect(countedAt(wallet, 'backup', request)).toBe((start + HOUR) / 1000);
    // It was too early; whoever tells the truth is heard all the same.
    wallet.network.forge('infrastructure', 'backup', spend(1n, request, start + 19 * DAY));
    await flushed(wallet, 'infrastructure', 'backup', 2n);
    expect(countedAt(wallet, 'backup', request)).toBe((start + 19 * DAY) / 1000);
    expect(records(wallet, 'backup') - before).toBe(1);
  });

  it('is over for good once it was pruned', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'pruned' });
    const { digest } = await wallet.sign('infrastructure', request);
    await expect.poll(() => wallet.disk('backup').ledger.delete(digest)).toBe(true);
    wallet.network.forge('client', 'backup', spend(100n, request, Date.now()));
    await flushed(wallet, 'client', 'backup', 101n);
    expect(wallet.disk('backup').ledger.size).toBe(0);
  });

  it('that is of no form makes no spend', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'untimed' });
    const { value } = spend(1n, request, 0) as Extract<PeerBody, { readonly $case: 'spend' }>;
    wallet.network.forge('client', 'backup', { $case: 'spend', value: { ...value, time: 'now' } });
    await flushed(wallet, 'client', 'backup', 2n);
    expect(wallet.disk('backup').ledger.size).toBe(0);
  });
});

describe('spends under way', () => {
  it('are bounded in number and bytes', () => {
    const window = new DeliveryWindow();
    for (let i = 1n; i <= 256n; i++) {
      expect(window.fits(1)).toBe(true);
      window.add(i, 1);
    }
    expect([window.room, window.fits(0)]).toEqual([0, false]);
    window.removeTo(256n);
    window.add(257n, 4 * MIB - 1);
    expect([window.fits(1), window.fits(2)]).toEqual([true, false]);
    window.removeTo(300n);
    expect([window.room, window.fits(4 * MIB)]).toEqual([256, true]);
    window.add(1n, 4 * MIB);
    window.remove(2n);
    expect([window.has(1n), window.fits(1)]).toEqual([true, false]);
    window.remove(1n);
    expect([window.has(1n), window.fits(1)]).toEqual([false, true]);
  });

  it('never fill a link, however large a backlog is, and all arrive', async () => {
    const wallet = await started();
    wallet.network.cut('infrastructure', 'backup');
    const { releases, requests } = wallet.disk('infrastructure');
    const { digest } = await wallet.sign('infrastructure', wallet.request({ id: 'small' }));
    const row = requests.get(digest);
    if (row === undefined) throw new Error('not signed');
    for (let i = 2; i <= 40; i++) {
      requests.set(`${i}`, { ...row, digest: `${i}`, id: `${i}`, statement: new Uint8Array(500_000) });
      releases.push({ sequence: BigInt(i), digest: `${i}`, at: row.firstSeen });
    }
    let [underWay, most] = [0, 0];
    let acknowledged = 0n;
    wallet.network.onSend = (from, to, body) => {
      if (from === 'infrastructure' && to === 'backup' && body.$case === 'spend') {
        underWay += body.value.statement.length;
        most = Math.max(most, underWay);
      }
      if (from === 'backup' && to === 'infrastructure' && body.$case === 'spendAck') {
        underWay -= Number(body.value.sequence - acknowledged) * 500_000;
        acknowledged = body.value.sequence;
      }
      return true;
    };
    wallet.network.heal('infrastructure', 'backup');
    await expect.poll(() => wallet.signer('backup').wallet?.wallet.peer('infrastructure').spends).toBe(40n);
    expect(most).toBeGreaterThan(3 * MIB);
    expect(most).toBeLessThanOrEqual(4 * MIB);
  });

  it('count also where they are told out of order', async () => {
    const wallet = await started();
    for (const n of [3, 1, 3, 2, 1]) {
      const request = wallet.request({ id: `r${n}`, data: data(n), expiresAt: formatTime(DAY + wallet.clock.now()) });
      wallet.network.forge('client', 'backup', spend(BigInt(n), request, Date.now()));
    }
    await expect.poll(() => wallet.disk('backup').ledger.size).toBe(3);
    expect(wallet.signer('backup').wallet?.wallet.peer('client').spends).toBe(3n);
  });

  it('over that bound count for nothing until the link comes up anew', async () => {
    const wallet = await started();
    const requests = Array.from({ length: 300 }, (_, i) => wallet.request({ id: `r${i}`, data: data(i) }));
    const tell = (after: number): void => {
      for (const [i, request] of [...requests.entries()].slice(after))
        wallet.network.forge('client', 'backup', spend(BigInt(i + 1), request, Date.now()));
    };
    const cursor = (): bigint | undefined => wallet.signer('backup').wallet?.wallet.peer('client').spends;
    tell(0);
    await expect.poll(cursor).toBe(256n);
    tell(256);
    expect(cursor()).toBe(256n);
    wallet.network.cut('client', 'backup');
    wallet.network.heal('client', 'backup');
    await wallet.joined('client', 'backup');
    tell(256);
    await expect.poll(cursor).toBe(300n);
    expect(wallet.disk('backup').ledger.size).toBe(300);
    expect(JSON.parse(fromUtf8(wallet.disk('backup').audit.at(-1)?.record ?? new Uint8Array()))).toMatchObject({
      type: 'SpendLearned',
      id: 'r299',
    });
  });
});
