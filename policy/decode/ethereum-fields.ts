import { hex } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';

/** The fields of a transaction by name, each of the kind that is asked for; refuses any other and another number of them. */
export class EthereumFields {
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(items: readonly unknown[], names: readonly string[]) {
    if (items.length !== names.length)
      throw new Refused(
        'Malformed',
        `transaction: want the ${names.length} fields of an unsigned one, ${names.join(', ')}; got ${items.length}`,
      );
    this.#fields = new Map(names.map((name, i) => [name, items[i]]));
  }

  bytes(name: string): Uint8Array {
    const field = this.#fields.get(name);
    if (field instanceof Uint8Array) return field;
    throw new Refused('Malformed', `transaction: ${name}: want bytes, got a list`);
  }

  list(name: string): readonly unknown[] {
    const field = this.#fields.get(name);
    if (Array.isArray(field)) return field;
    throw new Refused('Malformed', `transaction: ${name}: want a list, got bytes`);
  }

  /** A number in its shortest form, big-endian: zero is no bytes at all. */
  integer(name: string, mostBytes = 32): bigint {
    const bytes = this.bytes(name);
    if (bytes.length > mostBytes)
      throw new Refused(
        'Malformed',
        `transaction: ${name}: want a number of at most ${mostBytes} bytes, got ${bytes.length}`,
      );
    if (bytes[0] === 0) throw new Refused('Malformed', `transaction: ${name}: want a number without zeros before it`);
    return bytes.length === 0 ? 0n : BigInt(`0x${hex(bytes)}`);
  }
}
