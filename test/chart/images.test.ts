import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { signerNodeFlags } from '../../common/signer-node-flags.ts';
import { installSoftHsm, PIN, softHsmModule } from '../../hsm/testing/soft-token.ts';
import { files, mounts, nodeBinary, programs, runAs } from '../../operator/fleet/kubernetes/pod-layout.ts';
import { signerPod } from '../../operator/fleet/kubernetes/signer-pod.ts';
import { facts, pkcs11 } from '../../operator/fleet/kubernetes/testing/facts.ts';

/*
 * Images are not built here, and need not be to start what is in them: the files as they are laid out, the entrypoint of
 * the Dockerfile and the arguments of the pod, with the folders of a pod in a temporary one.
 */

const root = join(import.meta.dirname, '../..');
const staged = join(root, 'dist/images');
const dockerfile = readFileSync(join(root, 'images/Dockerfile'), 'utf8');

const entrypoint = (target: string): readonly string[] => {
  const stage = dockerfile.split(/^FROM /m).find((text) => new RegExp(`^base AS ${target}\\n`).test(text));
  return JSON.parse(/^ENTRYPOINT (.*)$/m.exec(stage ?? '')?.[1] ?? 'null') as readonly string[];
};

beforeAll(installSoftHsm, 120_000);

describe('an image', () => {
  it('runs its program as the user of the pods, with the flags of a signer', () => {
    expect(dockerfile).toContain(`\nUSER ${runAs}:${runAs}\n`);
    for (const [target, program] of [
      ['operator', 'operator.js'],
      ['signer', 'signer.js'],
      ['hsm', 'hsm.js'],
    ] as const) {
      expect(entrypoint(target)[0]).toBe(nodeBinary);
      expect(entrypoint(target).at(-1)).toBe(`${programs}/${program}`);
      expect(entrypoint(target)).toContain('--disable-sigusr1');
    }
    expect(entrypoint('signer')).toEqual(expect.arrayContaining([...signerNodeFlags]));
  });
});

/** A pod's folders under one of this test's own, and its containers as processes. */
class Pod {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-pod-'));
  readonly #running: ChildProcess[] = [];
  output = '';

  constructor() {
    onTestFinished(() => {
      for (const child of this.#running) child.kill('SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
    });
    for (const mount of Object.values(mounts)) mkdirSync(this.path(mount), { recursive: true });
  }

  path(inside: string): string {
    return join(this.folder, relative('/', inside));
  }

  /** Flags and paths of a container as they are on this machine. */
  #here(image: string, words: readonly string[]): readonly string[] {
    const own = [programs, nodeBinary];
    const paths = [...own, ...Object.values(mounts).filter((mount) => mount !== mounts.state), mounts.state];
    return words.map((word) => {
      const found = paths.find((path) => new RegExp(`(^|=)${path}(/|$)`).test(word));
      if (found === undefined) return word;
      const base = own.includes(found) ? join(staged, image) : this.folder;
      return word.replace(found, join(base, relative('/', found)));
    });
  }

  start(image: string, command: readonly string[], args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const [program = '', ...rest] = this.#here(image, [...command, ...args]);
    const child = spawn(program, rest, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (data: Buffer) => (this.output += data.toString()));
    this.#running.push(child);
    return child;
  }
}

const freePort = async (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** The arguments of the pod, with ports that are free here. */
async function withFreePorts(args: readonly string[]): Promise<{ args: readonly string[]; metrics: number }> {
  const metrics = await freePort();
  return {
    args: args.map((word) =>
      word.replace(/^0\.0\.0\.0:(\d+)$/, (_, port) => `127.0.0.1:${port === '9090' ? metrics : 0}`),
    ),
    metrics,
  };
}

const answers = (port: number, path: string): Promise<number> =>
  fetch(`http://127.0.0.1:${port}${path}`).then(
    ({ status }) => status,
    () => 0,
  );

describe("a pod's containers", { timeout: 60_000 }, () => {
  it('start with a key file as a Secret is mounted, and make their state', async () => {
    const pod = new Pod();
    // As the kubelet lays out a Secret: its files are links into a folder that it can exchange.
    mkdirSync(pod.path(`${mounts.seal}/..2026_11_01`));
    writeFileSync(pod.path(`${mounts.seal}/..2026_11_01/kek`), randomBytes(32), { mode: 0o440 });
    symlinkSync('..2026_11_01', pod.path(`${mounts.seal}/..data`));
    symlinkSync('..data/kek', pod.path(files.sealKey));
    const { args, metrics } = await withFreePorts(signerPod(facts()).spec.containers[0].args);
    pod.start('signer', entrypoint('signer'), args);
    await vi.waitFor(async () => expect(await answers(metrics, '/readyz'), pod.output).toBe(200), {
      timeout: 30_000,
      interval: 100,
    });
    expect(await answers(metrics, '/healthz')).toBe(200);
    // It loaded the addon of its image: a path beside its program, which the flags let it read.
    expect(await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()).toMatch(
      /^holdfast_signer_info\{.*engine="frost".*\} 1$/m,
    );
    expect(readdirSync(pod.path(files.state))).toContain('state.db');
    // Neither core dumps nor anything else was kept from it.
    expect(pod.output).not.toMatch(/"level":"(warn|error)"/);
  });

  it('start with an HSM: token, sidecar, signer', async () => {
    const pod = new Pod();
    writeFileSync(pod.path(files.pin), PIN, { mode: 0o440 });
    const config = join(pod.folder, 'softhsm2.conf');
    writeFileSync(
      config,
      `directories.tokendir = ${pod.path(mounts.token)}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n`,
    );
    const { spec } = signerPod(facts({ spec: { seal: { pkcs11: { ...pkcs11, module: softHsmModule() } } } }));
    const inits = 'initContainers' in spec ? spec.initContainers : [];
    const [token, sidecar] = inits;
    const made = pod.start('hsm', (token as { readonly command: readonly string[] }).command, token!.args, {
      SOFTHSM2_CONF: config,
    });
    await vi.waitFor(() => expect(made.exitCode, pod.output).toBe(0), { timeout: 30_000, interval: 50 });
    pod.start('hsm', entrypoint('hsm'), sidecar!.args, { SOFTHSM2_CONF: config });
    const { args, metrics } = await withFreePorts(spec.containers[0].args);
    pod.start('signer', entrypoint('signer'), args);
    await vi.waitFor(async () => expect(await answers(metrics, '/readyz'), pod.output).toBe(200), {
      timeout: 30_000,
      interval: 100,
    });
  });
});
