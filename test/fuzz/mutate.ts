import { concat, utf8 } from '../../common/bytes.ts';
import type { Random } from './random.ts';

/** What parsers trip over, in text and in bytes. */
const words: readonly Uint8Array[] = [
  ...[
    '"',
    '\\',
    '\\ud800',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\n',
    '\r\n',
    '\t',
    ' ',
    '\0',
    '\u2028',
    '\ufeff',
    '0',
    '-',
    '.',
  ],
  ...[
    'null',
    '__proto__',
    'constructor',
    '1e999',
    'NaN',
    '18446744073709551616',
    '0x',
    '/',
    '&a ',
    '*a ',
    '<<: ',
    '!!set ',
  ],
  ...['\n---\n', '- ', '? ', '| ', '[[[[[[[[', '{"":', '%', '='],
]
  .map(utf8)
  .concat(
    [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0x80, 0x80, 0x80, 0x80, 0x80, 1], [0x0b], [0x0c]].map((b) =>
      Uint8Array.from(b),
    ),
  );

/** Lengths and counts at which arithmetic turns over. */
const numbers = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
];

const cut = (bytes: Uint8Array, from: number, to: number, ...between: readonly Uint8Array[]): Uint8Array =>
  concat(bytes.subarray(0, from), ...between, bytes.subarray(to));

type Change = (bytes: Uint8Array, random: Random, seeds: readonly Uint8Array[], most: number) => Uint8Array;

const at = (bytes: Uint8Array, random: Random): number => random.below(bytes.length + 1);

/** Two places in `bytes`, in order, mostly near each other. */
function range(bytes: Uint8Array, random: Random): readonly [number, number] {
  const from = at(bytes, random);
  const span = random.below(4) === 0 ? bytes.length : 16;
  return [from, Math.min(bytes.length, from + random.below(span + 1))];
}

/** `value` in `size` bytes. */
function numberBytes(value: bigint, size: number, little: boolean): Uint8Array {
  const bytes = Uint8Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  return little ? bytes : bytes.toReversed();
}

const changes: Readonly<Record<string, Change>> = {
  flip(bytes, random) {
    const changed = Uint8Array.from(bytes);
    if (changed.length > 0) changed[random.below(changed.length)]! ^= 1 << random.below(8);
    return changed;
  },
  set(bytes, random) {
    const changed = Uint8Array.from(bytes);
    if (changed.length > 0)
      changed[random.below(changed.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    return changed;
  },
  insert(bytes, random) {
    const from = at(bytes, random);
    return cut(bytes, from, from, random.below(2) === 0 ? random.pick(words) : random.bytes(1 + random.below(8)));
  },
  replace: (bytes, random) => cut(bytes, ...range(bytes, random), random.pick(words)),
  delete: (bytes, random) => cut(bytes, ...range(bytes, random)),
  truncate: (bytes, random) => bytes.subarray(0, at(bytes, random)),
  splice(bytes, random, seeds) {
    const other = random.pick(seeds);
    return cut(bytes, ...range(bytes, random), other.subarray(...range(other, random)));
  },
  length(bytes, random) {
    const size = random.pick([1, 2, 4, 8]);
    const from = random.below(Math.max(1, bytes.length - size + 1));
    return cut(
      bytes,
      from,
      Math.min(bytes.length, from + size),
      numberBytes(random.pick(numbers), size, random.below(2) === 0),
    );
  },
  /** Depth, number and length without end; seldom, since it is slow to make and to read. */
  repeat(bytes, random, _seeds, most) {
    const [from, to] = range(bytes, random);
    const part = random.below(2) === 0 ? random.pick(words) : bytes.subarray(from, to);
    const room = Math.max(0, most - bytes.length);
    const fits = part.length === 0 ? 0 : Math.floor(room / part.length);
    const times = random.below(8) === 0 ? fits : Math.min(fits, random.below(64));
    const repeated = new Uint8Array(part.length * times);
    for (let i = 0; i < times; i++) repeated.set(part, i * part.length);
    return cut(bytes, from, from, repeated);
  },
};

const kinds = Object.values(changes);

/** One of `seeds` with one to four changes, of at most `most` bytes. The same `random` makes the same one. */
export function mutate(seeds: readonly Uint8Array[], random: Random, most: number): Uint8Array {
  let bytes = random.pick(seeds);
  for (let left = 1 + random.below(4); left > 0; left--) bytes = random.pick(kinds)(bytes, random, seeds, most);
  return Uint8Array.from(bytes.subarray(0, most));
}
