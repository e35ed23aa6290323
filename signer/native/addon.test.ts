import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addonFile } from '../../common/addon-file.ts';
import { version } from '../../common/version.ts';
import { describeAddon } from '../../test/addon.ts';
import { createSchemes } from '../scheme/create-schemes.ts';
import { loadAddon } from './addon.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'holdfast-addon-'));
afterAll(() => rmSync(folder, { recursive: true }));

const never = (): never => expect.unreachable();
const file = (name: string, contents: string): string => {
  const path = join(folder, name);
  writeFileSync(path, contents);
  return path;
};

beforeEach(() => void vi.stubEnv('HOLDFAST_NATIVE', ''));
afterEach(() => void vi.unstubAllEnvs());

describeAddon('the addon', (addon) => {
  it('is of this version, and lies where it is looked for', () => {
    expect(addon.version()).toBe(version);
    expect(addonFile()).toBe(join(root, 'dist/holdfast.node'));
  });

  it('is what signs where it is there', async () => {
    const why: string[] = [];
    const schemes = createSchemes(never, (said) => why.push(said), { addon });
    expect([schemes.engine, schemes.get('EdDSA').engine, schemes.get('Schnorr').engine]).toEqual(
      Array(3).fill('frost'),
    );
    expect(why).toEqual([]);
    await schemes.close();
  });

  it('is gone without when that is wanted', () => {
    vi.stubEnv('HOLDFAST_NATIVE', 'off');
    expect(addonFile()).toBeUndefined();
    expect(loadAddon()).toEqual({ addon: undefined, why: 'HOLDFAST_NATIVE=off' });
  });
});

describe('where there is no addon', () => {
  it('says in one line what is wrong with the file', () => {
    const nowhere = join(folder, 'nowhere.node');
    expect(loadAddon(nowhere)).toEqual({ addon: undefined, why: expect.stringContaining(nowhere) });
    expect(loadAddon(nowhere)).toHaveProperty('why', expect.not.stringContaining('\n'));
    expect(loadAddon(file('text.node', 'no library'))).toHaveProperty('why', expect.stringContaining('text.node: '));
  });

  it('takes none of another version', () => {
    const other = file('other.cjs', "exports.version = () => '9.9.9';");
    expect(loadAddon(other)).toEqual({
      addon: undefined,
      why: `${other}: want version ${version}, got 9.9.9`,
    });
    expect(loadAddon(file('ours.cjs', `exports.version = () => '${version}';`))).toHaveProperty('addon.version');
  });

  it('is beside a bundle, or nowhere', () => {
    expect(addonFile(`file://${folder}/signer.js`)).toBeUndefined();
    const beside = file('holdfast.node', '');
    expect(addonFile(`file://${folder}/signer.js`)).toBe(beside);
  });

  it('signs in JavaScript, and says why', async () => {
    const why: string[] = [];
    const schemes = createSchemes(never, (said) => why.push(said), { addon: undefined, why: 'a reason' });
    expect([schemes.engine, schemes.get('EdDSA').engine]).toEqual(['noble', 'noble']);
    expect(why).toEqual(['a reason']);
    await schemes.close();
  });
});

it('has one version, and one oldest Rust, wherever they are written', () => {
  const manifest = readFileSync(join(root, 'signer/native/Cargo.toml'), 'utf8');
  const said = (name: string): string | undefined => new RegExp(`^${name} = "(.*)"$`, 'm').exec(manifest)?.[1];
  expect(said('version')).toBe(version);
  expect(readFileSync(join(root, 'scripts/native.sh'), 'utf8')).toContain(`\nwanted=${said('rust-version')}\n`);
  expect(readFileSync(join(root, 'scripts/setup.sh'), 'utf8')).toContain(`cargo ${said('rust-version')} or later`);
});
