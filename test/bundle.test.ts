import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

type Metafile = {
  readonly outputs: Readonly<
    Record<
      string,
      { readonly bytes: number; readonly entryPoint?: string; readonly inputs: Readonly<Record<string, unknown>> }
    >
  >;
};
type Allowed = { readonly mostKilobytes: number; readonly packages: Readonly<Record<string, string>> };

const root = join(import.meta.dirname, '..');
const read = (file: string): unknown => JSON.parse(readFileSync(join(root, file), 'utf8'));
const { outputs } = read('dist/meta.json') as Metafile;
const allowed = read('signer/packages.json') as Allowed;

const signerBundles = ['signer.js', 'frost-worker.js', 'database-worker.js'];
const output = (bundle: string) => outputs[`dist/${bundle}`] ?? { bytes: 0, inputs: {} };
const inputs = (bundle: string): readonly string[] => Object.keys(output(bundle).inputs);

/** The package that a bundled file is of, or undefined where it is ours. */
const packageOf = (file: string): string | undefined =>
  /^node_modules\/(?:.*\/node_modules\/)?((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];

describe("a signer's bundles", () => {
  it('hold the packages that are allowed and no others, and each allowed one is needed', () => {
    const held = new Set(signerBundles.flatMap(inputs).flatMap((file) => packageOf(file) ?? []));
    expect([...held].sort()).toEqual(Object.keys(allowed.packages).sort());
  });

  it('are no larger than agreed', () => {
    const kilobytes = signerBundles.reduce((sum, bundle) => sum + output(bundle).bytes, 0) / 1000;
    expect(kilobytes).toBeGreaterThan(100);
    expect(kilobytes).toBeLessThan(allowed.mostKilobytes);
  });

  it('hold nothing of the operator, the command and the tests', () => {
    const ours = signerBundles.flatMap(inputs).filter((file) => packageOf(file) === undefined);
    expect(ours).toContain('signer/main.ts');
    expect(ours.filter((file) => !/^(common|policy|proto|signer|statement)\/|^package\.json$/.test(file))).toEqual([]);
    expect(ours.filter((file) => /\/testing\/|\.test\.ts$/.test(file))).toEqual([]);
  });

  it('have the WebAssembly of their verifier beside them, as its package has it', () => {
    const module = 'node_modules/tiny-secp256k1/lib/secp256k1.wasm';
    expect(readFileSync(join(root, 'dist/secp256k1.wasm')).equals(readFileSync(join(root, module)))).toBe(true);
  });

  it('make no code at run time', () => {
    for (const bundle of signerBundles)
      expect(readFileSync(join(root, 'dist', bundle), 'utf8')).not.toMatch(/\bnew Function\(|[=(]\s*eval\(/);
  });
});

describe("the operator's bundle", () => {
  it('holds its program, and nothing of the signer, the command and the tests', () => {
    const ours = inputs('operator.js').filter((file) => packageOf(file) === undefined);
    expect(ours).toContain('operator/main.ts');
    expect(ours.filter((file) => /^(signer|hsm|cli)\/|\/testing\/|\.test\.ts$/.test(file))).toEqual([]);
  });

  it('starts, and says what it wants', () => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'dist/operator.js')], { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toContain('--identity is missing');
  });
});

describe("the command's bundle", () => {
  it('holds nothing of the signer', () => {
    expect(inputs('holdfast.js')).toContain('cli/main.ts');
    expect(inputs('holdfast.js').filter((file) => file.startsWith('signer/'))).toEqual([]);
  });

  it('has the definitions of all kinds beside it', () => {
    expect(readdirSync(join(root, 'dist/crds')).sort()).toEqual(readdirSync(join(root, 'crds')).sort());
  });

  it('knows its version', () => {
    const said = execFileSync(process.execPath, [join(root, 'dist/holdfast.js'), '--version'], { encoding: 'utf8' });
    expect(said).toContain((read('package.json') as { readonly version: string }).version);
  });
});
