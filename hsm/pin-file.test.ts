import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readPin } from './pin-file.ts';

function written(content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-pin-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'pin');
  writeFileSync(file, content, { mode: 0o600 });
  return file;
}

it.each([
  ['text', '271828', '271828'],
  ['text with the end of its line', '271828\n', '271828'],
  ['32 digits', '1'.repeat(32), '1'.repeat(32)],
  ['32 bytes that are no text', Buffer.alloc(32, 0xa5), Buffer.alloc(32, 0xa5).toString('base64')],
])('reads %s', (_, content, value) => {
  expect(readPin(written(content)).value).toBe(value);
});

it.each([
  ['nothing', ''],
  ['too much', '1'.repeat(257)],
])('refuses %s', (_, content) => {
  expect(() => readPin(written(content))).toThrow('want a PIN of at most 256 bytes');
});

it('refuses a file that is open to others, and tells one that was written anew from the one before', () => {
  const file = written('271828');
  const before = readPin(file).version;
  expect(readPin(file).version).toBe(before);
  writeFileSync(`${file}.new`, '271828', { mode: 0o600 });
  renameSync(`${file}.new`, file);
  expect(readPin(file).version).not.toBe(before);
  chmodSync(file, 0o644);
  expect(() => readPin(file)).toThrow(`chmod 600 ${file}`);
});
