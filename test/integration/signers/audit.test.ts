import { mkdirSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createProgram } from '../../../cli/program.ts';
import type { Session } from '../../../cli/session.ts';
import { readManifest } from '../../../client/audit/export-manifest.ts';
import type { Finding } from '../../../client/audit/findings.ts';
import { openSignerLogs } from '../../../client/audit/signer-logs.ts';
import { verifyLogs } from '../../../client/audit/verify-logs.ts';
import type { LogsVerified } from '../../../client/audit/verify-logs.ts';
import { connectionOf, encodeConnection } from '../../../client/connection.ts';
import type { ConnectionHolder } from '../../../client/connection.ts';
import { verifyWalletFacts } from '../../../client/wallet-facts.ts';
import { digest, fromHex, sha256, utf8 } from '../../../common/bytes.ts';
import { messageOf, UserError } from '../../../common/errors.ts';
import { openStore } from '../../../signer/state/sqlite-store.ts';
import { auditMembers, SEGMENT_RECORDS } from '../../../statement/audit.ts';
import { ProcessWallet } from './processes.ts';

const { signal } = new AbortController();

const holdersOf = (wallet: ProcessWallet): readonly ConnectionHolder[] =>
  wallet.holders.map(({ name, role }) => {
    const { address, fingerprint } = wallet.signer(name).endpoint;
    return { name, role, endpoint: address, fingerprint };
  });

async function verify(wallet: ProcessWallet): Promise<LogsVerified> {
  const { logs, missing, close } = await openSignerLogs(holdersOf(wallet), wallet.operator, signal);
  try {
    const facts = verifyWalletFacts(await (await wallet.client('infrastructure')).getWallet(), { fingerprints: [] });
    const certificates = new Map([...facts.certificates].map(([key, { statement }]) => [key, digest(statement)]));
    // A minute on: what was not told until then is told of.
    const auditKeys = new Map(facts.genesis.holders.map(({ name, auditKey }) => [name, fromHex(auditKey)]));
    const known = { genesis: digest(wallet.genesis), auditKeys, certificates, now: Date.now() + 90_000 };
    return await verifyLogs({ logs, missing, known, signal });
  } finally {
    close();
  }
}

const inWords = ({ findings }: LogsVerified): readonly string[] =>
  findings.map(({ severity, holder, sequence, kind, problem }) =>
    [severity, holder, sequence, kind, problem].join(' '),
  );

/** The database of a holder's signer, without what keeps its log as it is. */
function withoutTriggers(wallet: ProcessWallet, holder: string): DatabaseSync {
  const db = new DatabaseSync(join(wallet.signer(holder).folder, 'data/state.db'));
  db.exec('DROP TRIGGER audit_only_grows; DROP TRIGGER audit_stays');
  return db;
}

const differing = ({ findings }: LogsVerified): readonly Pick<Finding, 'holder' | 'sequence' | 'kind'>[] =>
  findings
    .filter(({ severity }) => severity === 'differs')
    .map(({ holder, sequence, kind }) => ({ holder, sequence, kind }));

describe('the audit logs of real signers', () => {
  let wallet: ProcessWallet;
  afterEach(() => wallet.close());

  /** A wallet after some payments, with one holder killed and back, and links up again. */
  async function used(): Promise<void> {
    wallet = await ProcessWallet.start();
    await wallet.connected();
    for (let n = 0; n < 12; n++) {
      if (n === 4) await wallet.signer('backup').kill();
      if (n === 8) {
        await wallet.signer('backup').start();
        await wallet.connected();
      }
      const key = n % 2 === 0 ? 'solana' : 'bitcoin';
      const entry = n % 3 === 0 ? 'client' : 'infrastructure';
      expect(await wallet.sign(entry, wallet.request(`pay-${n}`, { key }))).toMatchObject({ outcome: 'signed' });
    }
    expect(await wallet.sign('client', wallet.request('pay-0'))).toMatchObject({ reason: 'IdReused' });
  }

  it('agree after payments, kills and refusals, and a record that is changed afterwards is named', async () => {
    await used();
    await wallet.until(async () => inWords(await verify(wallet)).join('; '), 'the logs do not agree');
    const fine = await verify(wallet);
    expect(fine.missing).toEqual([]);
    // Each holder has a signed head of its own, and the others have one of it.
    await wallet.until(async () => {
      const all = await Promise.all(wallet.holders.map(({ name }) => wallet.describe(name)));
      return all
        .flatMap((d) => [d.signedHead, ...d.peers.map((p) => p.signedHead)])
        .filter((signed) => signed === undefined)
        .map(() => 'one is missing')
        .join();
    }, 'heads are not signed');
    expect(inWords(await verify(wallet))).toEqual([]);
    expect(fine.logs.map(({ holder, whole }) => [holder, whole])).toEqual(
      wallet.holders.map(({ name }) => [name, true]),
    );

    // One bit of one record.
    const log = await wallet.audit('client');
    const at = log.findIndex(({ record }) => auditMembers(record)['type'] === 'Released');
    const { record, sequence } = log[at]!;
    const db = withoutTriggers(wallet, 'client');
    const put = (bytes: Uint8Array, hash: Uint8Array): void =>
      void db.prepare('UPDATE audit SET record = ?, hash = ? WHERE sequence = ?').run(bytes, hash, sequence);
    const bit = Uint8Array.from(record);
    bit[Math.floor(bit.length / 2)]! ^= 1;
    put(bit, log[at]!.hash);
    expect(differing(await verify(wallet))[0]).toEqual({ holder: 'client', sequence, kind: 'Released' });

    // The record together with its hash.
    const other = utf8(Buffer.from(record).toString().replace('"key":"solana"', '"key":"savings"'));
    expect(other).not.toEqual(Uint8Array.from(record));
    put(other, sha256(other));
    expect(differing(await verify(wallet))[0]).toEqual({ holder: 'client', sequence, kind: 'Released' });

    // Taken out.
    put(record, log[at]!.hash);
    expect(differing(await verify(wallet))).toEqual([]);
    db.prepare('DELETE FROM audit WHERE sequence = ?').run(sequence);
    expect(differing(await verify(wallet))[0]).toEqual({ holder: 'client', sequence, kind: '' });
    db.close();
  });

  it('are not taken for good where a holder is away', async () => {
    wallet = await ProcessWallet.start();
    await wallet.signer('backup').kill();
    const result = await verify(wallet);
    expect(result.missing).toMatchObject([{ holder: 'backup', missing: expect.stringContaining('cannot connect') }]);
    expect(differing(result)).toEqual([]);
  });

  it('go to files that verify alone, and what they have may be pruned, while the wallet signs on', async () => {
    await used();
    const command = await commandFor(wallet);
    const folder = join(wallet.folder, 'export');
    // More than a segment: refusals are on record too, and no wallet signs ten thousand times in a test.
    await wallet.signer('client').kill('SIGTERM');
    const store = await openStore(join(wallet.signer('client').folder, 'data'), {
      onFailure: (error) => {
        throw error;
      },
    });
    const audit = Array.from({ length: Number(SEGMENT_RECORDS) }, (_, n) => ({
      type: 'Denied' as const,
      id: `no-${n}`,
    }));
    await store.write({ audit, now: Math.floor(Date.now() / 1000) });
    await store.close();
    await wallet.signer('client').start();
    await wallet.connected();

    const exported = await command('audit', 'export', 'treasury', '--to', folder);
    expect(exported.error).toBe('');
    const offline = await command('audit', 'verify', '--from', folder);
    expect(offline).toMatchObject({ error: '', code: 0 });
    for (const { name } of wallet.holders) expect(offline.printed).toMatch(new RegExp(`^${name} +verified +\\d`, 'm'));

    // Anything but exactly what is exported stays.
    const { segments = [] } = (await readManifest(folder))?.holders.find(({ name }) => name === 'client') ?? {};
    expect(segments.map(({ last }) => last).slice(0, -1)).toEqual([String(SEGMENT_RECORDS)]);
    const [first] = segments;
    const of = (text = ''): Buffer => Buffer.from(text.slice('sha256:'.length), 'hex');
    const acknowledged = { last: SEGMENT_RECORDS, hash: of(first?.hash), bodies: of(segments[1]?.sha256) };
    await expect((await wallet.client('client')).pruneAudit(acknowledged)).rejects.toThrow('other bodies here');
    expect((await wallet.audit('client')).every(({ record }) => record.length > 0)).toBe(true);

    const before = await wallet.audit('client');
    const pruned = await command('audit', 'prune', 'treasury', 'client', '--exported', folder);
    expect(pruned).toMatchObject({ error: '', code: 0 });
    const after = await wallet.audit('client');
    expect(after.slice(0, before.length).map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash));
    expect(after.filter(({ record }) => record.length === 0)).toHaveLength(Number(SEGMENT_RECORDS));

    // Ids, limits and keys are not in the log: it signs as before, also after a restart, and knows its requests.
    await wallet.signer('client').kill();
    await wallet.signer('client').start();
    await wallet.connected();
    expect(await wallet.sign('client', wallet.request('pay-0'))).toMatchObject({ reason: 'IdReused' });
    expect(await wallet.sign('client', wallet.request('pay-99'))).toMatchObject({ outcome: 'signed' });
    const bare = await command('audit', 'verify', 'treasury');
    expect(bare).toMatchObject({ error: '', code: 0 });
    expect(bare.printed).toContain('pruned: holder client, audit record 1 and all to 10000 are pruned');
    expect(bare.noted).toContain('10000 of them by number and hash only');
    const whole = await command('audit', 'verify', 'treasury', '--export', folder);
    expect(whole).toMatchObject({ error: '', code: 0 });
    expect(whole.printed).not.toContain('pruned:');

    // The export goes on, and a hash without a body that is changed on the signer's disk is named.
    expect(await command('audit', 'export', 'treasury', '--to', folder)).toMatchObject({ error: '' });
    const db = new DatabaseSync(join(wallet.signer('client').folder, 'data/state.db'));
    db.exec('DROP TRIGGER audit_pruned_only_grows');
    db.exec('UPDATE audit_pruned SET hash = zeroblob(32) WHERE sequence = 4321');
    db.close();
    expect(await command('audit', 'verify', 'treasury')).toMatchObject({
      code: 1,
      error: expect.stringContaining('holder client, audit record 1 is of records 1 to 10000, whose hashes are not'),
    });
    expect(await command('audit', 'verify', 'treasury', '--export', folder)).toMatchObject({
      code: 1,
      error: expect.stringContaining('holder client, audit record 4321 (Denied) has another hash than in the export'),
    });
    await wallet.signer('backup').kill();
    expect(await command('audit', 'verify', 'treasury', 'infrastructure')).toMatchObject({ code: 0 });
    expect(await command('audit', 'verify', '--from', folder)).toMatchObject({ code: 0 });
  });
});

type Ran = { readonly printed: string; readonly noted: string; readonly error: string; readonly code: number };

/** The command over a folder as an operator of `wallet` would have it. */
async function commandFor(wallet: ProcessWallet): Promise<(...words: readonly string[]) => Promise<Ran>> {
  const folder = join(wallet.folder, 'manifests');
  const connections = join(folder, '.holdfast/connections/payments');
  mkdirSync(connections, { recursive: true });
  mkdirSync(join(folder, '.holdfast/operator'));
  const facts = verifyWalletFacts(await (await wallet.client('infrastructure')).getWallet(), { fingerprints: [] });
  const endpoints = new Map(holdersOf(wallet).map(({ name, endpoint }) => [name, endpoint]));
  writeFileSync(join(connections, 'treasury.json'), encodeConnection(connectionOf(facts, endpoints)));
  const key = wallet.operator.privateKey.export({ format: 'pem', type: 'pkcs8' });
  writeFileSync(join(folder, '.holdfast/operator/identity.pem'), key, { mode: 0o600 });
  return async (...words) => {
    const [printed, noted]: [string[], string[]] = [[], []];
    const session: Session = {
      print: (text) => void printed.push(text),
      write: () => {},
      note: (text) => void noted.push(text),
      env: { HOLDFAST_DIR: folder, HOLDFAST_KNOWN_WALLETS: join(wallet.folder, 'known_wallets') },
      signal,
      paint: (_, text) => text,
      exitWith: () => {},
    };
    const ended = await createProgram(session)
      .parseAsync(['node', 'holdfast', ...words, ...(words.includes('treasury') ? ['-n', 'payments'] : [])])
      .then(
        () => ({ error: '', code: 0 }),
        (error: unknown) => ({ error: messageOf(error), code: error instanceof UserError ? error.exitCode : 99 }),
      );
    return { printed: printed.join('\n'), noted: noted.join('\n'), ...ended };
  };
}
