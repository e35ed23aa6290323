import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../common/clock.ts';
import { silentLog } from '../../../common/log.ts';
import type { SecretSource } from '../../store/secret-source.ts';
import { openLocalFleet } from '../local-fleet.ts';
import type { LocalFleet } from '../local-fleet.ts';
import { identityOf } from '../process-identity.ts';
import type { SignerCommand } from '../signer-command.ts';
import { quickClock, standIn } from './quick-fleet.ts';

/** Secrets that a test sets and takes away. */
export class SettableSecrets implements SecretSource {
  readonly #all = new Map<string, ReadonlyMap<string, Uint8Array>>();

  set(namespace: string, name: string, data: Readonly<Record<string, Uint8Array>> | undefined): void {
    if (data === undefined) this.#all.delete(`${namespace}/${name}`);
    else this.#all.set(`${namespace}/${name}`, new Map(Object.entries(data)));
  }

  async secret(namespace: string, name: string): Promise<ReadonlyMap<string, Uint8Array> | undefined> {
    return this.#all.get(`${namespace}/${name}`);
  }
}

export type FleetFolder = {
  readonly folder: string;
  readonly secrets: SettableSecrets;
  /** A fleet over the folder, closed when the test ends. */
  open(options?: { readonly command?: SignerCommand; readonly clock?: Clock }): Promise<LocalFleet>;
};

/** A folder for fleets, with a seal key in Secret payments/seal. When the test ends, so do all processes that work in it. */
export function fleetFolder(): FleetFolder {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-fleet-'));
  const fleets: LocalFleet[] = [];
  onTestFinished(async () => {
    await Promise.all(fleets.map((fleet) => fleet.close()));
    for (let left = processesIn(folder); left.length > 0; left = processesIn(folder))
      left.forEach((pid) => killIfThere(pid));
    rmSync(folder, { recursive: true, force: true });
  });
  const secrets = new SettableSecrets();
  secrets.set('payments', 'seal', { kek: randomBytes(32) });
  return {
    folder,
    secrets,
    open: async (options) => {
      const fleet = await openLocalFleet({
        folder,
        secrets,
        command: standIn,
        log: silentLog,
        clock: quickClock,
        ...options,
      });
      fleets.push(fleet);
      return fleet;
    },
  };
}

/** The processes that have a path within `folder` among their arguments. */
export const processesIn = (folder: string): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/cmdline`, 'utf8')
            .split('\0')
            .some((word) => `${word}/`.startsWith(`${folder}/`)) && identityOf(pid) !== undefined
        );
      } catch {
        return false;
      }
    });

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
