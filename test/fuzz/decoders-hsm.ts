import { join } from 'node:path';
import { utf8 } from '../../common/bytes.ts';
import { readConfig as readSidecarConfig } from '../../hsm/config.ts';
import { readPin } from '../../hsm/pin-file.ts';
import { checkCall } from '../../hsm/token-calls.ts';
import { TokenFault } from '../../hsm/token-fault.ts';
import * as hsmProto from '../../proto/gen/hsm/v1/hsm.ts';
import { readConfig as readSignerConfig } from '../../signer/config.ts';
import { fromUtf8Text } from './decoders-statement.ts';
import type { Decoder } from './decoder.ts';
import { damagedProtobuf, file, protobuf, type Message } from './decoder-kinds.ts';
import { scratchFolder } from './scratch-folder.ts';

const folder = scratchFolder();
const associated = ['sha256:11', 'client', 'solana', '1', '0'];
const wrapped = Buffer.alloc(61).fill(1, 0, 1);

/** A request as the sidecar takes it: refused in its own words before the token sees it. */
const request = <T>(name: string, type: Message<T>, value: Partial<T>, check: (message: T) => void): Decoder => ({
  ...protobuf(name, type, value, check),
  refuses: (error) => error instanceof TokenFault || damagedProtobuf(error),
});

/** Flags, one a line. */
const flags = (name: string, seed: readonly string[], read: (args: readonly string[]) => unknown): Decoder => ({
  name,
  seeds: [utf8(seed.join('\n'))],
  decode(bytes) {
    read(fromUtf8Text(bytes).split('\n'));
    return undefined;
  },
});

export const hsmDecoderTable: readonly Decoder[] = [
  request('WrapRequest', hsmProto.WrapRequest, { dataKey: Buffer.alloc(32), associated }, ({ dataKey, ...rest }) =>
    checkCall({ op: 'wrap', dataKey, associated: rest.associated }),
  ),
  request('UnwrapRequest', hsmProto.UnwrapRequest, { wrapped, associated }, (message) =>
    checkCall({ op: 'unwrap', wrapped: message.wrapped, associated: message.associated }),
  ),
  request('SignHeadRequest', hsmProto.SignHeadRequest, { message: Buffer.alloc(72) }, ({ message }) =>
    checkCall({ op: 'sign', message }),
  ),
  request('RandomRequest', hsmProto.RandomRequest, { length: 32 }, ({ length }) => checkCall({ op: 'random', length })),
  request('PrepareRequest', hsmProto.PrepareRequest, { nothingSealed: true }, ({ nothingSealed }) =>
    checkCall({ op: 'prepare', nothingSealed }),
  ),
  protobuf('StatusRequest', hsmProto.StatusRequest, {}),
  protobuf('StatusReply', hsmProto.StatusReply, {
    ...{ state: 'PinRefused', message: 'no', wallet: 'payments/treasury', holder: 'backup' },
  }),
  protobuf('PrepareReply', hsmProto.PrepareReply, { auditKey: Buffer.alloc(91), made: ['holdfast:a/b/c'] }),
  protobuf('WrapReply', hsmProto.WrapReply, { wrapped }),
  protobuf('UnwrapReply', hsmProto.UnwrapReply, { dataKey: Buffer.alloc(32) }),
  protobuf('SignHeadReply', hsmProto.SignHeadReply, { signature: Buffer.alloc(64) }),
  protobuf('RandomReply', hsmProto.RandomReply, { random: Buffer.alloc(32) }),
  {
    name: 'PIN file',
    seeds: ['1234', '1234\n', '1234\r\n'].map(utf8),
    decode: file(join(folder, 'pin'), readPin),
    refuses: (error) => error instanceof TokenFault,
  },
  flags(
    'flags of the sidecar',
    [
      ...['--module=/usr/lib/softhsm/libsofthsm2.so', '--token-label=backup', '--pin-file=/run/pin'],
      ...['--socket=/run/hsm.sock', '--wallet=payments/treasury', '--holder=backup', '--deadline-ms=5000'],
      ...['--wrap-mechanism=CKM_AES_GCM', '--sign-mechanism=CKM_ECDSA_SHA256', '--log-level=debug'],
    ],
    readSidecarConfig,
  ),
  flags(
    'flags of a signer',
    [
      ...['--wallet=payments/treasury', '--holder=client', '--data=/srv/data', '--seal-key-file=/run/kek'],
      ...[`--operator=sha256:${'ab'.repeat(32)}`, '--sign-listen=[::1]:8443', '--log-level=debug'],
    ],
    readSignerConfig,
  ),
];
