import { generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digest, hex, sha256, utf8 } from '../../common/bytes.ts';
import { SEGMENT_RECORDS } from '../../statement/audit.ts';
import type { AuditRecord } from '../../statement/audit.ts';
import { headPayload } from '../../statement/head-signature.ts';
import { placeOf } from './findings.ts';
import { honestLogs, known, longLog, start, WrittenLog } from './testing/written-logs.ts';
import type { AuditLog } from './audit-log.ts';
import { verifyLogs } from './verify-logs.ts';
import type { LogsVerified } from './verify-logs.ts';

const { signal } = new AbortController();

const verify = (logs: readonly (WrittenLog | AuditLog)[], over: Partial<typeof known> = {}): Promise<LogsVerified> =>
  verifyLogs({
    logs: logs.map((log) => (log instanceof WrittenLog ? log.log() : log)),
    known: { ...known, ...over },
    signal,
  });

const placesOf = ({ findings }: LogsVerified, severity = 'differs'): string[] =>
  findings.filter((each) => each.severity === severity).map((each) => `${each.holder} ${each.sequence} ${each.kind}`);

const textOf = ({ findings }: LogsVerified): string =>
  findings.map((each) => `${placeOf(each)} ${each.problem}`).join('\n');

const history = fc.array(fc.constantFrom('signed', 'denied', 'repeated', 'lost'), { minLength: 1, maxLength: 8 });
const typeOf = ({ record }: AuditRecord): string =>
  (JSON.parse(Buffer.from(record).toString()) as { type: string }).type;
const quorum = ['signed', 'denied', 'signed'] as const;

describe('the logs of honest holders', () => {
  it('agree, whatever happened', async () => {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const logs = honestLogs(steps);
        const result = await verify(logs);
        expect(textOf(result)).toBe('');
        expect(result.logs.map(({ whole, records }) => [whole, records])).toEqual(
          logs.map(({ records }) => [true, records.length]),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('agree where a liar told them different things in an attempt that came to nothing', async () => {
    const logs = ['infrastructure', 'client', 'backup'].map((name) => new WrittenLog(name));
    for (const [i, log] of logs.entries()) {
      const key = { key: 'solana', scheme: 'EdDSA' };
      const made = { ...key, attempt: '2', certificate: known.certificates.get('solana') ?? '' };
      log.write(start, { type: 'KeyPrepared', ...key, attempt: '1', certificate: digest(Uint8Array.of(i)) });
      log.write(start + 1, { type: 'KeyAbandoned', ...key, attempt: '1' });
      log.write(start + 2, { type: 'KeyPrepared', ...made });
      log.write(start + 3, { type: 'KeyActivated', ...made });
    }
    expect(textOf(await verify(logs))).toBe('');
  });

  it('agree also where records were written after the heads were asked for', async () => {
    const [infrastructure, client, backup] = honestLogs(quorum) as [WrittenLog, WrittenLog, WrittenLog];
    infrastructure.named = infrastructure.head;
    backup.named = backup.head;
    const late = { digest: digest(utf8('late')), initiator: 'payments-api', id: 'late', key: 'solana' };
    infrastructure.write(start + 99, {
      type: 'Signed',
      ...late,
      from: 'client',
      participants: 'infrastructure,client',
    });
    backup.write(start + 99, { type: 'SpendLearned', ...late, from: 'client' });
    expect(textOf(await verify([infrastructure, client, backup]))).toBe('');
    infrastructure.named = undefined;
    // What was there before is to be borne out by the log of the client.
    expect(new Set(placesOf(await verify([infrastructure, client, backup])))).toEqual(
      new Set([`infrastructure ${infrastructure.head.sequence} Signed`]),
    );
  });
});

describe('one change to one log', () => {
  /** A wallet's logs, one of them, and a place in it. */
  const chosen = fc.tuple(history, fc.nat({ max: 2 }), fc.nat()).map(([steps, which, where]) => {
    const logs = honestLogs(steps);
    const log = logs[which]!;
    log.named = log.head;
    return { logs, log, at: where % log.records.length };
  });

  it('of a bit in a body or a hash is named, with its record', async () => {
    await fc.assert(
      fc.asyncProperty(
        chosen,
        fc.nat(),
        fc.nat({ max: 7 }),
        fc.boolean(),
        async ({ logs, log, at }, where, bit, inHash) => {
          const original = log.records[at]!;
          const bytes = Uint8Array.from(inHash ? original.hash : original.record);
          bytes[where % bytes.length]! ^= 1 << bit;
          log.records[at] = { ...original, ...(inHash ? { hash: bytes } : { record: bytes }) };
          expect(placesOf(await verify(logs))[0]).toMatch(new RegExp(`^${log.holder} ${at + 1} `));
        },
      ),
    );
  });

  it('of a record together with its own hash is named, with its type', async () => {
    await fc.assert(
      fc.asyncProperty(
        chosen,
        fc.constantFrom('policy', 'type', 'previous', 'time'),
        async ({ logs, log, at }, member) => {
          const original = log.records[at]!;
          const members = JSON.parse(Buffer.from(original.record).toString()) as Record<string, string>;
          const values: Record<string, string> = { previous: `sha256:${'0'.repeat(64)}`, time: '2099-01-01T00:00:00Z' };
          const value = values[member] ?? 'Other';
          const record = utf8(
            JSON.stringify(
              Object.fromEntries(
                Object.entries({ ...members, [member]: value }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
              ),
            ),
          );
          log.records[at] = { ...original, record, hash: sha256(record) };
          const [found] = placesOf(await verify(logs));
          expect(found).toBe(`${log.holder} ${at + 1} ${member === 'type' ? 'Other' : typeOf(original)}`);
        },
      ),
    );
  });

  it('that takes a record out is named', async () => {
    await fc.assert(
      fc.asyncProperty(chosen, async ({ logs, log, at }) => {
        log.records.splice(at, 1);
        expect(placesOf(await verify(logs))[0]).toBe(`${log.holder} ${at + 1} `);
      }),
    );
  });

  it('that repeats a record is named', async () => {
    await fc.assert(
      fc.asyncProperty(chosen, async ({ logs, log, at }) => {
        const again = log.records[at]!;
        log.records.splice(at, 0, again);
        expect(placesOf(await verify(logs))[0]).toBe(`${log.holder} ${at + 1} ${typeOf(again)}`);
      }),
    );
  });

  it('that swaps two records is named, at the first', async () => {
    await fc.assert(
      fc.asyncProperty(chosen, fc.nat(), async ({ logs, log, at }, other) => {
        const to = other % log.records.length;
        fc.pre(to !== at);
        [log.records[at], log.records[to]] = [log.records[to]!, log.records[at]!];
        expect(placesOf(await verify(logs))[0]).toBe(`${log.holder} ${Math.min(at, to) + 1} `);
      }),
    );
  });

  it('and to all hashes after it is named by what the others remember', async () => {
    await fc.assert(
      fc.asyncProperty(chosen, async ({ logs, log, at }) => {
        log.rewrite(at + 1, (entry) => ({ ...entry, policy: `${entry['policy']}!` }));
        log.named = undefined;
        const result = await verify(logs);
        expect(placesOf(result)).toContain(`${log.holder} ${log.head.sequence} ${typeOf(log.records.at(-1)!)}`);
        expect(textOf(result)).toContain('remembers of it');
      }),
    );
  });

  it('that drops the end of a log is named by what the others remember', async () => {
    await fc.assert(
      fc.asyncProperty(chosen, async ({ logs, log, at }) => {
        const { sequence } = log.head;
        log.records.length = at;
        log.named = undefined;
        expect(placesOf(await verify(logs))).toContain(`${log.holder} ${sequence} `);
      }),
    );
  });
});

describe('records that a holder rewrote, with nobody who remembers', () => {
  const forgetful = (): [WrittenLog, WrittenLog, WrittenLog] => {
    const logs = honestLogs(quorum) as [WrittenLog, WrittenLog, WrittenLog];
    for (const log of logs) log.remembered.clear();
    return logs;
  };
  const places = (log: WrittenLog, type: string): number[] =>
    log.records.flatMap((record, i) => (typeOf(record) === type ? [i + 1] : []));

  it.each(['id', 'key', 'initiator'])('are named where their %s is another', async (member) => {
    const [infrastructure, client, backup] = forgetful();
    const [at = 0] = places(backup, 'SpendLearned');
    backup.rewrite(at, (entry) => ({ ...entry, [member]: 'another' }));
    const result = await verify([infrastructure, client, backup]);
    expect(placesOf(result)).toEqual([`backup ${at} SpendLearned`]);
    expect(textOf(result)).toContain(`${member} of request`);
    expect(textOf(result)).toContain('as 2 holders have it');
  });

  it('are named where its own records do not agree', async () => {
    const [infrastructure, client, backup] = forgetful();
    const [at = 0] = places(client, 'Released');
    client.rewrite(at, (entry) => ({ ...entry, effects: digest(utf8('nothing spent')) }));
    const result = await verify([infrastructure, client, backup]);
    expect(placesOf(result)).toEqual([`client ${at} Released`]);
    expect(textOf(result)).toContain('effects of request');
  });

  it('are named on both sides where only two can know', async () => {
    const [infrastructure, client, backup] = forgetful();
    const [released = 0] = places(client, 'Released');
    const [signed = 0] = places(client, 'Signed');
    for (const at of [released, signed])
      client.rewrite(at, (entry) => ({ ...entry, effects: digest(utf8('nothing')) }));
    expect(placesOf(await verify([infrastructure, client, backup]))).toEqual([
      `client ${released} Released`,
      `client ${signed} Signed`,
      `infrastructure ${places(infrastructure, 'Reserved')[0]} Reserved`,
      `infrastructure ${places(infrastructure, 'Signed')[0]} Signed`,
    ]);
  });

  it('are named where a share that left is no longer on record', async () => {
    const [infrastructure, client, backup] = forgetful();
    const [at = 0] = places(client, 'Released');
    client.rewrite(at, () => undefined);
    const result = await verify([infrastructure, client, backup]);
    expect(placesOf(result)).toEqual(
      expect.arrayContaining([
        `backup ${places(backup, 'SpendLearned')[0]} SpendLearned`,
        `infrastructure ${places(infrastructure, 'Signed')[0]} Signed`,
      ]),
    );
    expect(textOf(result)).toContain('says that "client" took part, and the log of "client" has no record of that');
  });

  it('are named where a signature is claimed that its maker does not know', async () => {
    const [infrastructure, client, backup] = forgetful();
    backup.write(start + 99, { type: 'Signed', digest: digest(utf8('made up')), from: 'client', participants: '' });
    const result = await verify([infrastructure, client, backup]);
    expect(placesOf(result)).toEqual([`backup ${backup.head.sequence} Signed`]);
  });

  it('are named where two requests were signed under one id, and not where the first was long over', async () => {
    for (const [days, named] of [
      [1, true],
      [32, false],
    ] as const) {
      const [infrastructure, client, backup] = forgetful();
      const at = start + days * 86_400;
      const request = { digest: digest(utf8('other')), initiator: 'payments-api', id: 'pay-0', key: 'solana' };
      client.write(at, { type: 'Released', ...request });
      const result = await verify([infrastructure, client, backup], { now: (at + 10) * 1000 });
      expect(placesOf(result)).toEqual(named ? [`client ${client.head.sequence} Released`] : []);
    }
  });

  it('are named where a key, its certificate or genesis is another', async () => {
    const other = digest(utf8('another'));
    for (const [type, member] of [
      ['KeyActivated', 'certificate'],
      ['KeyPrepared', 'certificate'],
      ['GenesisAccepted', 'genesis'],
    ] as const) {
      const logs = forgetful();
      const [at = 0] = places(logs[1], type);
      logs[1].rewrite(at, (entry) => ({ ...entry, [member]: other }));
      expect(new Set(placesOf(await verify(logs)))).toEqual(new Set([`client ${at} ${type}`]));
    }
    const logs = forgetful();
    expect(placesOf(await verify(logs, { certificates: new Map([['solana', other]]) }))).toHaveLength(3);
  });

  it('are named where a holder has no share of a key that others have', async () => {
    const [infrastructure, client, backup] = forgetful();
    backup.rewrite(2, () => undefined);
    backup.rewrite(2, () => undefined);
    const result = await verify([infrastructure, client, backup]);
    expect(placesOf(result)).toEqual(['client 3 KeyActivated', 'infrastructure 3 KeyActivated']);
    expect(textOf(result)).toContain('the log of backup has no record of its own');
  });
});

describe('a signed head', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const auditKeys = new Map([['client', Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }))]]);
  const signedBy = (log: WrittenLog, key: KeyObject) => {
    const owner = { genesis: known.genesis, holder: 'client' };
    return {
      holder: 'client',
      head: log.head,
      signature: Uint8Array.from(sign(null, headPayload(owner, log.head), key)),
    };
  };

  it('that a holder keeps of another shows that its log was written anew', async () => {
    const [infrastructure, client, backup] = honestLogs(quorum) as [WrittenLog, WrittenLog, WrittenLog];
    for (const log of [infrastructure, backup]) log.remembered.clear();
    backup.signed = [signedBy(client, privateKey)];
    expect(textOf(await verify([infrastructure, client, backup], { auditKeys }))).toBe('');
    client.rewrite(2, (entry) => ({ ...entry, rule: 'another' }));
    const result = await verify([infrastructure, client, backup], { auditKeys });
    expect(placesOf(result)).toEqual([`client ${client.head.sequence} Signed`]);
    expect(textOf(result)).toContain('than its holder signed, as backup has it');
  });

  it('with the signature of another counts for nothing, and is told of', async () => {
    const [infrastructure, client, backup] = honestLogs(quorum) as [WrittenLog, WrittenLog, WrittenLog];
    for (const log of [infrastructure, backup]) log.remembered.clear();
    const { sequence } = client.head;
    const forged = signedBy(client, generateKeyPairSync('ed25519').privateKey);
    backup.signed = [
      { ...forged, head: { sequence, hash: new Uint8Array(32) } },
      { ...forged, holder: 'nobody' },
    ];
    const result = await verify([infrastructure, client, backup], { auditKeys });
    expect(placesOf(result)).toEqual([`backup ${sequence} head`, `backup ${sequence} head`]);
  });
});

describe('what cannot be said', () => {
  it('is not said: of a holder that is away nothing is found, and it is named', async () => {
    const [infrastructure, client, backup] = honestLogs(quorum) as [WrittenLog, WrittenLog, WrittenLog];
    const away: AuditLog = {
      ...client.log(),
      // oxlint-disable-next-line require-yield -- it ends before there is any
      async *records() {
        throw new Error('cannot connect');
      },
    };
    const result = await verify([infrastructure, away, backup]);
    expect(result.findings).toEqual([]);
    expect(result.missing).toMatchObject([{ holder: 'client', missing: 'cannot connect' }]);
    expect(result.logs.map(({ holder }) => holder)).toEqual(['infrastructure', 'backup']);
  });

  it('is not said: a spend that was not told yet is no difference', async () => {
    const [infrastructure, client, backup] = honestLogs(quorum) as [WrittenLog, WrittenLog, WrittenLog];
    backup.records.pop();
    backup.records.pop();
    for (const log of [infrastructure, client]) log.remembered.delete('backup');
    const result = await verify([infrastructure, client, backup]);
    expect(placesOf(result)).toEqual([]);
    expect(placesOf(result, 'behind')).toEqual(['client 4 Released', 'infrastructure 5 Signed']);
    expect(textOf(result)).toContain('and 1 more are spends that backup has no record of');
    expect((await verify([infrastructure, client, backup], { now: (start + 20) * 1000 })).findings).toHaveLength(0);
  });

  it('is kept short: many findings are counted', async () => {
    const [infrastructure, client, backup] = honestLogs([]) as [WrittenLog, WrittenLog, WrittenLog];
    for (let n = 0; n < 150; n++)
      backup.write(start + 9, { type: 'SpendLearned', digest: digest(utf8(`${n}`)), from: 'client', id: `${n}` });
    const result = await verify([infrastructure, client, backup]);
    expect(result.findings).toHaveLength(100);
    expect(result.count).toBe(150);
  });
});

describe('bodies that are gone', () => {
  const segment = Number(SEGMENT_RECORDS);

  /** A log of more than two segments; the first is pruned as a signer does it. */
  function pruned(): WrittenLog {
    const log = longLog(2 * segment + 5);
    const hashes = sha256(Buffer.concat(log.records.slice(0, segment).map(({ hash }) => hash)));
    log.write(start, { type: 'AuditPruned', first: '1', last: String(segment), hashes: `sha256:${hex(hashes)}` });
    log.records = log.records.map((r, i) => (i < segment ? { ...r, record: new Uint8Array() } : r));
    return log;
  }

  it('are told of where the log says so, and where it does not they are named', async () => {
    const log = pruned();
    const result = await verify([log]);
    expect(placesOf(result)).toEqual([]);
    expect(placesOf(result, 'pruned')).toEqual(['client 1 ']);
    expect(result.logs).toMatchObject([{ sound: true, whole: false, pruned: segment, records: 2 * segment + 6 }]);
    for (const at of [segment, 2 * segment + 2]) {
      const bare = pruned();
      bare.records[at] = { ...bare.records[at]!, record: new Uint8Array() };
      expect(placesOf(await verify([bare]))).toEqual([`client ${at + 1} `]);
    }
  });

  it('are bound by the hashes that are on record', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: segment - 1 }), fc.nat({ max: 31 }), fc.nat({ max: 7 }), async (at, byte, bit) => {
        const log = pruned();
        const hash = Uint8Array.from(log.records[at]!.hash);
        hash[byte]! ^= 1 << bit;
        log.records[at] = { ...log.records[at]!, hash };
        const [found] = placesOf(await verify([log]));
        // The hash after which a body stands is held against it; of the others the segment is known.
        expect(found).toBe(at + 1 === segment ? `client ${segment} ` : 'client 1 ');
      }),
      { numRuns: 4 },
    );
  });

  it('do not make another holder a liar', async () => {
    const [infrastructure, client, backup] = honestLogs(quorum) as [WrittenLog, WrittenLog, WrittenLog];
    const bare: AuditLog = {
      ...client.log(),
      async *records() {
        for (const record of client.records) yield { ...record, record: new Uint8Array() };
      },
    };
    const result = await verify([infrastructure, bare, backup]);
    expect(new Set(placesOf(result).map((place) => place.split(' ')[0]))).toEqual(new Set(['client']));
  });
});

it('ends, also for a log that does not', async () => {
  const log = new WrittenLog('client');
  log.write(start, { type: 'Denied' });
  let given = 0;
  const endless: AuditLog = {
    ...log.log(),
    async *records() {
      for (let head = log.head as AuditRecord; ; given++) {
        yield head;
        head = { sequence: head.sequence + 1n, record: new Uint8Array(), hash: new Uint8Array(32) };
      }
    },
  };
  await verify([endless]);
  expect(given).toBe(100_001);
});

it('is told how far a long log was read', async () => {
  const bare = (sequence: bigint): AuditRecord => ({ sequence, record: new Uint8Array(), hash: new Uint8Array(32) });
  const log = new WrittenLog('client');
  // All but one pruned: bodies take long to read.
  log.records = Array.from({ length: 49_999 }, (_, n) => bare(BigInt(n + 1)));
  log.write(start, { type: 'Denied' });
  log.records.push(bare(50_001n));
  const told: string[] = [];
  await verifyLogs({
    logs: [log.log()],
    known,
    signal,
    onProgress: (...words) => told.push(words.join(' ')),
  });
  expect(told).toEqual(['client 50000 50001']);
});
