import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createPublicKey, verify } from 'node:crypto';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { installSoftHsm, PIN, SoftToken } from '../../../hsm/testing/soft-token.ts';
import { systemClock } from '../../../common/clock.ts';
import { silentLog } from '../../../common/log.ts';
import { Hsm } from '../../../signer/hsm/hsm.ts';
import { hsmSeal } from '../../../signer/state/hsm-seal.ts';
import { openSealed, sealBytes } from '../../../signer/state/seal.ts';
import { ProcessWallet, type SignerProcess } from './processes.ts';

const solana = { name: 'solana', scheme: 'EdDSA' } as const;
const mine = { wallet: 'payments/treasury' };

beforeAll(installSoftHsm);

const killed = async (process: ChildProcess): Promise<void> => {
  const ended = once(process, 'exit');
  process.kill('SIGKILL');
  await ended;
};

const get = async ({ metricsPort }: SignerProcess, path: string): Promise<string> =>
  (await fetch(`http://127.0.0.1:${metricsPort}${path}`)).text();

/** Waits until the signer says this state of its HSM everywhere: probe, metric, log; and in its description. */
async function untilState(wallet: ProcessWallet, state: string): Promise<void> {
  const backup = wallet.signer('backup');
  await wallet.until(
    async () => {
      const ready = await get(backup, '/readyz');
      const metrics = await get(backup, '/metrics');
      const { problems, sealState } = await wallet.describe('backup');
      const serves = state === 'Ready';
      const holds =
        (serves ? ready === 'ok\n' : ready.startsWith(`not ready: ${state}: `)) &&
        new RegExp(`holdfast_hsm_available\\{state="${state}",.*\\} ${serves ? 1 : 0}\n`).test(metrics) &&
        sealState === (serves ? '' : state) &&
        (serves ? problems.length === 0 : problems.some((problem) => problem.startsWith(`${state}: `)));
      return holds ? '' : `${ready}; ${sealState}; ${problems.join('; ')}`;
    },
    `the HSM is not ${state}`,
    40_000,
  );
  if (state !== 'Ready') expect(logOf(backup)).toContain(`"message":"HSM does not serve"`);
  if (state !== 'Ready') expect(logOf(backup)).toContain(`"state":"${state}"`);
}

const logOf = ({ logFile }: SignerProcess): string => readFileSync(logFile, 'utf8');

it(
  'says each state of its HSM and makes keys again once it is mended, all in one process',
  { timeout: 300_000 },
  async () => {
    const token = new SoftToken(onTestFinished);
    const module = join(token.folder, 'module.so');
    symlinkSync(token.module, module);
    const start = () => token.start({ ...mine, module, 'deadline-ms': '2000' });
    let sidecar = await start();
    const wallet = await ProcessWallet.start({ keys: [solana], hsmSockets: new Map([['backup', token.socket]]) });
    onTestFinished(() => wallet.close());
    const backup = wallet.signer('backup');
    const { pid } = backup;
    await untilState(wallet, 'Ready');
    const { auditKey, identity } = await wallet.describe('backup');
    expect(auditKey).not.toEqual(identity);
    expect(createPublicKey({ key: Buffer.from(auditKey), format: 'der', type: 'spki' }).asymmetricKeyDetails).toEqual({
      namedCurve: 'prime256v1',
    });

    const client = await wallet.connect();
    onTestFinished(() => client.close());
    const keys: { readonly name: string; readonly scheme: 'EdDSA' | 'Schnorr' }[] = [solana];
    let attempts = 0;
    /**
     * The state is seen, the others pay meanwhile, a key asked for now is not made; then the state is mended, and that key
     * is made: Backup seals its share, unseals it and signs with each other holder as recovery would.
     */
    const through = async (state: string, mend: () => unknown, ask = true): Promise<void> => {
      await untilState(wallet, state);
      const { statement, signature } = wallet.request(`pay-${++attempts}`);
      expect((await client.sign(statement, signature)).outcome).toBe('signed');
      if (ask) keys.push({ name: `key-${attempts}`, scheme: attempts % 2 === 0 ? 'EdDSA' : 'Schnorr' });
      await wallet.provision(keys);
      const key = (await wallet.describe('backup')).keys.find(({ name }) => name === keys.at(-1)?.name);
      expect(key?.state === 'Active').toBe(!ask);
      await mend();
      await untilState(wallet, 'Ready');
      await wallet.keysActive();
      expect(backup.running).toBe(true);
      expect(backup.pid).toBe(pid);
    };

    await killed(sidecar.process);
    await through('SidecarMissing', async () => (sidecar = await start()));

    const away = join(token.folder, 'away');
    renameSync(token.tokens, away);
    mkdirSync(token.tokens);
    await through('TokenMissing', () => {
      rmdirSync(token.tokens);
      renameSync(away, token.tokens);
    });

    token.writePin('999999');
    await killed(sidecar.process);
    sidecar = await start();
    const refusals = (): number => token.output.split('PinRefused').length;
    await through('PinRefused', () => {
      // Asked again and again meanwhile, it tried the PIN once: three would lock most tokens.
      expect(refusals()).toBe(2);
      token.writePin(PIN);
    });

    renameSync(module, `${module}.away`);
    await killed(sidecar.process);
    sidecar = await start();
    await through('ModuleMissing', () => renameSync(`${module}.away`, module));

    await through('TokenSlow', token.slow());

    const metrics = await get(backup, '/metrics');
    for (const [operation, outcome] of [
      ['Wrap', 'ok'],
      ['Unwrap', 'ok'],
      ['[A-Za-z]+', 'SidecarMissing'], // whichever call met it first
    ])
      expect(metrics).toMatch(
        new RegExp(
          `holdfast_hsm_operation_duration_seconds_count\\{.*operation="${operation}",outcome="${outcome}"\\} `,
        ),
      );
    for (const text of [logOf(backup), token.output]) expect(text).not.toContain(PIN);
  },
);

it('waits for its HSM when it starts, opens its share with it, and takes no other', async () => {
  const token = new SoftToken(onTestFinished);
  const holders = ['infrastructure', 'backup'] as const;
  const hsmSockets = new Map(holders.map((holder) => [holder as string, join(token.folder, `${holder}.sock`)]));
  const start = (serves: string, holder = serves) =>
    token.start({ ...mine, holder: serves, socket: hsmSockets.get(holder) ?? '' });
  let sidecars = await Promise.all(holders.map((holder) => start(holder)));
  const wallet = await ProcessWallet.start({ keys: [solana], hsmSockets });
  onTestFinished(() => wallet.close());
  for (const holder of holders) {
    wallet.signer(holder).close();
    await wallet.signer(holder).kill();
  }
  for (const { process } of sidecars) await killed(process);

  const starting = Promise.all(holders.map((holder) => wallet.signer(holder).start()));
  const untilSaid = (state: string): Promise<void> =>
    wallet.until(async () => {
      const said = await Promise.all(holders.map((holder) => get(wallet.signer(holder), '/readyz')));
      return said.every((text) => text.startsWith(`not ready: ${state}: `)) ? '' : said.join('; ');
    }, `the HSM is not ${state}`);
  await untilSaid('SidecarMissing');
  const pids = holders.map((holder) => wallet.signer(holder).pid);
  // Each other's: neither would open what is sealed, and must not be asked to seal anything.
  sidecars = [await start('backup', 'infrastructure'), await start('infrastructure', 'backup')];
  await untilSaid('SidecarStranger');
  for (const { process } of sidecars) await killed(process);
  sidecars = await Promise.all(holders.map((holder) => start(holder)));
  await starting;
  expect(holders.map((holder) => wallet.signer(holder).pid)).toEqual(pids);
  await wallet.provision();
  await wallet.connected();
  const client = await wallet.connect();
  onTestFinished(() => client.close());
  const pay = async (id: string): Promise<string> => {
    const { statement, signature } = wallet.request(id);
    return (await client.sign(statement, signature, { wait: true })).outcome;
  };
  expect(await pay('with-hsm')).toBe('signed');
  // What is open stays open: an Infrastructure signer needs its HSM to start.
  for (const { process } of sidecars) await killed(process);
  await untilSaid('SidecarMissing');
  expect(await pay('without-hsm')).toBe('signed');
});

it('signs heads that its audit key verifies, and opens under no other words what it sealed', async () => {
  const token = new SoftToken(onTestFinished);
  await token.start(mine);
  const hsm = new Hsm({
    ...mine,
    socket: token.socket,
    holder: 'backup',
    nothingSealed: () => true,
    clock: systemClock,
    log: silentLog,
    onOperation: () => {},
  });
  onTestFinished(() => hsm.close());
  await hsm.whenServing();
  const { publicKey, sign } = hsm.headSigner;
  const key = { key: Buffer.from(publicKey), format: 'der', type: 'spki', dsaEncoding: 'ieee-p1363' } as const;
  const signature = await sign(Buffer.from('head 7'));
  expect(verify('sha256', Buffer.from('head 7'), key, signature)).toBe(true);
  expect(verify('sha256', Buffer.from('head 8'), key, signature)).toBe(false);

  const seal = hsmSeal(hsm, token.socket);
  const words = ['genesis', 'backup', 'solana', '1', '0'];
  const sealed = await sealBytes(seal, Buffer.from('share'), words);
  expect(Buffer.from(await openSealed(seal, sealed, words)).toString()).toBe('share');
  await expect(openSealed(seal, sealed, [...words.slice(0, 4), '1'])).rejects.toThrow(/^WrapRefused: /);
  expect(hsm.problem).toBeUndefined();
});
