import { writeFileSync } from 'node:fs';
import type { Decoder } from './decoder.ts';

export type Message<T> = { encode(message: T): { finish(): Uint8Array }; decode(bytes: Uint8Array): T };

/** A message with defaults for what `value` leaves out. */
export const filled = <T>(type: Message<T>, value: Partial<T>): T => ({ ...type.decode(new Uint8Array()), ...value });

/** grpc-js turns what a message's own decoder throws into an answer; these are protobuf's words for damaged bytes. */
export const damagedProtobuf = (error: unknown): boolean =>
  (error instanceof RangeError &&
    ['premature EOF', 'Offset is outside the bounds of the DataView'].includes(error.message)) ||
  (error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA');

export function protobuf<T>(
  name: string,
  type: Message<T>,
  value: Partial<T>,
  use: (message: T) => void = () => {},
): Decoder {
  return {
    name: `protobuf ${name}`,
    seeds: [type.encode(filled(type, value)).finish()],
    decode(bytes) {
      use(type.decode(bytes));
      return undefined;
    },
    refuses: damagedProtobuf,
    mostBytes: 128 * 1024,
  };
}

/** Reads a file that holds the input. */
export const file =
  (path: string, read: (file: string) => unknown) =>
  async (bytes: Uint8Array): Promise<undefined> => {
    writeFileSync(path, bytes, { mode: 0o600 });
    await read(path);
    return undefined;
  };
