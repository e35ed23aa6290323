import { Metadata } from '@grpc/grpc-js';
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { concat, equal, utf8 } from '../../common/bytes.ts';
import { systemClock } from '../../common/clock.ts';
import { silentLog } from '../../common/log.ts';
import {
  HsmServiceService,
  PrepareReply,
  SignHeadReply,
  StatusReply,
  UnwrapReply,
  WrapReply,
} from '../../proto/gen/hsm/v1/hsm.ts';
import { Hsm } from '../../signer/hsm/hsm.ts';
import { HsmRefused, HsmUnavailable } from '../../signer/hsm/hsm-fault.ts';
import { faultOf } from '../../signer/hsm/sidecar-client.ts';
import { hsmSeal } from '../../signer/state/hsm-seal.ts';
import { openSealed, sealBytes } from '../../signer/state/seal.ts';
import { headPayload, isSignedHead } from '../../statement/head-signature.ts';
import { fromUtf8Text } from './decoders-statement.ts';
import type { Decoder } from './decoder.ts';
import { scratchFolder } from './scratch-folder.ts';

const audit = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const auditKey = Buffer.from(audit.publicKey.export({ format: 'der', type: 'spki' }));
const owner = { genesis: `sha256:${'ab'.repeat(32)}`, holder: 'backup' };
const head = { sequence: 7n, hash: new Uint8Array(32).fill(9) };
const payload = headPayload(owner, head);
const signature = sign('sha256', payload, { key: audit.privateKey, dsaEncoding: 'ieee-p1363' });
const words = [owner.genesis, 'backup', 'solana', '1', '0'];
const share = randomBytes(40);
const wrapped = randomBytes(61);
let dataKey: Buffer = Buffer.of();
const sealed = await sealBytes(
  {
    description: 'a token',
    wrap: async (key) => {
      dataKey = Buffer.from(key);
      return wrapped;
    },
    unwrap: () => Promise.reject(new Error('not asked')),
  },
  share,
  words,
);

/** What a good sidecar answers. */
const good: Readonly<Record<string, Uint8Array>> = {
  [HsmServiceService.status.path]: StatusReply.encode({
    ...{ state: 'Ready', message: '', wallet: 'payments/treasury', holder: 'backup' },
  }).finish(),
  [HsmServiceService.prepare.path]: PrepareReply.encode({ auditKey, made: [] }).finish(),
  [HsmServiceService.wrap.path]: WrapReply.encode({ wrapped }).finish(),
  [HsmServiceService.unwrap.path]: UnwrapReply.encode({ dataKey }).finish(),
  [HsmServiceService.signHead.path]: SignHeadReply.encode({ signature }).finish(),
};
let answers = good;

/** gRPC over HTTP/2 as its specification has it, with whatever bytes for a message; grpc-js's server would check them. */
const socket = join(scratchFolder(), 'hsm.sock');
const sidecar = createServer();
sidecar.on('session', (session) => session.on('error', () => {}));
sidecar.on('stream', (stream, { ':path': path = '' }) => {
  stream.on('error', () => {});
  const message = answers[path] ?? new Uint8Array();
  const length = Buffer.alloc(5);
  length.writeUInt32BE(message.length, 1);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(concat(length, message));
});
await once(sidecar.listen(socket), 'listening');
// Whoever looks at the table may end without a word to it.
sidecar.unref();

/** What a signer says of a sidecar goes into logs, metrics and a wallet's status: no longer than this, and in one line. */
const MOST_SAID = 600;
function checkSaid(message: string): void {
  if (message.length > MOST_SAID) throw new TypeError(`says ${message.length} characters of a sidecar`);
  if (/\p{Cc}/u.test(message)) throw new TypeError(`says ${JSON.stringify(message)} of a sidecar`);
}

/** A signer's HSM whose sidecar answers `path` with the input; `use` throws where it is of no use. */
const replies = (name: string, path: string, use: (hsm: Hsm) => unknown): Decoder => ({
  name: `sidecar's answer to ${name}`,
  seeds: [good[path] as Uint8Array],
  async decode(bytes) {
    answers = { ...good, [path]: bytes };
    const hsm = new Hsm({
      ...{ socket, wallet: 'payments/treasury', holder: 'backup', deadlineMs: 2_000 },
      nothingSealed: () => false,
      clock: systemClock,
      log: silentLog,
      onOperation: () => {},
    });
    try {
      const starting = hsm.problem;
      while (hsm.problem === starting) await turn();
      if (hsm.problem !== undefined) throw hsm.problem;
      await use(hsm);
      return undefined;
    } catch (error) {
      if (error instanceof Error) checkSaid(error.message);
      throw error;
    } finally {
      hsm.close();
    }
  },
  refuses: (error) => error instanceof HsmUnavailable || error instanceof HsmRefused,
  // More than the signer takes.
  mostBytes: 128 * 1024,
});

const seal = (hsm: Hsm) => hsmSeal(hsm, socket);
const { status, prepare, wrap, unwrap, signHead } = HsmServiceService;

export const sidecarDecoderTable: readonly Decoder[] = [
  replies('Status', status.path, () => {}),
  replies('Prepare', prepare.path, ({ headSigner }) => headSigner.publicKey),
  replies('Wrap', wrap.path, (hsm) => sealBytes(seal(hsm), share, words)),
  replies('Unwrap', unwrap.path, async (hsm) => {
    // Whatever it answers, what opens is what was sealed.
    if (!equal(await openSealed(seal(hsm), sealed, words), share)) throw new TypeError('opens another share');
  }),
  replies('SignHead', signHead.path, async ({ headSigner }) => {
    const signed = { head, signature: await headSigner.sign(payload) };
    if (!isSignedHead(owner, signed, headSigner.publicKey)) throw new Error('no signature of its audit key');
  }),
  {
    name: 'refusal of a sidecar',
    seeds: ['13\nTokenSlow\nTokenSlow: it holds up a call', '3\nMalformed\nno', '14\n\nconnect ENOENT'].map(utf8),
    decode(bytes) {
      const [code = '', state = '', ...details] = fromUtf8Text(bytes).split('\n');
      const metadata = new Metadata();
      if (state !== '') metadata.set('holdfast-hsm-state', state);
      checkSaid(faultOf({ code: Number(code), details: details.join('\n'), metadata }, socket, 2_000).message);
      return undefined;
    },
  },
];
