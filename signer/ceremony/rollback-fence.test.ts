import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Head } from '../state/store.ts';
import { RollbackFence } from './rollback-fence.ts';

const hash = (log: number, sequence: bigint): Uint8Array => new Uint8Array(32).fill(log * 100 + Number(sequence));
const head = (sequence: bigint, log = 0): Head => ({ sequence, hash: hash(log, sequence) });

/** The fence of a holder whose log ends at `own`; from record `forked` on it is another log. */
function fenced({ own = 5n, forked = 100n, threshold = 2, remembered = head(3n) } = {}): RollbackFence {
  return new RollbackFence({
    threshold,
    own: () => head(own, own < forked ? 0 : 1),
    hashAt: (sequence) => (sequence > own ? undefined : hash(sequence < forked ? 0 : 1, sequence)),
    remembered: () => remembered,
  });
}

function join(fence: RollbackFence, peer: string): void {
  fence.up(peer, head(4n), head(5n));
  fence.heardJoined(peer);
  fence.answered(peer, head(3n), true);
}

describe('a rollback fence', () => {
  it('joins once the peer found what is remembered of it and said that it joined, in either order', () => {
    for (const first of ['answer', 'joined'] as const) {
      const fence = fenced();
      fence.up('client', head(4n), head(5n));
      const answer = () => fence.answered('client', head(3n), true);
      const joined = () => fence.heardJoined('client');
      if (first === 'answer') {
        expect(answer()).toEqual({ tell: ['client'], joined: [] });
        expect(fence.joined('client')).toBe(false);
        expect(joined()).toEqual({ tell: [], joined: ['client'] });
      } else {
        expect(joined()).toEqual({ tell: [], joined: [] });
        expect(answer()).toEqual({ tell: ['client'], joined: ['client'] });
      }
      expect(fence.joined('client')).toBe(true);
      expect(fence.witnessed).toBe(true);
    }
  });

  it('tells nobody that it joined before it compared with a quorum', () => {
    const fence = fenced({ threshold: 3 });
    fence.up('client', head(4n), head(5n));
    fence.up('backup', head(4n), head(5n));
    expect(fence.answered('client', head(3n), true).tell).toEqual([]);
    expect(fence.witnessed).toBe(false);
    expect(fence.answered('backup', head(3n), true).tell).toEqual(['client', 'backup']);
    expect(fence.witnessed).toBe(true);
  });

  it('keeps its quorum when links go down, and compares anew on the next', () => {
    const fence = fenced();
    join(fence, 'client');
    fence.down('client');
    expect(fence.witnessed).toBe(true);
    fence.up('client', head(4n), head(5n));
    expect(fence.joined('client')).toBe(false);
  });

  it('stops for good where a peer remembers a record that is not here', () => {
    for (const [own, forked] of [
      [4n, 100n],
      [9n, 5n],
    ] as const) {
      const fence = fenced({ own, forked });
      fence.up('client', head(4n), head(5n));
      expect(fence.stopped).toContain('client remembers record 5 of it, which is not there');
      expect(fence.stopped).toContain('RollbackDetected: nothing clears this in this version');
    }
  });

  it('refuses a peer with a lower head, another hash or that does not find the record', () => {
    for (const theirs of [head(2n), head(3n, 1)]) {
      const fence = fenced();
      fence.up('client', theirs, head(5n));
      fence.heardJoined('client');
      fence.answered('client', head(3n), true);
      expect(fence.joined('client')).toBe(false);
      expect(fence.witnessed).toBe(false);
      expect(fence.refusals.get('client')).toContain('RollbackDetected');
    }
    const fence = fenced();
    fence.up('client', head(9n), head(5n));
    fence.answered('client', head(3n), false);
    expect(fence.refusals.get('client')).toContain('does not find record 3');
  });

  it('takes no answer about another record', () => {
    const fence = fenced();
    fence.up('client', head(4n), head(5n));
    expect(() => fence.answered('client', head(2n), true)).toThrow('answered about record 2');
    expect(() => fence.answered('client', head(3n, 1), true)).toThrow('answered about record 3');
  });

  it('never goes back to an older head, whatever the order, and hears none of a peer not joined', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 50n }), { minLength: 1 }), (sequences) => {
        let known = head(0n);
        const fence = new RollbackFence({
          threshold: 2,
          own: () => head(0n),
          hashAt: () => undefined,
          remembered: () => known,
        });
        const hear = (sequence: bigint): void => {
          if (fence.saw('client', head(sequence))) known = head(sequence);
        };
        fence.up('client', head(50n), head(0n));
        hear(7n);
        expect(known.sequence).toBe(0n);
        fence.answered('client', head(0n), true);
        fence.heardJoined('client');
        for (const sequence of sequences) hear(sequence);
        expect(known.sequence).toBe(sequences.reduce((a, b) => (a > b ? a : b)));
      }),
    );
  });
});
