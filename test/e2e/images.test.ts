import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { nodeBinary, runAs } from '../../operator/fleet/kubernetes/pod-layout.ts';
import { run } from './kubectl.ts';

/* The images as a daemon has built and runs them; test/chart/image-contents.test.ts looks at the files that go into them. */

const docker = async (...args: readonly string[]): Promise<string> => run('docker', args);

type Image = {
  readonly Size: number;
  readonly Config: { readonly User: string; readonly Entrypoint: readonly string[]; readonly Cmd: null };
};

describe.each(['operator', 'signer', 'hsm'])('the image of %s', (name) => {
  const image = `holdfast.local/${name}:e2e`;
  let inspected: Image;

  beforeAll(async () => {
    [inspected] = JSON.parse(await docker('image', 'inspect', image)) as [Image];
  });

  test('is small, runs Node as a user without rights, and nothing before it', () => {
    console.error(`${name}: ${(inspected.Size / 1e6).toFixed(1)} MB`);
    expect(inspected.Size).toBeLessThan(200e6);
    expect(inspected.Config).toMatchObject({ User: `${runAs}:${runAs}`, Cmd: null });
    expect(inspected.Config.Entrypoint[0]).toBe(nodeBinary);
  });

  test('has no shell to run, and no other program', async () => {
    for (const shell of ['/bin/sh', 'sh', 'bash'])
      await expect(docker('run', '--rm', '--network=none', '--entrypoint', shell, image, '-c', 'exit'), shell)
        // What the daemon says where there is no such program.
        .rejects.toThrow(/no such file or directory|executable file not found/);
    const container = (await docker('create', image)).trim();
    try {
      const archive = execFileSync('docker', ['export', container], { maxBuffer: 1e9 });
      const files = execFileSync('tar', ['-tv'], { input: archive, encoding: 'utf8', maxBuffer: 1e8 }).split('\n');
      // Executable files but libraries, and but the empty ones that the daemon mounts others onto.
      const programs = files.filter((line) => /^-\S*x\S* +\S+ +[1-9]/.test(line) && !/\.so(\.\d+)*$/.test(line));
      expect(programs.map((line) => `/${line.split(' ').at(-1)}`)).toEqual([nodeBinary]);
    } finally {
      await docker('rm', container);
    }
  });

  test('says in itself what it is made of, and under which licences', async () => {
    const script = `
      const { readFileSync, readdirSync } = require('node:fs');
      const { components } = JSON.parse(readFileSync('/app/sbom.cdx.json'));
      for (const { name, version, purl } of components)
        readdirSync('/app/licenses/' + (purl.startsWith('pkg:cargo/') ? 'crates/' + name + '@' + version : name));
      console.log(process.getuid(), components.length, components[0].name, components[0].version === process.versions.node);`;
    const said = await docker(
      'run',
      '--rm',
      '--network=none',
      '--read-only',
      '--entrypoint',
      nodeBinary,
      image,
      '-e',
      script,
    );
    expect(said.trim()).toMatch(/^65532 \d+ node true$/);
  });
});
