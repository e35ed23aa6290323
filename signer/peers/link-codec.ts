import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { messageOf } from '../../common/errors.ts';
import { PeerMessage } from '../../proto/gen/signer/v1/peer.ts';
import type { Head } from '../../proto/gen/signer/v1/signer.ts';
import type { PeerBody, Received } from './peers.ts';

/** What travels at once. More messages in a batch would make all requests in flight march in step. */
export const MAX_BATCH_MESSAGES = 8;
export const MAX_BATCH_BYTES = 1 << 20;
/** A body that fits a batch beside its head and lengths. */
export const MAX_BODY_BYTES = MAX_BATCH_BYTES - 128;

/** Numbers of records and spends are kept in a database, which counts in 64 bits with a sign. */
export const MAX_SEQUENCE = 2n ** 63n - 1n;

/** Field 1 of PeerBatch, length-delimited. */
const MESSAGE_TAG = (1 << 3) | 2;

/** A message without its head, encoded when it is queued so that the queue knows its size. */
export const encodeBody = (body: PeerBody): Uint8Array => PeerMessage.encode({ head: undefined, body }).finish();

/** A PeerBatch of `bodies`, all with this head. Concatenated encodings merge: that is how protobuf defines them. */
export function encodeBatch(head: Head, bodies: readonly Uint8Array[]): Buffer {
  const headed = PeerMessage.encode({ head, body: undefined }).finish();
  const before = (length: number): Uint8Array => new BinaryWriter().uint32(MESSAGE_TAG).uint32(length).finish();
  // One copy: of ECDSA's messages a growing buffer would make several, and work for the garbage collector.
  return Buffer.concat(bodies.flatMap((body) => [before(headed.length + body.length), headed, body]));
}

/** The messages of a batch; throws on more than {@link MAX_BATCH_MESSAGES} before decoding them, and on malformed ones. */
export function decodeBatch(bytes: Uint8Array): Received[] {
  // A Buffer would give Buffers, whose slice() shares memory where a Uint8Array's copies.
  const reader = new BinaryReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  const parts: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    if (readable(() => reader.uint32()) !== MESSAGE_TAG) throw new Error('batch has a field that is no message');
    if (parts.length === MAX_BATCH_MESSAGES) throw new Error(`batch has more than ${MAX_BATCH_MESSAGES} messages`);
    parts.push(readable(() => reader.bytes()));
  }
  if (parts.length === 0) throw new Error('batch is empty');
  return parts.map(decodeMessage);
}

function decodeMessage(bytes: Uint8Array): Received {
  const { head, body } = readable(() => PeerMessage.decode(bytes));
  if (head === undefined) throw new Error('message has no head');
  if (head.sequence > MAX_SEQUENCE)
    throw new Error(`message has a head numbered ${head.sequence}, want at most ${MAX_SEQUENCE}`);
  if (head.hash.length > 32) throw new Error(`message has a head of ${head.hash.length} bytes, want 32`);
  if (body === undefined) throw new Error('message has no body that this version knows');
  return { head, body };
}

/** What `run` reads; the library's RangeErrors and TypeErrors on damaged bytes would look like mistakes of ours in a log. */
function readable<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new Error(`batch is no protobuf: ${messageOf(error)}`);
  }
}
