import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUtf8, hex, sha256, utf8 } from '../common/bytes.ts';
import { formatTime } from '../common/clock.ts';
import { AuditChain, type AuditRecord, chainRecord, emptyHead, type Head, verifyChain } from './audit.ts';

const entry = fc.record({ type: fc.constantFrom('Signed', 'Denied'), id: fc.string({ unit: 'grapheme' }) });
const chain = fc
  .array(fc.tuple(entry, fc.nat({ max: 3 })), { minLength: 1, maxLength: 12 })
  .map((entries) => chained(entries));

function chained(entries: readonly (readonly [Readonly<Record<string, string>>, number])[]): AuditRecord[] {
  let head: Head = emptyHead;
  let seconds = 1_790_000_000;
  return entries.map(([members, pause]) => {
    seconds += pause;
    const record = chainRecord(head, formatTime(seconds * 1000), members);
    head = record;
    return record;
  });
}

describe('an audit chain', () => {
  it('is canonical JSON that names its predecessor by digest', () => {
    const [first, second] = chained([
      [{ type: 'Signed', id: 'a' }, 0],
      [{ type: 'Denied', id: 'b' }, 1],
    ]) as [AuditRecord, AuditRecord];
    expect(fromUtf8(first.record)).toBe(
      '{"id":"a","previous":"","sequence":"1","time":"2026-09-21T14:13:20Z","type":"Signed"}',
    );
    expect(JSON.parse(fromUtf8(second.record))).toEqual({
      id: 'b',
      previous: `sha256:${hex(sha256(first.record))}`,
      sequence: '2',
      time: '2026-09-21T14:13:21Z',
      type: 'Denied',
    });
  });

  it('does not let an entry pose as another link', () => {
    const { record } = chainRecord(emptyHead, '2026-09-21T14:13:20Z', {
      type: 'Signed',
      sequence: '9',
      previous: 'x',
      time: 'y',
    });
    expect(JSON.parse(fromUtf8(record))).toEqual({
      type: 'Signed',
      sequence: '1',
      previous: '',
      time: '2026-09-21T14:13:20Z',
    });
  });

  it('takes no entry that could not be read again, and reads the largest that it takes', () => {
    const time = '2026-09-21T14:13:20Z';
    const largest = Object.fromEntries(
      Array.from({ length: 29 }, (_, i) => [String(i).padEnd(64, '\u0001'), '\u0001'.repeat(4_096)]),
    );
    expect(verifyChain([chainRecord(emptyHead, time, largest)]).records).toBe(1);
    for (const [entry, why] of [
      [{ ...largest, more: '' }, 'at most 32 members, got 33'],
      [{ type: 'Signed', policy: 'x'.repeat(4_097) }, 'at most 4096 characters in "policy", got 4097'],
      [{ ['x'.repeat(65)]: '' }, 'characters in "xxx'],
      [{ message: '\ud83d' }, 'lone surrogate'],
    ] as const)
      expect(() => chainRecord(emptyHead, time, entry), why).toThrow(why);
    expect(() => chainRecord(emptyHead, '+010000-01-01T00:00Z', { type: 'Signed' })).toThrow('want a UTC time');
  });

  it('verifies as a whole and in parts, and ends at its last record', () => {
    fc.assert(
      fc.property(chain, fc.nat(), (records, cut) => {
        const last = records.at(-1) as AuditRecord;
        const end = { sequence: last.sequence, hash: last.hash };
        expect(verifyChain(records)).toEqual({ records: records.length, head: end });
        const at = cut % records.length;
        const middle = verifyChain(records.slice(0, at)).head;
        expect(verifyChain(records.slice(at), middle)).toEqual({ records: records.length - at, head: end });
      }),
    );
  });

  it('shows every changed bit of a record or hash, and where', () => {
    fc.assert(
      fc.property(chain, fc.nat(), fc.nat(), fc.nat({ max: 7 }), fc.boolean(), (records, which, where, bit, inHash) => {
        const at = which % records.length;
        const original = records[at] as AuditRecord;
        const bytes = Uint8Array.from(inHash ? original.hash : original.record);
        const byte = where % bytes.length;
        bytes[byte] = (bytes[byte] as number) ^ (1 << bit);
        const changed = { ...original, ...(inHash ? { hash: bytes } : { record: bytes }) };
        expect(() => verifyChain(records.with(at, changed))).toThrow(`audit record ${at + 1}: `);
      }),
    );
  });

  it('shows a record that was rewritten together with its hash', () => {
    fc.assert(
      fc.property(chain, fc.nat(), fc.string(), (records, which, id) => {
        const at = which % records.length;
        const original = records[at] as AuditRecord;
        const record = utf8(
          fromUtf8(original.record).replace(/"id":"(?:[^"\\]|\\.)*"/, () => `"id":${JSON.stringify(`${id}!`)}`),
        );
        fc.pre(!Buffer.from(record).equals(original.record) && id.isWellFormed());
        const forged = records.with(at, { ...original, record, hash: sha256(record) });
        const whole = verifyChain(records).head;
        if (at + 1 < records.length) expect(() => verifyChain(forged)).toThrow(`audit record ${at + 2}: follows`);
        else expect(verifyChain(forged).head).not.toEqual(whole);
      }),
    );
  });

  it('shows a record that was left out, and at the end by its head', () => {
    fc.assert(
      fc.property(chain, fc.nat(), (records, which) => {
        const at = which % records.length;
        const shorter = records.toSpliced(at, 1);
        if (at + 1 < records.length)
          expect(() => verifyChain(shorter)).toThrow(`audit record ${at + 1}: record ${at + 2} stands in its place`);
        else expect(verifyChain(shorter).head).not.toEqual(verifyChain(records).head);
      }),
    );
  });

  it('shows records that changed places, renumbered or not', () => {
    fc.assert(
      fc.property(chain, fc.nat(), fc.nat(), fc.boolean(), (records, a, b, renumber) => {
        const [i, j] = [a % records.length, b % records.length];
        fc.pre(i !== j);
        const swapped = records.with(i, records[j] as AuditRecord).with(j, records[i] as AuditRecord);
        const stored = renumber ? swapped.map((r, n) => ({ ...r, sequence: BigInt(n + 1) })) : swapped;
        expect(() => verifyChain(stored)).toThrow(`audit record ${Math.min(i, j) + 1}: `);
      }),
    );
  });

  it('refuses a record whose time runs back', () => {
    const first = chainRecord(emptyHead, '2026-09-21T14:13:20Z', { type: 'Signed' });
    const second = chainRecord(first, '2026-09-21T14:13:19Z', { type: 'Signed' });
    expect(() => verifyChain([first, second])).toThrow('audit record 2: its time "2026-09-21T14:13:19Z" is before');
  });

  it('refuses what is no canonical object with a time, however it is hashed', () => {
    for (const text of [
      '1',
      '"text"',
      '[]',
      '{"sequence":"1"}',
      '{"previous":"","sequence":"1","time":"now"}',
      '{ "a":"b"}',
    ]) {
      const record = utf8(text);
      expect(() => verifyChain([{ sequence: 1n, record, hash: sha256(record) }]), text).toThrow('audit record 1: ');
    }
  });

  it('goes on over bodies that were pruned, and holds the next body against the last hash', () => {
    fc.assert(
      fc.property(chain, fc.nat(), fc.nat(), fc.nat({ max: 7 }), (records, count, where, bit) => {
        const pruned = count % records.length;
        const bare = records.map((r, i) => (i < pruned ? { ...r, record: new Uint8Array() } : r));
        const followed = new AuditChain();
        for (const [i, record] of bare.entries()) expect(followed.add(record) === undefined).toBe(i < pruned);
        expect(followed.head).toEqual(verifyChain(records).head);
        expect(followed.pruned).toBe(pruned);
        if (pruned === 0) return;
        const last = bare[pruned - 1] as AuditRecord;
        const hash = Uint8Array.from(last.hash);
        hash[where % 32] = (hash[where % 32] as number) ^ (1 << bit);
        expect(() => verifyChain(bare.with(pruned - 1, { ...last, hash }))).toThrow(
          `audit record ${pruned + 1}: follows`,
        );
        expect(() => verifyChain(bare.with(pruned - 1, { ...last, hash: hash.slice(1) }))).toThrow('has 31 bytes');
        expect(() => verifyChain(bare.toSpliced(pruned - 1, 1))).toThrow(`audit record ${pruned}: `);
      }),
    );
  });
});
