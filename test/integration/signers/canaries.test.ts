import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { digest } from '../../../common/bytes.ts';
import { OutcomeEvent, AuditRecord, Description, SignReply, WalletFacts } from '../../../proto/gen/signer/v1/signer.ts';
import { canary, filesBelow, searchFor, shareCanaries, type Canary, type Search } from './canary.ts';
import { findInMemory, swappedKiB } from './process-memory.ts';
import { bothKeys, ProcessWallet, threeHolders, type SignerProcess } from './processes.ts';
import { secretsOnDisk, type Secrets } from './secrets-on-disk.ts';

const lastLine = ({ logFile }: SignerProcess): string => readFileSync(logFile, 'utf8').trim().split('\n').at(-1) ?? '';

/** The canary that was found, negated or not. */
const nameOf = (found: string): string => found.replace(/(?:, negated)? \(.*$/, '');

const names = threeHolders.map(({ name }) => name);

describe('the shares of real signers', () => {
  const outside = mkdtempSync(join(tmpdir(), 'holdfast-outside-'));
  /** Everything that a process of the run writes lies below it: state, logs, what it makes in the temporary folder. */
  const run = mkdtempSync(join(tmpdir(), 'holdfast-canaries-'));
  const usual = process.env['TMPDIR'];
  let wallet: ProcessWallet;
  let secrets: ReadonlyMap<string, Secrets>;
  let canaries: readonly Canary[];
  let search: Search;

  beforeAll(async () => {
    process.env['TMPDIR'] = run;
    wallet = await ProcessWallet.start({ logLevel: 'debug' });
    const opened = names.map(async (name) => {
      const genesis = digest(wallet.genesis);
      return [name, await secretsOnDisk(wallet.signer(name), 'payments/treasury', genesis, outside)] as const;
    });
    secrets = new Map(await Promise.all(opened));
    canaries = [...secrets].flatMap(([holder, { shares, identity }]) => [
      ...bothKeys.flatMap(({ name, scheme }) =>
        shareCanaries(`${holder}'s share of ${name}`, shares.get(name) ?? new Uint8Array(), scheme),
      ),
      canary(`${holder}'s identity`, identity),
      canary(`${holder}'s seal key`, readFileSync(join(wallet.signer(holder).folder, 'kek'))),
    ]);
    search = searchFor(canaries);
  });
  afterAll(async () => {
    if (usual === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = usual;
    await wallet?.close();
    rmSync(run, { recursive: true, force: true });
    rmSync(outside, { recursive: true, force: true });
  });

  /** Where on disk a canary is, how written. A seal's key is in the file that the signer is given. */
  const onDisk = (): string[] =>
    [...filesBelow(run)].flatMap(([path, bytes]) =>
      search(bytes)
        .filter((found) => basename(path) !== 'kek' || !found.startsWith(`${basename(dirname(path))}'s seal key`))
        .map((found) => `${path}: ${found}`),
    );

  /** What a running signer shows to whoever asks, and to whoever looks at its process. */
  const shown = async (signer: SignerProcess): Promise<ReadonlyMap<string, Buffer>> => {
    const client = await wallet.client(signer.name);
    const stop = new AbortController();
    const outcomes: Uint8Array[] = [];
    try {
      for await (const outcome of client.outcomes(0n, stop.signal)) {
        outcomes.push(OutcomeEvent.encode(outcome).finish());
        if (outcome.type === 'Signed') break;
      }
    } finally {
      stop.abort();
    }
    const audit = await wallet.audit(signer.name);
    const pages = ['metrics', 'healthz', 'readyz'].map(async (page) => {
      const answer = await fetch(`http://127.0.0.1:${signer.metricsPort}/${page}`);
      return [page, Buffer.from(await answer.arrayBuffer())] as const;
    });
    const ofProcess = ['cmdline', 'environ', 'status', 'comm'].map(
      (file) => [`/proc/${file}`, readFileSync(`/proc/${signer.pid}/${file}`)] as const,
    );
    return new Map<string, Buffer>([
      ...(await Promise.all(pages)),
      ...ofProcess,
      ['status', Buffer.from(Description.encode(await client.describe()).finish())],
      ['wallet', Buffer.from(WalletFacts.encode(await client.getWallet()).finish())],
      ['audit', Buffer.concat(audit.map((record) => AuditRecord.encode(record).finish()))],
      ['events', Buffer.concat(outcomes)],
    ]);
  };

  const inWhatIsShown = async (): Promise<string[]> => {
    const found: string[] = [];
    for (const name of names)
      for (const [what, bytes] of await shown(wallet.signer(name))) {
        expect(bytes.length, `${what} of ${name}`).toBeGreaterThan(0);
        found.push(...search(bytes).map((each) => `${what} of ${name}: ${each}`));
      }
    return found;
  };

  const sign = async (id: string, key: string): Promise<void> => {
    const reply = await wallet.sign('infrastructure', wallet.request(id, { key }));
    expect(reply).toMatchObject({ outcome: 'signed' });
    expect(search(SignReply.encode(reply).finish())).toEqual([]);
  };

  it('are each known here, and no two the same', () => {
    const known = [...secrets.values()].flatMap(({ shares }) => [...shares.values()]);
    expect(known.map(({ length }) => length)).toEqual(Array.from({ length: names.length * bothKeys.length }, () => 32));
    expect(new Set(known.map((share) => Buffer.from(share).toString('hex'))).size).toBe(known.length);
  });

  it('are in the memory of those who sign with them, where the search finds them', () => {
    for (const name of ['infrastructure', 'client']) {
      const { found, bytes } = findInMemory(wallet.signer(name).pid, search);
      expect(bytes).toBeGreaterThan(8 << 20);
      // The addon has scalars in words of the machine, for secp256k1 the other way round than they are written.
      for (const { name: key } of bothKeys)
        expect(
          found.filter((each) => /^[^(]* \(raw, (as it is|reversed), from byte 0\)$/.test(each)).map(nameOf),
        ).toContain(`${name}'s share of ${key}`);
      // Nobody has another holder's.
      expect(found.filter((each) => !each.startsWith(`${name}'s `))).toEqual([]);
    }
  });

  // The thread of the ceremony outlives it for a moment.
  it('are in no memory of a Backup signer after the ceremony that made them', async () => {
    const shares = (): readonly string[] =>
      findInMemory(wallet.signer('backup').pid, search).found.filter((each) => each.includes('share of'));
    await expect.poll(shares, { timeout: 60_000, interval: 2_000 }).toEqual([]);
  });

  it('would be found in any file of the run, however written', () => {
    const folder = join(run, 'planted', 'deep');
    mkdirSync(folder, { recursive: true });
    const planted: string[] = [];
    for (const [i, { name, forms }] of canaries.entries())
      for (const [form, bytes] of forms) {
        const file = join(folder, `${i}-${planted.length}`);
        writeFileSync(file, Buffer.concat([randomBytes(1 + (planted.length % 7)), bytes, randomBytes(9)]));
        planted.push(`${file}: ${name} (${form})`);
      }
    expect(onDisk()).toEqual(expect.arrayContaining(planted));
    // As a program would write it, not as the forms were made.
    const share = Buffer.from([...secrets.get('backup')!.shares.values()][0]!);
    const texts = [
      share.toString('hex'),
      share.toString('base64'),
      Buffer.concat([Buffer.from('x'), share, Buffer.from('yz')]).toString('base64'),
      Buffer.concat([Buffer.from('xx'), share]).toString('base64url'),
      JSON.stringify({ share: [...share] }),
      JSON.stringify({ share: Uint8Array.from(share) }),
      JSON.stringify({ share }),
      `share ${BigInt(`0x${share.toString('hex')}`)}`,
      `share ${BigInt(`0x${Buffer.from(share.toReversed()).toString('hex')}`)}`,
    ];
    for (const text of texts) expect(search(Buffer.from(text)), text.slice(0, 12)).not.toEqual([]);
    rmSync(join(run, 'planted'), { recursive: true });
  });

  it('are in no file and in nothing that a signer shows, while it signs and after it was killed or ended', async () => {
    for (const { name } of bothKeys) await sign(`first-${name}`, name);
    const looked = [...filesBelow(run).keys()].map((path) => `${basename(dirname(path))}/${basename(path)}`);
    for (const file of ['data/state.db', 'data/state.db-wal', 'data/state.db-shm', 'data/lock.db'])
      expect(looked.filter((path) => path === file)).toHaveLength(names.length);
    for (const name of names)
      expect(looked).toEqual(expect.arrayContaining([`${name}/signer.log`, `${name}/signer.out`]));
    expect(onDisk()).toEqual([]);
    expect(await inWhatIsShown()).toEqual([]);
    // Killed while it signs: what it was about to write stays as it is.
    const underWay = Array.from({ length: 8 }, (_, i) =>
      wallet.sign('infrastructure', wallet.request(`killed-${i}`)).catch(() => undefined),
    );
    await underWay[0];
    await wallet.signer('infrastructure').kill('SIGKILL');
    await Promise.all(underWay);
    expect(onDisk()).toEqual([]);
    wallet.signer('infrastructure').close();
    await wallet.signer('infrastructure').start();
    await wallet.connected();
    for (const { name } of bothKeys) await sign(`second-${name}`, name);
    const client = wallet.signer('client');
    client.close();
    expect(await client.kill('SIGTERM'), lastLine(client)).toBe(0);
    expect(onDisk()).toEqual([]);
    await client.start();
    await wallet.connected();
    expect(await inWhatIsShown()).toEqual([]);
    expect(onDisk()).toEqual([]);
  });

  it('are in no core of a signer that aborts, though the limit allows one', async (context) => {
    // Another process with a secret, which does not keep itself out of cores, shows that one would be written, and where.
    const elsewhere = join(outside, 'core-of-another');
    mkdirSync(elsewhere);
    const secret = randomBytes(32);
    const program = `const secret = require('node:fs').readFileSync(0); process.abort(secret)`;
    const shell = `ulimit -c unlimited && exec "${process.execPath}" -e "${program}"`;
    const aborted = spawnSync('sh', ['-c', shell], { cwd: elsewhere, input: secret, encoding: 'buffer' });
    const core = [...filesBelow(elsewhere)].find(([path]) => basename(path).startsWith('core'));
    if (aborted.signal !== 'SIGABRT' || core === undefined) {
      const where = readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim();
      return skip(context, `this system writes no core into the folder of a process (core_pattern ${where})`);
    }
    expect(searchFor([canary('secret', secret)])(core[1])).not.toEqual([]);
    rmSync(elsewhere, { recursive: true });

    for (const name of names) {
      const signer = wallet.signer(name);
      expect(spawnSync('prlimit', [`--pid=${signer.pid}`, '--core=unlimited']).status).toBe(0);
      expect(readFileSync(`/proc/${signer.pid}/limits`, 'latin1')).toMatch(
        /^Max core file size +unlimited +unlimited/m,
      );
      const { pid } = signer;
      signer.close();
      await signer.kill('SIGABRT');
      const cores = ['core', `core.${pid}`].map((file) => join(signer.folder, file)).filter((file) => existsSync(file));
      expect(cores, `cores of ${name}`).toHaveLength(1);
    }
    expect(onDisk()).toEqual([]);
    for (const name of names) await wallet.signer(name).start();
    await wallet.connected();
    await sign('after-abort', 'solana');
  });

  it('are in no memory of a Backup signer that was started anew, which opens none', async () => {
    const backup = wallet.signer('backup');
    backup.close();
    await backup.kill('SIGTERM');
    await backup.start();
    await wallet.connected();
    await sign('before-looking', 'bitcoin');
    const { found, bytes } = findInMemory(backup.pid, search);
    expect(bytes).toBeGreaterThan(8 << 20);
    // That it was looked at: the identity it greets its peers with is open.
    expect(found).toEqual(expect.arrayContaining([expect.stringContaining("backup's identity")]));
    expect(found.filter((each) => each.includes('share of'))).toEqual([]);
  });

  it('are on no swap where the system has none, and elsewhere nothing keeps them off it', (context) => {
    if (swapAreas() > 0) return skip(context, 'this system may swap, and Node cannot lock memory');
    expect(names.map((name) => swappedKiB(wallet.signer(name).pid))).toEqual([0, 0, 0]);
  });
});

/** Said aloud: a reporter shows no reason of what it skips. */
function skip({ skip, task }: TestContext, why: string): never {
  process.stderr.write(`${task.name}: not tried: ${why}\n`);
  return skip(why);
}

/** How many files and partitions this system may swap to. */
const swapAreas = (): number => readFileSync('/proc/swaps', 'latin1').trim().split('\n').length - 1;
