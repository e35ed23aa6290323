import { createPrivateKey, sign } from 'node:crypto';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { concat, fromHex, utf8 } from '../../common/bytes.ts';
import { agentIdentities } from '../../client/ssh-agent.ts';
import { parseSshPublicKey, sshKeyOf } from '../../statement/ssh-key.ts';
import { sshString, sshUint32 } from '../../statement/ssh-wire.ts';
import { sshsigPayload } from '../../statement/sshsig.ts';
import type { Decoder } from './decoder.ts';
import { scratchFolder } from './scratch-folder.ts';

/** An agent's key whose signatures are the same in every run: RFC 8032 7.1, test 1. */
const privateKey = createPrivateKey({
  key: Buffer.from(
    fromHex(
      '302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'PKCS #8',
    ),
  ),
  format: 'der',
  type: 'pkcs8',
});
const key = sshKeyOf(privateKey);
const other = parseSshPublicKey(readFileSync(new URL('../vectors/sshsig/ecdsa.pub', import.meta.url), 'latin1'));
const namespace = 'request@holdfast.dev';
const message = utf8('{}');

const answer = (kind: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  sshString(concat(Uint8Array.of(kind), ...parts));
const identities = answer(
  12,
  sshUint32(2),
  ...[key, other].flatMap(({ blob }) => [sshString(blob), sshString('someone@somewhere')]),
);
const signature = answer(
  14,
  sshString(concat(sshString('ssh-ed25519'), sshString(sign(null, sshsigPayload(namespace, message), privateKey)))),
);

/** What the agent answers next, and then hangs up. */
let answers: Uint8Array[] = [];
const path = join(scratchFolder(), 'agent.sock');
const agent = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end(answers.shift() ?? new Uint8Array()));
}).listen(path);
await once(agent, 'listening');
// Whoever looks at the table may end without a word to it.
agent.unref();

export const agentDecoderTable: readonly Decoder[] = [
  {
    name: 'keys of an ssh-agent',
    seeds: [identities, answer(12, sshUint32(0))],
    async decode(bytes) {
      answers = [bytes];
      await agentIdentities(path);
      return undefined;
    },
    mostBytes: 300 * 1024,
  },
  {
    name: 'signature of an ssh-agent',
    seeds: [signature],
    async decode(bytes) {
      answers = [identities, bytes];
      const [first] = await agentIdentities(path);
      if (first === undefined) throw new TypeError('the agent has no key');
      await first.sign(namespace, message);
      return undefined;
    },
  },
];
