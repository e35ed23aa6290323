import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Head, SignedHead } from '../state/store.ts';
import { NOTHING, RollbackFence } from './rollback-fence.ts';

const hash = (log: number, sequence: bigint): Uint8Array => new Uint8Array(32).fill(log * 100 + Number(sequence));
const head = (sequence: bigint, log = 0): Head => ({ sequence, hash: hash(log, sequence) });
const genuine = new Uint8Array(64).fill(1);
const signed = (sequence: bigint, log = 0, signature = genuine): SignedHead => ({
  head: head(sequence, log),
  signature,
});

/** The fence of a holder whose log ends at `own`; from record `forked` on it is another log. */
function fenced({ own = 5n, forked = 100n, threshold = 2, remembered = head(3n) } = {}): RollbackFence {
  return new RollbackFence({
    threshold,
    own: () => head(own, own < forked ? 0 : 1),
    hashAt: (sequence) => (sequence > own ? undefined : hash(sequence < forked ? 0 : 1, sequence)),
    signedHere: ({ signature }) => signature === genuine,
    remembered: () => remembered,
  });
}

function join(fence: RollbackFence, peer: string): void {
  fence.up(peer);
  fence.asked(peer, head(5n));
  fence.heardJoined(peer);
  fence.answered(peer, head(3n), true, head(4n));
}

describe('a rollback fence', () => {
  it('joins once both found what the other remembers and the peer said that it joined, in any order', () => {
    const steps = {
      asked: (fence: RollbackFence) => fence.asked('client', head(5n)).step,
      answered: (fence: RollbackFence) => fence.answered('client', head(3n), true, head(4n)),
      joined: (fence: RollbackFence) => fence.heardJoined('client'),
    };
    const names = ['asked', 'answered', 'joined'] as const;
    const orders = names.flatMap((a) =>
      names.flatMap((b) => names.filter((c) => new Set([a, b, c]).size === 3).map((c) => [a, b, c] as const)),
    );
    expect(orders).toHaveLength(6);
    for (const order of orders) {
      const fence = fenced();
      fence.up('client');
      const all = order.map((name, i) => {
        expect(fence.joined('client')).toBe(false);
        const before = order.slice(0, i);
        expect(fence.witnessed).toBe(before.includes('asked') && before.includes('answered'));
        return steps[name](fence);
      });
      expect(all.flatMap((step) => step.tell)).toEqual(['client']);
      expect(all.at(-1)?.joined).toEqual(['client']);
      expect(fence.joined('client')).toBe(true);
    }
  });

  it('tells nobody that it joined before it compared with a quorum', () => {
    const fence = fenced({ threshold: 3 });
    for (const peer of ['client', 'backup']) {
      fence.up(peer);
      expect(fence.asked(peer, head(5n))).toEqual({ found: true, step: NOTHING });
    }
    expect(fence.answered('client', head(3n), true, head(4n)).tell).toEqual([]);
    expect(fence.witnessed).toBe(false);
    expect(fence.answered('backup', head(3n), true, head(4n)).tell).toEqual(['client', 'backup']);
    expect(fence.witnessed).toBe(true);
  });

  it('keeps its quorum when links go down, and compares anew on the next', () => {
    const fence = fenced();
    join(fence, 'client');
    fence.down('client');
    expect(fence.witnessed).toBe(true);
    fence.up('client');
    expect(fence.joined('client')).toBe(false);
  });

  it('stops for good where it is shown a record with its signature that is not here', () => {
    for (const [own, forked] of [
      [4n, 100n],
      [9n, 5n],
    ] as const) {
      const fence = fenced({ own, forked });
      join(fence, 'backup');
      expect(fence.shown('client', signed(5n))).toBe(true);
      expect(fence.stopped).toContain('RollbackDetected: client shows record 5 of');
      expect(fence.stopped).toContain('Nothing clears this in this version');
      expect(fence.evidence).toEqual(signed(5n));
      expect(fence.joined('backup')).toBe(false);
      expect(fence.witnessed).toBe(false);
      join(fence, 'backup');
      expect(fence.joined('backup')).toBe(false);
    }
  });

  it('is stopped by nothing that a liar can make up', () => {
    const record = fc.record({
      sequence: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      hash: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(record, fc.uint8Array({ maxLength: 70 }))), (lies) => {
        const fence = fenced();
        fence.up('liar');
        for (const [lie, signature] of lies) {
          expect(fence.shown('liar', { head: lie, signature })).toBe(false);
          fence.asked('liar', lie);
          fence.answered('liar', lie, false, lie);
          fence.saw('liar', lie);
        }
        fence.answered('liar', head(3n), false, head(0n));
        expect(fence.stopped).toBe('');
        join(fence, 'client');
        expect(fence.joined('client')).toBe(true);
      }),
    );
  });

  it('takes no peer for a witness that remembers, without proof, a record which is not here', () => {
    const fence = fenced();
    fence.up('client');
    expect(fence.asked('client', head(6n))).toEqual({ found: false, step: NOTHING });
    fence.answered('client', head(3n), true, head(4n));
    expect(fence.witnessed).toBe(false);
    expect(fence.stopped).toBe('');
    expect(fence.doubts.get('client')).toContain('a record 6 which is not there');
    // It may think better of it.
    expect(fence.asked('client', head(5n)).step.tell).toEqual(['client']);
    expect(fence.doubts.size).toBe(0);
  });

  it('refuses a peer with fewer records, another of the same number, or that does not find it; until it does', () => {
    for (const [theirs, found, why] of [
      [head(2n), true, 'has 2 audit records, this signer remembers 3'],
      [head(3n, 1), true, 'has another record 3'],
      [head(9n), false, 'does not have record 3'],
    ] as const) {
      const fence = fenced();
      fence.up('client');
      fence.asked('client', head(5n));
      fence.heardJoined('client');
      fence.answered('client', head(3n), found, theirs);
      expect(fence.joined('client')).toBe(false);
      expect(fence.witnessed).toBe(false);
      expect(fence.refusals.get('client')).toContain(why);
      expect(fence.refusals.get('client')).toContain('RollbackDetected: client is refused');
      expect(fence.answered('client', head(3n), true, head(9n)).joined).toEqual(['client']);
      expect(fence.refusals.size).toBe(0);
    }
  });

  it('hears nothing in an answer about another record', () => {
    const fence = fenced();
    fence.up('client');
    fence.asked('client', head(5n));
    for (const about of [head(2n), head(3n, 1), head(4n)])
      for (const found of [true, false]) expect(fence.answered('client', about, found, head(4n))).toEqual(NOTHING);
    expect(fence.refusals.size).toBe(0);
    expect(fence.witnessed).toBe(false);
  });

  it('refuses for good a peer that tells two records of one number', () => {
    const fence = fenced();
    join(fence, 'client');
    expect(fence.joined('client')).toBe(true);
    expect(fence.saw('client', head(3n, 1))).toBe(false);
    expect(fence.refusals.get('client')).toContain('two different records 3');
    fence.down('client');
    join(fence, 'client');
    expect(fence.joined('client')).toBe(false);
    expect(fence.stopped).toBe('');
  });

  it('never goes back to an older head, whatever the order, and hears none of a peer not joined', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 50n }), { minLength: 1 }), (sequences) => {
        let known = head(0n);
        const fence = new RollbackFence({
          threshold: 2,
          own: () => head(0n),
          hashAt: () => undefined,
          signedHere: () => false,
          remembered: () => known,
        });
        const hear = (sequence: bigint): void => {
          if (fence.saw('client', head(sequence))) known = head(sequence);
        };
        fence.up('client');
        hear(7n);
        expect(known.sequence).toBe(0n);
        fence.asked('client', head(0n));
        fence.answered('client', head(0n), true, head(50n));
        fence.heardJoined('client');
        for (const sequence of sequences) hear(sequence);
        expect(known.sequence).toBe(sequences.reduce((a, b) => (a > b ? a : b)));
      }),
    );
  });
});
