import { Refused } from '../../common/errors.ts';

/** Reads Solana's wire types; every read is bounded by the input and refuses on less, naming what is missing. */
export class BytesReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number, title: string): Uint8Array {
    if (length > this.left) throw new Refused('Malformed', `${title}: want ${length} bytes, ${this.left} are left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  u8(title: string): number {
    return this.take(1, title)[0] ?? 0;
  }

  u16(title: string): number {
    return Buffer.from(this.take(2, title)).readUInt16LE();
  }

  u32(title: string): number {
    return Buffer.from(this.take(4, title)).readUInt32LE();
  }

  u64(title: string): bigint {
    return Buffer.from(this.take(8, title)).readBigUInt64LE();
  }

  /** Compact-u16: seven bits a byte, low ones first, in its one shortest form. */
  length(title: string): number {
    let value = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = this.u8(title);
      value |= (byte & 0x7f) << shift;
      if (byte >= 0x80) continue;
      if ((byte === 0 && shift > 0) || value > 0xffff) break;
      return value;
    }
    throw new Refused('Malformed', `${title}: want a length of 16 bits in its shortest form`);
  }

  /** What is left, to the end. */
  rest(): Uint8Array {
    return this.take(this.left, 'rest');
  }

  end(title: string): void {
    if (this.left > 0) throw new Refused('Malformed', `${title}: ${this.left} bytes too many`);
  }
}
