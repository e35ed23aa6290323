import type { ChildProcess } from 'node:child_process';
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { mkdirSync, renameSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { installSoftHsm, PIN, SoftToken } from './testing/soft-token.ts';

const KEK = 'holdfast:default/treasury/backup';
const AUDIT = 'holdfast-audit:default/treasury/backup';
const words = ['sha256:genesis', 'backup', 'treasury', 'attempt', '1'];

beforeAll(installSoftHsm);

it('makes keys only for a signer with nothing sealed, wraps under them, and signs what others verify', async () => {
  const token = new SoftToken(onTestFinished);
  const { client } = await token.start();
  expect(statSync(token.socket).mode & 0o777).toBe(0o600);
  expect(await client.state()).toBe('KeyMissing');
  await expect(client.prepare(false)).rejects.toThrow(`KeyMissing: token backup has no key ${KEK}`);
  const { auditKey, made } = await client.prepare(true);
  expect(made).toEqual([KEK, AUDIT]);
  expect(await client.prepare(true)).toEqual({ auditKey, made: [] });
  expect(await client.state()).toBe('Ready');

  const dataKey = randomBytes(32);
  const wrapped = await client.wrap(dataKey, ...words);
  expect(wrapped.includes(dataKey)).toBe(false);
  expect(await client.unwrap(wrapped, ...words)).toEqual(dataKey);
  expect(await client.wrap(dataKey, ...words)).not.toEqual(wrapped);

  const head = Buffer.from('head 7');
  const key = {
    key: createPublicKey({ key: Buffer.from(auditKey), format: 'der', type: 'spki' }),
    dsaEncoding: 'ieee-p1363' as const,
  };
  const signature = await client.signHead(head);
  expect(verify('sha256', head, key, signature)).toBe(true);
  expect(verify('sha256', Buffer.from('head 8'), key, signature)).toBe(false);

  expect(await client.random(64)).toHaveLength(64);
  expect(await client.random(64)).not.toEqual(await client.random(64));
});

it('serves as a bundle too', async () => {
  const token = new SoftToken(onTestFinished);
  const { client } = await token.start({}, 'dist/hsm.js');
  await client.prepare(true);
  expect(await client.state()).toBe('Ready');
});

it('unwraps for no other words, holder or bytes, and serves on', async () => {
  const token = new SoftToken(onTestFinished);
  const { client } = await token.start();
  await client.prepare(true);
  const dataKey = randomBytes(32);
  const wrapped = await client.wrap(dataKey, ...words);
  const refused = /^WrapRefused: the KEK does not open it/;
  await expect(client.unwrap(wrapped, ...words.slice(0, 4), '2')).rejects.toThrow(refused);
  await expect(client.unwrap(wrapped, ...words.slice(0, 4))).rejects.toThrow(refused);
  for (const at of [1, 13, 45, 60]) {
    const changed = Buffer.from(wrapped);
    changed[at]! ^= 1;
    await expect(client.unwrap(changed, ...words)).rejects.toThrow(refused);
  }
  await expect(client.unwrap(wrapped.subarray(0, 60), ...words)).rejects.toThrow(/^Malformed: want 61 bytes/);
  await expect(client.wrap(dataKey)).rejects.toThrow(/^Malformed: want 1 to 16 words/);
  await expect(client.wrap(Buffer.alloc(31), ...words)).rejects.toThrow(/^Malformed: want a data key of 32 bytes/);
  expect(await client.unwrap(wrapped, ...words)).toEqual(dataKey);

  const other = await token.start({ holder: 'other', socket: join(token.folder, 'other.sock') });
  await other.client.prepare(true);
  await expect(other.client.unwrap(wrapped, ...words)).rejects.toThrow(refused);
});

it('serves nothing before the signer has said whether it has sealed data', async () => {
  const token = new SoftToken(onTestFinished);
  const first = await token.start();
  await first.client.prepare(true);
  first.process.kill('SIGKILL');
  // The killed one left its socket.
  const { client } = await token.start();
  await expect(client.wrap(randomBytes(32), ...words)).rejects.toThrow(/^KeysNotPrepared: /);
  expect((await client.prepare(false)).made).toEqual([]);
  await client.wrap(randomBytes(32), ...words);
});

it('refuses a KEK that may leave the token', async () => {
  const token = new SoftToken(onTestFinished);
  token.makeKey(KEK, 'extractable');
  const { client } = await token.start();
  expect(await client.state()).toBe('KeyRefused');
  await expect(client.prepare(true)).rejects.toThrow(
    /^KeyRefused: .*SENSITIVE=false, ALWAYS_SENSITIVE=false, NEVER_EXTRACTABLE=false, EXTRACTABLE=true/,
  );
});

it('refuses a KEK that is not alone under its label, also one doubled while it serves', async () => {
  const token = new SoftToken(onTestFinished);
  const { client } = await token.start();
  await client.prepare(true);
  token.makeKey(KEK, 'kept');
  expect(await client.state()).toBe('KeyRefused');
  await expect(client.wrap(randomBytes(32), ...words)).rejects.toThrow(/^KeyRefused: .*2 objects have this label/);
});

it('tries a wrong PIN once, and serves when its file is written anew', async () => {
  const token = new SoftToken(onTestFinished);
  token.writePin('999999');
  const { client } = await token.start();
  expect(await client.state()).toBe('PinRefused');
  // The token would take its PIN now: only a sidecar that does not try again still says that it is refused.
  token.initialise('999999', '--token', 'backup');
  expect(await client.state()).toBe('PinRefused');
  await expect(client.prepare(true)).rejects.toThrow(/^PinRefused: .*not tried again before that file is written anew/);
  token.writePin('999999');
  expect((await client.prepare(true)).made).toEqual([KEK, AUDIT]);
  expect(token.output).not.toContain('999999');
});

it('says that module, token, PIN file or mechanism is missing', async () => {
  const token = new SoftToken(onTestFinished);
  const socket = (name: string): string => join(token.folder, `${name}.sock`);
  const module = await token.start({ module: '/nowhere/pkcs11.so', socket: socket('module') });
  expect(await module.client.state()).toBe('ModuleMissing');
  const label = await token.start({ 'token-label': 'another', socket: socket('label') });
  expect(await label.client.state()).toBe('TokenMissing');
  const pin = await token.start({ 'pin-file': '/nowhere/pin', socket: socket('pin') });
  expect(await pin.client.state()).toBe('PinMissing');
  // SoftHSM has ECDSA without a hash only.
  const sign = await token.start({ 'sign-mechanism': 'CKM_ECDSA_SHA256', socket: socket('sign') });
  expect(await sign.client.state()).toBe('MechanismMissing');
  await expect(sign.client.prepare(true)).rejects.toThrow(/^MechanismMissing: token backup lacks CKM_ECDSA_SHA256/);
});

it('serves again by itself when the token is back', async () => {
  const token = new SoftToken(onTestFinished);
  const { client } = await token.start();
  await client.prepare(true);
  const wrapped = await client.wrap(Buffer.alloc(32, 7), ...words);
  const away = join(token.folder, 'away');
  renameSync(token.tokens, away);
  mkdirSync(token.tokens);
  await expect(client.unwrap(wrapped, ...words)).rejects.toThrow(/^TokenMissing: no token is labelled backup/);
  expect(await client.state()).toBe('TokenMissing');
  rmdirSync(token.tokens);
  renameSync(away, token.tokens);
  expect(await client.unwrap(wrapped, ...words)).toEqual(Buffer.alloc(32, 7));
  expect(await client.state()).toBe('Ready');
});

it('answers while the token holds up a call, and serves when it has let go', async () => {
  const token = new SoftToken(onTestFinished);
  const { client } = await token.start({ 'deadline-ms': '1000' });
  await client.prepare(true);
  const mend = token.slow();
  const slow = /^TokenSlow: the token held up a call for over 1000 ms/;
  await expect(client.prepare(false)).rejects.toThrow(slow);
  expect(await client.state()).toBe('TokenSlow');
  await expect(client.random(8)).rejects.toThrow(slow);
  mend();
  await expect.poll(() => client.state()).toBe('Ready');
  expect(await client.random(8)).toHaveLength(8);
});

it('stops when it is told to, also while the token holds up a call', async () => {
  const token = new SoftToken(onTestFinished);
  const idle = await token.start();
  const ended = (child: ChildProcess) => vi.waitUntil(() => child.exitCode ?? child.signalCode, { timeout: 10_000 });
  await idle.client.prepare(true);
  idle.process.kill('SIGTERM');
  expect(await vi.waitUntil(() => idle.process.exitCode !== null, { timeout: 10_000 })).toBe(true);
  expect(idle.process.exitCode).toBe(0);

  const held = await token.start({ 'deadline-ms': '3000' });
  await held.client.prepare(false);
  token.slow();
  await expect(held.client.prepare(false)).rejects.toThrow(/^TokenSlow/);
  held.process.kill('SIGTERM');
  expect(await ended(held.process)).toBe('SIGKILL');
});

it('writes neither PIN nor data key to its log', async () => {
  const token = new SoftToken(onTestFinished);
  const { client } = await token.start({ 'log-level': 'debug' });
  await client.prepare(true);
  const dataKey = randomBytes(32);
  const wrapped = await client.wrap(dataKey, ...words);
  await client.unwrap(wrapped, ...words);
  await expect(client.unwrap(wrapped, 'other')).rejects.toThrow(/^WrapRefused/);
  expect(token.output).toContain('token serves');
  for (const secret of [PIN, dataKey.toString('hex'), dataKey.toString('base64')])
    expect(token.output).not.toContain(secret);
});
