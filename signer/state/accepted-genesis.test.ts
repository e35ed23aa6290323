import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digest, utf8 } from '../../common/bytes.ts';
import { acceptedIn } from './accepted-genesis.ts';

const genesis = utf8('{"type":"holdfast/genesis/v1"}');

function file(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-accept-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'genesis.json');
}

test('a genesis is accepted once its file has exactly it, written while the signer runs', () => {
  const path = file();
  const accepts = acceptedIn(path);
  const refused = (why: string): void =>
    expect(() => accepts(genesis)).toThrow(
      expect.objectContaining({ reason: 'GenesisNotAccepted', message: expect.stringContaining(why) as string }),
    );
  refused(`the owner has not accepted genesis ${digest(genesis)}: ENOENT`);
  const other = utf8('{"type":"holdfast/genesis/v1","threshold":"1"}');
  writeFileSync(path, other);
  refused(`${path} has ${digest(other)}`);
  writeFileSync(path, genesis);
  accepts(genesis);
  writeFileSync(path, `${Buffer.from(genesis).toString()}\n`);
  accepts(genesis);
  writeFileSync(path, `${Buffer.from(genesis).toString()}\n\n`);
  refused(path);
});
