import { mkdirSync, mkdtempSync, readFileSync, renameSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logFile } from './log-file.ts';

test('what cannot be written is lost, and nothing after it', () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'holdfast-log-')), 'state');
  mkdirSync(folder);
  const file = join(folder, 'operator.log');
  const write = logFile(file);
  write('one\n');
  renameSync(folder, `${folder}-away`);
  write('two\n');
  renameSync(`${folder}-away`, folder);
  write('three\n');
  write('four\n');
  expect(readFileSync(file, 'utf8')).toBe('one\n\nthree\nfour\n');
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a large log makes room for a new one', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'holdfast-log-')), 'operator.log');
  logFile(file)('old\n');
  truncateSync(file, 11 * 1024 * 1024);
  logFile(file)('new\n');
  expect(readFileSync(file, 'utf8')).toBe('new\n');
  expect(statSync(`${file}.1`).size).toBe(11 * 1024 * 1024);
});
