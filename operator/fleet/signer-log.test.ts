import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lastWords } from './signer-log.ts';
import { fleetFolder } from './testing/fleet-folder.ts';

const entry = (level: string, message: string, fields = {}): string =>
  `${JSON.stringify({ time: '2026-12-01T00:00:00.000Z', level, message, ...fields })}\n`;
const wordsOf = (text: string | Uint8Array, start = 0): Promise<string> => {
  const file = join(fleetFolder().folder, 'signer.log');
  writeFileSync(file, text);
  return lastWords(file, start);
};

describe('what a signer said last', () => {
  it.each([
    ['the error it ended with', entry('error', 'first') + entry('info', 'on') + entry('error', 'second'), 'second'],
    ['nothing of an entry that is no error', entry('error', 'long ago') + entry('info', 'peer up'), ''],
    [
      'an error with its cause',
      entry('error', 'cannot open', { error: 'no space left' }),
      'cannot open: no space left',
    ],
    [
      'an exception',
      "file:///signer/main.ts:7\n  throw new TypeError('x');\n  ^\n\nTypeError: x is no function\n    at run (main.ts:7)\n\nNode.js v24.21.0\n",
      'x is no function',
    ],
    ['an exception with a code', 'Error [ERR_INVALID_ARG]: bad flag\n    at a\n', 'bad flag'],
    [
      'memory that ran out',
      'FATAL ERROR: Reached heap limit\n----- Native stack trace -----\n 1: 0xb8\n',
      'Reached heap limit',
    ],
    ['a line for a person', 'error: the folder is in use\nhint: end the other\n', 'the folder is in use'],
    [
      'its last line where none is an error',
      `${entry('info', 'ready')}sh: 1: exec: node: not found\n\n`,
      'sh: 1: exec: node: not found',
    ],
    ['nothing of an empty log', '', ''],
    ['nothing of blank lines', '\n \n\t\n', ''],
    ['one line without control characters', 'error: red \u001B[31mink\u0007 \u202Eand\tmore\n', 'red [31mink and more'],
    ['the beginning of a long one', `error: ${'x'.repeat(1_000)}\n`, `${'x'.repeat(300)}...`],
    ['entries that are no entries', '{"level":"error"}\n{"level":"error","message":7}\n{[\nnull\n', 'null'],
  ])('is %s', async (_, text, expected) => {
    expect(await wordsOf(text)).toBe(expected);
  });

  it('is nothing that an earlier process said', async () => {
    const before = entry('error', 'earlier');
    expect(await wordsOf(before, before.length)).toBe('');
    expect(await wordsOf(before + entry('error', 'now'), before.length)).toBe('now');
    // Truncated since.
    expect(await wordsOf(entry('error', 'after'), 1 << 20)).toBe('after');
  });

  it('is found at the end of a large log, whatever is in it', async () => {
    const noise = randomBytes(1 << 20);
    expect(await wordsOf(Buffer.concat([noise, Buffer.from(`\n${entry('error', 'the end')}`)]))).toBe('the end');
    expect((await wordsOf(noise)).length).toBeLessThanOrEqual(303);
  });
});
