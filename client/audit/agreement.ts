import { quote } from '../../common/bytes.ts';
import type { Fact, FactTable } from './fact-table.ts';
import type { Finding, Findings } from './findings.ts';

/** How long an id stays bound after its request expired: later it may be another's. Seconds. PROTOCOL.md 4. */
const BOUND_SECONDS = 31n * 86_400n;
/** A spend is told to all within moments; what is younger may be on its way. Seconds. */
const ON_ITS_WAY = 60n;

/** A holder took part where its share left: it says so before, and a coordinator in the record of the signature. */
const RELEASED = "(type = 'Released' OR (type = 'Signed' AND source = ''))";

/** What is known otherwise, and the records must agree with; `now` in milliseconds. */
export type Known = {
  readonly genesis: string;
  /** Audit keys by holder, as genesis has them. */
  readonly auditKeys: ReadonlyMap<string, Uint8Array>;
  /** Digests of certificate statements by key. */
  readonly certificates: ReadonlyMap<string, string>;
  readonly now: number;
};

/** Holds the records of all logs against one another: every signature, outcome, spend and key must be the same in each. */
export function checkAgreement(table: FactTable, known: Known, findings: Findings): void {
  for (const column of ['initiator', 'id', 'key', 'effects'] as const)
    agree(table, findings, { column, group: 'digest', where: "digest <> ''", of: 'request' });
  agree(table, findings, {
    column: 'certificate',
    group: "key || ' attempt ' || attempt",
    // Of an attempt that came to nothing a liar may have told each holder something else.
    where: `digest = '' AND type IN ('KeyPrepared', 'KeyActivated') AND EXISTS
      (SELECT 1 FROM fact a WHERE a.type = 'KeyActivated' AND a.digest = '' AND a.key = fact.key AND a.attempt = fact.attempt)`,
    of: 'key',
  });
  for (const column of ['certificate', 'scheme', 'attempt'] as const)
    agree(table, findings, { column, group: 'key', where: "digest = '' AND type = 'KeyActivated'", of: 'key' });
  knownFacts(table, known, findings);
  ids(table, findings);
  absences(table, findings);
  behind(table, known, findings);
}

type Group = { readonly column: string; readonly group: string; readonly where: string; readonly of: string };

/** All records of one `group` must say the same in `column`, where they say anything. */
function agree(table: FactTable, findings: Findings, { column, group, where, of }: Group): void {
  const said = `${where} AND ${column} <> ''`;
  const split = table.rows(
    `SELECT ${group} AS name FROM fact WHERE ${said} GROUP BY name HAVING min(${column}) <> max(${column})`,
  );
  for (const { name } of split) {
    const facts = [
      ...table.rows(
        `SELECT holder, sequence, type, time, ${column} AS value FROM fact WHERE ${said} AND ${group} = ? ORDER BY holder, sequence LIMIT 1000`,
        String(name),
      ),
    ].map((row) => row as unknown as Fact);
    for (const finding of dissenters(facts, `${column} of ${of} ${quote(String(name), 100)}`)) findings.add(finding);
  }
}

/** The facts that most holders do not share; all of them where no value has most. */
function dissenters(facts: readonly Fact[], what: string): readonly Finding[] {
  const holders = new Map<string, Set<string>>();
  for (const { value, holder } of facts) holders.set(value, (holders.get(value) ?? new Set()).add(holder));
  const most = Math.max(...[...holders.values()].map(({ size }) => size));
  const leading = [...holders].filter(([, { size }]) => size === most).map(([value]) => value);
  const [right = ''] = leading;
  const certain = leading.length === 1;
  return facts.flatMap((fact) => {
    const other = facts.find(({ value }) => (certain ? value === right : value !== fact.value));
    if (other === undefined || fact.value === other.value) return [];
    return [
      {
        ...at(fact),
        severity: 'differs' as const,
        problem: `says that ${what} is ${quote(fact.value, 100)}; record ${other.sequence} (${other.type}) of ${other.holder}${certain && most > 1 ? `, as ${most} holders have it,` : ''} says ${quote(other.value, 100)}`,
      },
    ];
  });
}

const at = ({ holder, sequence, type }: Fact): Pick<Finding, 'holder' | 'sequence' | 'kind'> => ({
  holder,
  sequence,
  kind: type,
});

const SELECT = 'SELECT holder, sequence, type, time';

function knownFacts(table: FactTable, { genesis, certificates }: Known, findings: Findings): void {
  const check = (sql: string, want: string, what: string, ...values: readonly string[]): void => {
    for (const row of table.rows(sql, want, ...values)) {
      const fact = row as unknown as Fact;
      const problem = `names ${what} ${quote(fact.value, 100)}, want ${want}`;
      findings.add({ ...at(fact), severity: 'differs', problem });
    }
  };
  check(`${SELECT}, genesis AS value FROM fact WHERE type = 'GenesisAccepted' AND genesis <> ?1`, genesis, 'genesis');
  for (const [key, certificate] of certificates)
    check(
      `${SELECT}, certificate AS value FROM fact WHERE type = 'KeyActivated' AND certificate <> ?1 AND key = ?2 AND digest = ''`,
      certificate,
      'certificate',
      key,
    );
}

/**
 * Of one id the same bytes are signed or none. An initiator that signs two requests under one id can have each opened at
 * other members, before holders know of both: no signer lied then, and it is named all the same.
 */
function ids(table: FactTable, findings: Findings): void {
  const twice = table.rows(
    `SELECT initiator, id FROM fact WHERE type IN ('Released', 'Signed') AND id <> '' GROUP BY initiator, id HAVING min(digest) <> max(digest)`,
  );
  for (const { initiator, id } of twice) {
    const facts = [
      ...table.rows(
        `${SELECT}, digest AS value FROM fact WHERE type IN ('Released', 'Signed') AND initiator = ? AND id = ? ORDER BY time, holder, sequence LIMIT 1000`,
        String(initiator),
        String(id),
      ),
    ].map((row) => row as unknown as Fact);
    for (const fact of facts) {
      const other = facts.find(
        (each) => each.value !== fact.value && each.time <= fact.time && fact.time - each.time <= BOUND_SECONDS,
      );
      if (other === undefined) continue;
      findings.add({
        ...at(fact),
        severity: 'differs',
        problem: `is of ${fact.value}, under id ${quote(String(id), 100)} of ${quote(String(initiator), 100)} that belongs to ${other.value} since record ${other.sequence} (${other.type}) of ${other.holder}`,
      });
    }
  }
}

/** What a record says of another holder that must have been on that holder's disk before: only whole logs can lack it. */
function absences(table: FactTable, findings: Findings): void {
  const accused = (name: string): string =>
    `EXISTS (SELECT 1 FROM log a JOIN log b ON b.holder = f.holder WHERE a.holder = ${name} AND a.whole = 1 AND a.as_of >= b.as_of)`;
  const check = (sql: string, problem: (value: string) => string): void => {
    for (const row of table.rows(sql)) {
      const fact = row as unknown as Fact;
      findings.add({ ...at(fact), severity: 'differs', problem: problem(fact.value) });
    }
  };
  check(
    `SELECT f.holder, f.sequence, 'Signed' AS type, f.participant AS value FROM part f
     WHERE f.settled = 1 AND ${accused('f.participant')} AND NOT EXISTS
       (SELECT 1 FROM fact WHERE digest = f.digest AND digest <> '' AND holder = f.participant AND ${RELEASED})`,
    (value) => `says that ${quote(value, 63)} took part, and the log of ${quote(value, 63)} has no record of that`,
  );
  check(
    `${SELECT}, f.source AS value FROM fact f WHERE f.settled = 1 AND f.type = 'SpendLearned' AND ${accused('f.source')}
     AND NOT EXISTS (SELECT 1 FROM fact WHERE digest = f.digest AND digest <> '' AND holder = f.source AND ${RELEASED})`,
    (value) => `was told by ${quote(value, 63)}, and the log of ${quote(value, 63)} has no record of a share for it`,
  );
  check(
    `${SELECT}, f.source AS value FROM fact f WHERE f.settled = 1 AND f.type = 'Signed' AND f.source <> '' AND ${accused('f.source')}
     AND NOT EXISTS (SELECT 1 FROM fact WHERE digest = f.digest AND digest <> '' AND holder = f.source AND type = 'Signed')`,
    (value) => `was told by ${quote(value, 63)}, and the log of ${quote(value, 63)} has no such signature`,
  );
  check(
    `SELECT f.holder, f.sequence, f.type, l.holder AS value FROM fact f JOIN log l ON l.holder <> f.holder
     WHERE f.settled = 1 AND f.type = 'KeyActivated' AND f.digest = '' AND ${accused('l.holder')} AND NOT EXISTS
       (SELECT 1 FROM fact WHERE key = f.key AND type = 'KeyPrepared' AND digest = '' AND holder = l.holder AND attempt = f.attempt)`,
    (value) => `says that every holder has a share of the key, and the log of ${value} has no record of its own`,
  );
}

/** Spends that another whole log lacks: its holder was away and will be told, or the spend does not count there. */
function behind(table: FactTable, { now }: Known, findings: Findings): void {
  const seconds = BigInt(Math.floor(now / 1000));
  const missing = table.rows(
    `SELECT f.holder AS teller, l.holder AS holder, min(f.sequence) AS sequence, f.type AS type, count(DISTINCT f.digest) AS n
     FROM fact f JOIN log l ON l.holder <> f.holder JOIN log own ON own.holder = f.holder
     WHERE f.settled = 1 AND (f.type = 'Released' OR (f.type = 'Signed' AND f.source = '')) AND f.time BETWEEN ? AND ?
       AND l.whole = 1 AND l.as_of >= own.as_of AND f.digest <> '' AND NOT EXISTS
       (SELECT 1 FROM fact WHERE digest = f.digest AND digest <> '' AND holder = l.holder AND type <> 'Denied')
     GROUP BY f.holder, l.holder`,
    seconds - BOUND_SECONDS,
    seconds - ON_ITS_WAY,
  );
  for (const { teller, holder, sequence, type, n } of missing)
    findings.add({
      severity: 'behind',
      holder: String(teller),
      sequence: sequence as bigint,
      kind: String(type),
      problem: `${n === 1n ? 'is a spend' : `and ${String((n as bigint) - 1n)} more are spends`} that ${String(holder)} has no record of: it was not told yet, or does not count`,
    });
}
