import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkVersion } from './version.ts';

const manifest = readFileSync(new URL('../../signer/native/Cargo.toml', import.meta.url), 'utf8');

test('what nobody can change is a note, with the version of the library that is meant', () => {
  const [recovery, audit, ...others] = checkVersion({ javaScriptFrost: false });
  expect(recovery?.what).toContain('test funds only');
  const pinned = /^dkls23-core = "=(.*)"$/m.exec(manifest)?.[1];
  expect(audit?.what).toBe(`the ECDSA library, dkls23-core ${pinned}, has had no independent audit`);
  expect(others).toEqual([]);
});

test('FROST in JavaScript is told of where it is what signs', () => {
  expect(checkVersion({ javaScriptFrost: true }).map(({ id, level }) => `${id} ${level}`)).toEqual([
    'recovery note',
    'ecdsa-audit note',
    'frost-javascript note',
  ]);
});
