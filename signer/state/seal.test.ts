import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { keyFileSeal } from './key-file-seal.ts';
import { openSealed, sealBytes, type Seal } from './seal.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';

const share = ['sha256:00', 'client', 'solana', '1', '0'];

function keyFile(content: Uint8Array | string, mode = 0o600): string {
  const file = join(temporaryFolder(), 'kek');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

const newSeal = (): Seal => keyFileSeal(keyFile(randomBytes(32)));

describe('sealed bytes', () => {
  it('open with the same seal and words, and are different each time', async () => {
    const seal = newSeal();
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.string({ unit: 'grapheme' })),
        async (plaintext, words) => {
          const once = await sealBytes(seal, plaintext, words);
          expect(await openSealed(seal, once, words)).toEqual(plaintext);
          expect(await sealBytes(seal, plaintext, words)).not.toEqual(once);
        },
      ),
    );
  });

  it('do not open with any bit changed, any byte missing or any byte more', async () => {
    const seal = newSeal();
    const sealed = await sealBytes(seal, utf8('secret'), share);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      await expect(openSealed(seal, changed, share), `bit ${bit}`).rejects.toThrow();
    }
    for (let length = 0; length < sealed.length; length++)
      await expect(openSealed(seal, sealed.subarray(0, length), share), `${length} bytes`).rejects.toThrow();
    await expect(openSealed(seal, Uint8Array.of(...sealed, 0), share)).rejects.toThrow();
  });

  it('do not open under other words, however they are cut', async () => {
    const seal = newSeal();
    const sealed = await sealBytes(seal, utf8('secret'), share);
    for (const words of [
      [],
      share.slice(1),
      [...share, ''],
      [share.join('')],
      ['sha256:00c', 'lient', 'solana', '1', '0'],
      share.with(3, '2'),
    ])
      await expect(openSealed(seal, sealed, words), words.join('|')).rejects.toThrow('does not open it');
  });

  it('do not take a data key that was wrapped for other words', async () => {
    const seal = newSeal();
    const mine = await sealBytes(seal, utf8('secret'), share);
    const other = await sealBytes(seal, utf8('secret'), share.with(3, '2'));
    const wrapped = ((mine[1] as number) << 8) + (mine[2] as number);
    const mixed = Uint8Array.of(...other.subarray(0, 3 + wrapped), ...mine.subarray(3 + wrapped));
    await expect(openSealed(seal, mixed, share)).rejects.toThrow('does not open it');
    await expect(openSealed(seal, mixed, share.with(3, '2'))).rejects.toThrow('sealed data was changed');
  });

  it('do not open with the key of another file, which the message names', async () => {
    const sealed = await sealBytes(newSeal(), utf8('secret'), share);
    const file = keyFile(randomBytes(32));
    await expect(openSealed(keyFileSeal(file), sealed, share)).rejects.toThrow(`the key in ${file} does not open it`);
  });

  it('leave no data key in memory, whatever happens', async () => {
    const seen: Uint8Array[] = [];
    const seal: Seal = {
      description: 'test seal',
      wrap: async (dataKey) => {
        seen.push(dataKey);
        return Uint8Array.from(dataKey, (b) => b ^ 0xff);
      },
      unwrap: async (wrapped) => {
        const dataKey = Uint8Array.from(wrapped, (b) => b ^ 0xff);
        seen.push(dataKey);
        return dataKey;
      },
    };
    const sealed = await sealBytes(seal, utf8('secret'), share);
    await openSealed(seal, sealed, share);
    await expect(openSealed(seal, sealed, [])).rejects.toThrow('sealed data was changed');
    await expect(openSealed(seal, sealed.fill(0, 40), share)).rejects.toThrow('sealed data was changed');
    expect(seen).toHaveLength(4);
    for (const dataKey of seen) expect(dataKey).toEqual(new Uint8Array(32));
  });

  it('of a later version are refused by name', async () => {
    const seal = newSeal();
    const sealed = await sealBytes(seal, utf8('secret'), share);
    sealed[0] = 2;
    await expect(openSealed(seal, sealed, share)).rejects.toThrow('sealed data is of version 2, want 1');
    await expect(openSealed(seal, new Uint8Array(), share)).rejects.toThrow('sealed data is of version none, want 1');
  });
});

describe('a key file', () => {
  it('holds 32 bytes, raw or in base64 with or without a line end', async () => {
    const key = randomBytes(32);
    const sealed = await sealBytes(keyFileSeal(keyFile(key)), utf8('secret'), share);
    for (const text of [key.toString('base64'), `${key.toString('base64')}\n`, `${key.toString('base64')}\r\n`])
      expect(await openSealed(keyFileSeal(keyFile(text)), sealed, share)).toEqual(utf8('secret'));
  });

  it('of any other content is refused without showing it', () => {
    const key = randomBytes(32);
    for (const content of [
      '',
      'secret',
      key.toString('hex'),
      'correct horse battery staple 123',
      randomBytes(31),
      randomBytes(33),
      `${key.toString('base64')}\n\n`,
      randomBytes(24).toString('base64'),
      randomBytes(4096),
    ]) {
      const file = keyFile(content);
      expect(() => keyFileSeal(file)).toThrow(`seal key file ${file}: want 32 random bytes, raw or in base64`);
      expect(() => keyFileSeal(file)).not.toThrow(/secret/);
    }
  });

  it('may be readable by its group, as a mounted Secret is, but by nobody else and written by nobody else', () => {
    for (const mode of [0o400, 0o440, 0o600, 0o640]) keyFileSeal(keyFile(randomBytes(32), mode));
    for (const mode of [0o644, 0o604, 0o660, 0o602, 0o777]) {
      const file = keyFile(randomBytes(32), mode);
      expect(() => keyFileSeal(file), mode.toString(8)).toThrow(
        `its mode ${mode.toString(8)} lets others read or change it`,
      );
    }
  });

  it('that is missing or no file is refused when the seal is made, and again when it went away since', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'kek'));
    expect(() => keyFileSeal(join(folder, 'kek'))).toThrow('want a file, got a folder or device');
    expect(() => keyFileSeal(join(folder, 'none'))).toThrow(`seal key file ${join(folder, 'none')}: ENOENT`);
    const file = keyFile(randomBytes(32));
    const seal = keyFileSeal(file);
    writeFileSync(file, 'x');
    await expect(sealBytes(seal, utf8('secret'), share)).rejects.toThrow(`seal key file ${file}: want 32 random bytes`);
  });
});
