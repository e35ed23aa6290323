import { concat, fromUtf8 } from '../common/bytes.ts';

/** Reads RFC 4251 5 data types; every read is bounded by the input and throws on less, naming what is missing. */
export class SshReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  take(length: number, title: string): Uint8Array {
    const left = this.#bytes.length - this.#at;
    if (length > left) throw new Error(`${title}: want ${length} bytes, ${left} are left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  uint32(title: string): number {
    const bytes = this.take(4, title);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
  }

  string(title: string): Uint8Array {
    return this.take(this.uint32(title), title);
  }

  text(title: string): string {
    const bytes = this.string(title);
    try {
      return fromUtf8(bytes);
    } catch {
      throw new Error(`${title}: not a string of UTF-8 text`);
    }
  }

  /** A positive integer in its shortest form, left-padded to `length` bytes. */
  scalar(length: number, title: string): Uint8Array {
    const bytes = this.string(title);
    const [first = 0x80, second = 0x80] = bytes;
    // RFC 4251 5: two's complement, no leading zero byte unless the next bit is set.
    if (first >= 0x80 || (first === 0 && second < 0x80))
      throw new Error(`${title}: want a positive integer in its shortest form`);
    const digits = first === 0 ? bytes.subarray(1) : bytes;
    if (digits.length > length) throw new Error(`${title}: want at most ${length} bytes, got ${digits.length}`);
    return concat(new Uint8Array(length - digits.length), digits);
  }

  /** What is left, to the end. */
  rest(): Uint8Array {
    const from = this.#at;
    this.#at = this.#bytes.length;
    return this.#bytes.subarray(from);
  }

  end(title: string): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new Error(`${title}: ${left} bytes too many`);
  }
}

export function sshUint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export const sshString = (value: Uint8Array | string): Uint8Array => {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return concat(sshUint32(bytes.length), bytes);
};

/** A positive big-endian integer in its shortest form. */
export function sshScalar(value: Uint8Array): Uint8Array {
  const from = value.findIndex((byte) => byte !== 0);
  const digits = value.subarray(from === -1 ? value.length : from);
  return sshString((digits[0] ?? 0) >= 0x80 ? concat(Uint8Array.of(0), digits) : digits);
}

/** Bytes of base64 in its one canonical form (padded, no white space); Node's own decoder skips what it does not know. */
export function fromBase64(text: string, title: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (text === '' || bytes.toString('base64') !== text) throw new Error(`${title}: not base64`);
  return Uint8Array.from(bytes);
}
