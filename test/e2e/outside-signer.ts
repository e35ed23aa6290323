import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, vi } from 'vitest';
import { run } from './kubectl.ts';
import { node } from './probe.ts';

const docker = async (...args: readonly string[]): Promise<string> => (await run('docker', args)).trim();

/**
 * The signer of a holder outside of the cluster, in a container that is started as docs/how-to/external-holder.md has it. It is
 * on the network of the cluster's nodes and is none of them. The address is that of a container of its own, which
 * stays while the signer is stopped.
 */
export class OutsideSigner {
  readonly #folder = mkdtempSync(join(tmpdir(), 'holdfast-outside-'));
  readonly #name = `holdfast-external-${process.pid}`;
  readonly #image = `${inject('images').signer.split('@')[0] ?? ''}:e2e`;
  readonly #flags: readonly string[];
  address = '';
  fingerprint = '';

  constructor(flags: { readonly wallet: string; readonly holder: string; readonly operator: string }) {
    this.#flags = Object.entries({
      ...flags,
      data: '/var/lib/holdfast',
      'seal-key-file': '/etc/holdfast/seal/kek',
      accept: '/etc/holdfast/accept/genesis.json',
      'sign-listen': '0.0.0.0:8443',
      'peer-listen': '0.0.0.0:7443',
    }).flatMap(([name, value]) => [`--${name}`, value]);
    for (const folder of ['state', 'seal', 'accept']) mkdirSync(join(this.#folder, folder), { mode: 0o700 });
    writeFileSync(join(this.#folder, 'seal/kek'), randomBytes(32), { mode: 0o600 });
  }

  /** Its address, and the fingerprint that its log tells. */
  async start(): Promise<void> {
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    await docker(
      ...['run', '--detach', '--name', `${this.#name}-address`, '--network', 'kind', '--entrypoint', node],
      ...[this.#image, '-e', 'setInterval(() => {}, 1e9)'],
    );
    this.address = await docker(
      ...['inspect', '--format', '{{.NetworkSettings.Networks.kind.IPAddress}}', `${this.#name}-address`],
    );
    await docker(
      ...['run', '--detach', '--name', this.#name, '--network', `container:${this.#name}-address`],
      ...['--user', `${uid}:${gid}`, '--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
      ...['--volume', `${join(this.#folder, 'state')}:/var/lib/holdfast`],
      ...['--volume', `${join(this.#folder, 'seal')}:/etc/holdfast/seal:ro`],
      ...['--volume', `${join(this.#folder, 'accept')}:/etc/holdfast/accept:ro`],
      ...[this.#image, ...this.#flags],
    );
    await vi.waitFor(
      async () => {
        const log = await this.log();
        this.fingerprint = /"message":"ready".*"fingerprint":"(sha256:[0-9a-f]{64})"/.exec(log)?.[1] ?? '';
        if (this.fingerprint === '') throw new Error(`not ready: ${log}`);
      },
      { timeout: 60_000, interval: 500 },
    );
  }

  /** Both streams of its log. */
  log(): Promise<string> {
    return run('sh', ['-c', 'docker logs "$0" 2>&1', this.#name]);
  }

  accept(genesis: string): void {
    writeFileSync(join(this.#folder, 'accept/genesis.json'), genesis);
    chmodSync(join(this.#folder, 'accept/genesis.json'), 0o644);
  }

  async stop(): Promise<void> {
    await docker('stop', this.#name);
  }

  async startAgain(): Promise<void> {
    await docker('start', this.#name);
  }

  async remove(): Promise<void> {
    await docker('rm', '--force', this.#name, `${this.#name}-address`);
    rmSync(this.#folder, { recursive: true });
  }
}
