import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { concat, sha256, utf8 } from '../common/bytes.ts';
import { formatSshPublicKey, sshKeyOf } from '../statement/ssh-key.ts';
import { sshsigPayload, verifySshsig } from '../statement/sshsig.ts';
import { SshReader, sshString, sshUint32 } from '../statement/ssh-wire.ts';
import { agentIdentities } from './ssh-agent.ts';
import { startSshAgent } from './testing/ssh-agent.ts';

const namespace = 'request@holdfast.dev';
const message = utf8('{"type":"holdfast/request/v1"}');

let folder = '';
let agent: Awaited<ReturnType<typeof startSshAgent>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-agent-test-'));
  agent = await startSshAgent();
});
afterAll(async () => {
  await agent?.stop();
  rmSync(folder, { recursive: true });
});

describe('with a real ssh-agent', () => {
  test('its Ed25519 and P-256 keys sign what ssh-keygen and we accept, and its RSA keys are left out', async (context) => {
    if (agent === undefined) return context.skip();
    for (const kind of ['ed25519', 'rsa', 'ecdsa']) {
      const file = join(folder, kind);
      execFileSync('ssh-keygen', ['-q', '-t', kind, '-N', '', '-C', `test ${kind}`, '-f', file]);
      agent.add(file);
    }
    const identities = await agentIdentities(agent.socketPath);
    expect(identities.map(({ comment }) => comment)).toEqual(['test ed25519', 'test ecdsa']);
    for (const { key, comment, sign } of identities) {
      const line = formatSshPublicKey(key);
      expect(`${line} ${comment}\n`).toBe(readFileSync(join(folder, `${comment.slice(5)}.pub`), 'utf8'));
      const armored = await sign(namespace, message);
      verifySshsig({ armored, namespace, message, key });
      writeFileSync(join(folder, 'allowed'), `signer@example.com ${line}\n`);
      writeFileSync(join(folder, 'signature'), armored);
      const from = ['-f', join(folder, 'allowed'), '-s', join(folder, 'signature'), '-I', 'signer@example.com'];
      execFileSync('ssh-keygen', ['-Y', 'verify', '-n', namespace, ...from], { input: message, stdio: 'pipe' });
    }
  });

  test('a key that the agent no longer has is an error that says so', async (context) => {
    if (agent === undefined) return context.skip();
    const [identity] = await agentIdentities(agent.socketPath);
    execFileSync('ssh-add', ['-q', '-D'], { env: { ...process.env, SSH_AUTH_SOCK: agent.socketPath }, stdio: 'pipe' });
    await expect(identity?.sign(namespace, message)).rejects.toThrow(/^ssh-agent: would not sign with SHA256:/);
  });
});

const privateKey = generateKeyPairSync('ed25519').privateKey;
const key = sshKeyOf(privateKey);
const identitiesAnswer = (...blobs: readonly Uint8Array[]): Uint8Array =>
  concat(Uint8Array.of(12), sshUint32(blobs.length), ...blobs.map((blob) => concat(sshString(blob), sshString('x'))));

let server: Server | undefined;
afterEach(() => void server?.close());

/** A program that answers each question with the next of `answers`, framed, or raw bytes as they are. */
async function fakeAgent(...answers: readonly (Uint8Array | { readonly raw: Uint8Array })[]): Promise<string> {
  const socketPath = join(folder, `fake-${answers.length}-${Math.random()}.sock`);
  const left = [...answers];
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const answer = left.shift();
      if (answer === undefined) return socket.destroy();
      return socket.end('raw' in answer ? answer.raw : sshString(answer));
    });
  });
  await new Promise<void>((resolve) => server?.listen(socketPath, resolve));
  return socketPath;
}

test.each([
  ['is not there', undefined, /ssh-agent: .*ENOENT/],
  ['hangs up', { raw: Uint8Array.of() }, 'the connection ended before the answer was complete'],
  ['stops in the middle', { raw: concat(sshUint32(100), Uint8Array.of(12)) }, 'ended before the answer was complete'],
  ['says more than it announced', { raw: concat(sshUint32(1), Uint8Array.of(12, 13)) }, '1 bytes too many'],
  ['announces too much', { raw: sshUint32(0xffffffff) }, 'want an answer of 1 to 262144 bytes, got 4294967295'],
  ['refuses', Uint8Array.of(5), 'ssh-agent: would not list its keys'],
  [
    'counts more keys than it has',
    concat(Uint8Array.of(12), sshUint32(1)),
    'gave an answer that is none: key: want 4 bytes',
  ],
  ['counts keys without end', concat(Uint8Array.of(12), sshUint32(0xffffffff)), 'want at most 2048 keys'],
  ['has something after its keys', concat(identitiesAnswer(), Uint8Array.of(1)), '1 bytes too many'],
])('an agent that %s is a clear error', async (_, answer, error) => {
  const socketPath = answer === undefined ? join(folder, 'none.sock') : await fakeAgent(answer);
  await expect(agentIdentities(socketPath)).rejects.toThrow(error);
});

test('keys that make no sense are left out, and a signature that does not verify is refused', async () => {
  const wrong = concat(sshString('ssh-ed25519'), sshString(new Uint8Array(64)));
  const socketPath = await fakeAgent(
    identitiesAnswer(Uint8Array.of(1, 2, 3), key.blob),
    concat(Uint8Array.of(14), sshString(wrong)),
  );
  const identities = await agentIdentities(socketPath);
  expect(identities.map((identity) => identity.key.blob)).toEqual([key.blob]);
  await expect(identities[0]?.sign(namespace, message)).rejects.toThrow('does not verify over these bytes');
});

test("a security key's signature, with its flags and counter, comes through whole, and an untouched one does not", async () => {
  const plain = new SshReader(key.blob);
  plain.string('algorithm');
  const point = plain.string('point');
  const name = 'sk-ssh-ed25519@openssh.com';
  const blob = concat(sshString(name), sshString(point), sshString('ssh:'));
  const answer = (flags: number): Uint8Array => {
    const tail = concat(Uint8Array.of(flags), sshUint32(7));
    const signed = concat(sha256(utf8('ssh:')), tail, sha256(sshsigPayload(namespace, message)));
    const value = concat(sshString(name), sshString(sign(null, signed, privateKey)), tail);
    return concat(Uint8Array.of(14), sshString(value));
  };
  const socketPath = await fakeAgent(identitiesAnswer(blob), answer(1), answer(0));
  const [identity] = await agentIdentities(socketPath);
  const armored = await identity!.sign(namespace, message);
  verifySshsig({ armored, namespace, message, key: identity!.key });
  await expect(identity!.sign(namespace, message)).rejects.toThrow('made without touching the security key');
});

test('an abort ends the wait for an agent', async () => {
  const socketPath = join(folder, 'silent.sock');
  const abort = new AbortController();
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => abort.abort(new Error('stopped')));
  });
  await new Promise<void>((resolve) => server?.listen(socketPath, resolve));
  await expect(agentIdentities(socketPath, abort.signal)).rejects.toThrow('stopped');
});
