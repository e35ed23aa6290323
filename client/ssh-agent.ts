import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { concat } from '../common/bytes.ts';
import { UserError, messageOf } from '../common/errors.ts';
import { fingerprint, isSecurityKey, parseSshPublicKey } from '../statement/ssh-key.ts';
import type { SshPublicKey } from '../statement/ssh-key.ts';
import { armorSshsig, sshsigPayload, verifySshsig } from '../statement/sshsig.ts';
import { SshReader, sshString, sshUint32 } from '../statement/ssh-wire.ts';
import type { SshSigner } from './ssh-signer.ts';

// The ssh-agent protocol (draft-ietf-sshm-ssh-agent 3): a length, then a number that says what follows.
const requestIdentities = 11;
const identitiesAnswer = 12;
const signRequest = 13;
const signResponse = 14;
/** As much as OpenSSH's agent sends. */
const maxMessage = 256 * 1024;
const maxIdentities = 2048;
const listTimeoutMs = 5_000;
/** A person may have to touch a security key or to confirm. */
const signTimeoutMs = 60_000;

export type AgentIdentity = SshSigner & { readonly comment: string };

/**
 * The keys of the agent at `socketPath` (SSH_AUTH_SOCK) that can sign statements, in its order; others (RSA,
 * certificates) are left out. Throws a UserError where no agent answers as one.
 */
export async function agentIdentities(socketPath: string, signal?: AbortSignal): Promise<readonly AgentIdentity[]> {
  const answer = await ask(socketPath, Uint8Array.of(requestIdentities), listTimeoutMs, signal);
  return readAnswer(answer, identitiesAnswer, 'would not list its keys', (reader) => {
    const count = reader.uint32('number of keys');
    if (count > maxIdentities) throw new Error(`want at most ${maxIdentities} keys, got ${count}`);
    const found = Array.from({ length: count }, () => {
      const blob = reader.string('key');
      return { key: supportedKey(blob), comment: Buffer.from(reader.string('comment')).toString() };
    });
    reader.end('list of keys');
    return found.flatMap(({ key, comment }) =>
      key === undefined ? [] : [{ ...agentSigner(socketPath, key), comment }],
    );
  });
}

function agentSigner(socketPath: string, key: SshPublicKey): SshSigner {
  return {
    key,
    async sign(namespace, message, signal) {
      const payload = sshsigPayload(namespace, message);
      const request = concat(Uint8Array.of(signRequest), sshString(key.blob), sshString(payload), sshUint32(0));
      const answer = await ask(socketPath, request, signTimeoutMs, signal);
      const refusal = `would not sign with ${fingerprint(key)}${isSecurityKey(key.algorithm) ? ': was it touched?' : ''}`;
      return readAnswer(answer, signResponse, refusal, (reader) => {
        const armored = armorSshsig(namespace, key, reader.string('signature'));
        reader.end('signature');
        verifySshsig({ armored, namespace, message, key }); // an agent is a program like any other
        return armored;
      });
    },
  };
}

function supportedKey(blob: Uint8Array): SshPublicKey | undefined {
  try {
    const algorithm = new SshReader(blob).text('algorithm');
    return parseSshPublicKey(`${algorithm} ${Buffer.from(blob).toString('base64')}`);
  } catch {
    return undefined;
  }
}

function readAnswer<T>(answer: Uint8Array, want: number, refusal: string, read: (reader: SshReader) => T): T {
  if (answer[0] !== want) throw new UserError(`ssh-agent: ${refusal}`, ['ssh-add -l shows what the agent holds']);
  try {
    return read(new SshReader(answer.subarray(1)));
  } catch (error) {
    throw new UserError(`ssh-agent: gave an answer that is none: ${messageOf(error)}`);
  }
}

/** One question on a connection of its own; an agent that hangs, talks nonsense or goes away is an error. */
async function ask(
  socketPath: string,
  request: Uint8Array,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  signal?.throwIfAborted();
  const socket = createConnection(socketPath);
  const abort = (): void => void socket.destroy(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
  try {
    socket.write(sshString(request));
    return await readMessage(socket);
  } catch (error) {
    signal?.throwIfAborted();
    throw new UserError(`ssh-agent: ${socketPath}: ${messageOf(error)}`, [
      'start one with: eval "$(ssh-agent)" && ssh-add FILE',
      'or give the private key: --ssh-key FILE',
    ]);
  } finally {
    signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

async function readMessage(socket: Socket): Promise<Uint8Array> {
  let got = Buffer.alloc(0);
  for await (const chunk of socket) {
    got = Buffer.concat([got, chunk as Buffer]);
    if (got.length < 4) continue;
    const length = got.readUInt32BE();
    if (length === 0 || length > maxMessage)
      throw new Error(`want an answer of 1 to ${maxMessage} bytes, got ${length}`);
    if (got.length > 4 + length) throw new Error(`${got.length - 4 - length} bytes too many in the answer`);
    if (got.length === 4 + length) return Uint8Array.from(got.subarray(4));
  }
  throw new Error('the connection ended before the answer was complete');
}
