import type { DatabaseSync } from 'node:sqlite';

/** Seconds that spends, and requests after they expired, are kept: the longest window of any limit. PROTOCOL.md 4, 5. */
export const KEPT_SECONDS = 31 * 86_400;

/** Says in the file's header whose database this is: "HFst". */
const APPLICATION_ID = 0x48467374;

/**
 * How the tables came to be, one step a version; a step that was released never changes. Times are Unix seconds,
 * digests `sha256:...`, lists JSON. What must hold whatever code asks for is a constraint or a trigger here: RAISE(IGNORE)
 * leaves a row as it is, RAISE(ABORT) fails the change. One database serves one genesis, so no table names it.
 */
const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 1), seconds INTEGER NOT NULL) STRICT;
INSERT INTO clock VALUES (1, 0);

CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
  name TEXT PRIMARY KEY, scheme TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('Wanted', 'Prepared', 'Active')),
  attempt INTEGER NOT NULL, abandoned INTEGER NOT NULL, sealed BLOB NOT NULL, certificate BLOB NOT NULL, signatures TEXT NOT NULL,
  CONSTRAINT "an abandoned attempt never becomes a key" CHECK (state <> 'Active' OR attempt > abandoned)
) STRICT;
CREATE TRIGGER signing_key_stays BEFORE UPDATE ON signing_key
WHEN old.state = 'Active' AND (new.state <> 'Active' OR new.attempt <> old.attempt OR new.certificate <> old.certificate)
BEGIN SELECT RAISE(ABORT, 'a key that is active stays as it is'); END;
CREATE TRIGGER signing_key_grows BEFORE UPDATE ON signing_key
WHEN new.attempt < old.attempt OR new.abandoned < old.abandoned OR new.scheme <> old.scheme
BEGIN SELECT RAISE(ABORT, 'attempts of a key only grow and its scheme stays'); END;

CREATE TABLE request (
  digest TEXT PRIMARY KEY, initiator TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, statement BLOB NOT NULL,
  signature TEXT NOT NULL, expires_at INTEGER NOT NULL, first_seen INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('Reserved', 'Released', 'Signed', 'Denied', 'Failed')),
  reason TEXT NOT NULL, message TEXT NOT NULL, rule TEXT NOT NULL, policy_digest TEXT NOT NULL,
  participants TEXT NOT NULL, signatures TEXT NOT NULL,
  UNIQUE (initiator, id)
) STRICT;
CREATE INDEX request_unfinished ON request (digest) WHERE state = 'Reserved';
CREATE INDEX request_expiry ON request (expires_at);
CREATE TRIGGER request_outcome_stays BEFORE UPDATE ON request
WHEN (old.state = 'Signed' AND new.state <> 'Signed') OR (old.state = 'Released' AND new.state NOT IN ('Released', 'Signed'))
BEGIN SELECT RAISE(IGNORE); END;

CREATE TABLE ledger (
  digest TEXT PRIMARY KEY, at INTEGER NOT NULL, effects TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('Reserved', 'Spent'))
) STRICT;
CREATE INDEX ledger_time ON ledger (at);
CREATE TRIGGER ledger_spend_stays BEFORE UPDATE ON ledger
WHEN old.state = 'Spent' AND (new.state <> 'Spent' OR new.at <= old.at OR new.effects <> old.effects)
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER ledger_spend_counts BEFORE DELETE ON ledger
WHEN old.state = 'Spent' AND old.at >= (SELECT seconds FROM clock) - ${KEPT_SECONDS}
BEGIN SELECT RAISE(ABORT, 'a spend counts for 31 days'); END;

CREATE TABLE nonce (
  key TEXT NOT NULL, boot TEXT NOT NULL, position INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (key, boot, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonce_time ON nonce (at);

-- AUTOINCREMENT: peers remember how far they are, so a number is never given twice, not even after all were pruned.
CREATE TABLE release (sequence INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT NOT NULL UNIQUE, at INTEGER NOT NULL) STRICT;
CREATE INDEX release_time ON release (at);

CREATE TABLE peer (
  name TEXT PRIMARY KEY, head_sequence INTEGER NOT NULL, head_hash BLOB NOT NULL, spends INTEGER NOT NULL, fenced TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (sequence INTEGER PRIMARY KEY, record BLOB NOT NULL, hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;
CREATE TRIGGER audit_only_grows BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit records stay as they are'); END;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit records stay'); END;
`,
  `
ALTER TABLE peer ADD COLUMN signed_sequence INTEGER;
ALTER TABLE peer ADD COLUMN signed_hash BLOB;
ALTER TABLE peer ADD COLUMN signature BLOB;
  `,
  // A body goes only with its table row, whose number and hash are here for good by then: the pages get free, and what
  // is pruned is the beginning of the log, without a gap.
  `
CREATE TABLE audit_pruned (sequence INTEGER PRIMARY KEY, hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;
CREATE TRIGGER audit_pruned_was_there BEFORE INSERT ON audit_pruned
WHEN NOT EXISTS (SELECT 1 FROM audit WHERE sequence = new.sequence AND hash = new.hash)
  OR new.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM audit_pruned)
BEGIN SELECT RAISE(ABORT, 'only the body of an audit record is pruned, the oldest first'); END;
CREATE TRIGGER audit_pruned_only_grows BEFORE UPDATE ON audit_pruned BEGIN SELECT RAISE(ABORT, 'audit records stay as they are'); END;
CREATE TRIGGER audit_pruned_stays BEFORE DELETE ON audit_pruned BEGIN SELECT RAISE(ABORT, 'audit records stay'); END;
DROP TRIGGER audit_stays;
CREATE TRIGGER audit_stays BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_pruned WHERE sequence = old.sequence AND hash = old.hash)
BEGIN SELECT RAISE(ABORT, 'audit records stay'); END;
CREATE TRIGGER audit_never_again BEFORE INSERT ON audit
WHEN new.sequence <= (SELECT coalesce(max(sequence), 0) FROM audit_pruned)
BEGIN SELECT RAISE(ABORT, 'audit records stay as they are'); END;
`,
  `
CREATE TABLE ban (key TEXT NOT NULL, peer TEXT NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (key, peer)) STRICT, WITHOUT ROWID;
CREATE TRIGGER ban_stays BEFORE DELETE ON ban BEGIN SELECT RAISE(ABORT, 'a ban is for good'); END;
ALTER TABLE peer ADD COLUMN strikes INTEGER NOT NULL DEFAULT 0;
`,
];

/** Brings the tables to this version, all steps or none. Throws where the file is another program's or a later version's. */
export function migrate(db: DatabaseSync): void {
  const version = pragma(db, 'user_version');
  const tables = Number(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n']);
  if (tables > 0 && pragma(db, 'application_id') !== APPLICATION_ID)
    throw new Error('it is not the database of a signer');
  if (version > MIGRATIONS.length)
    throw new Error(
      `its tables are of version ${version}, this signer knows versions up to ${MIGRATIONS.length}: run the version that wrote it`,
    );
  if (version === MIGRATIONS.length) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const step of MIGRATIONS.slice(version)) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

const pragma = (db: DatabaseSync, name: 'user_version' | 'application_id'): number =>
  Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
