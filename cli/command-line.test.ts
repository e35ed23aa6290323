import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { commandLine } from './command-line.ts';

test('a command names the program as it was started', () => {
  expect(commandLine({ env: {} }, 'up', 'wallets')).toBe('holdfast up wallets');
  expect(commandLine({ env: { HOLDFAST_COMMAND: 'bin/holdfast' } }, 'up', '/a/b')).toBe('bin/holdfast up /a/b');
});

test.each(['a folder', "it's", '$HOME', '~', '', 'a;b', '"', 'a\nb'])('a shell reads %j as one word', (word) => {
  const command = commandLine({ env: { HOLDFAST_COMMAND: 'printf' } }, '%s', word);
  expect(execFileSync('sh', ['-c', command], { encoding: 'utf8' })).toBe(word);
});
