import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessWallet, type SignerProcess } from '../integration/signers/processes.ts';
import { percentiles } from './percentiles.ts';
import { residentBytes } from './resident-bytes.ts';

const starts = 5;
/** By then what key generation left behind is given back. */
const idleMs = 5_000;

export type StartFigures = {
  /** Milliseconds from spawn until /readyz says so, of one signer with two keys while no other runs. */
  readonly readyIn: readonly number[];
  /** Bytes of resident memory by holder, each with two keys and nothing to do. */
  readonly resident: ReadonlyMap<string, number>;
};

/** Founds a wallet of three with a key of each scheme, leaves it alone, then starts one of its signers again and again. */
export async function measureStarts(progress: (text: string) => void): Promise<StartFigures> {
  const wallet = await ProcessWallet.start();
  try {
    await wallet.connected();
    progress(`two keys in three signers; nothing to do for ${idleMs / 1000} s`);
    await sleep(idleMs);
    const signers = [...wallet.signers.values()];
    const resident = new Map(signers.map(({ name, pid }) => [name, residentBytes(pid)]));
    for (const signer of signers) {
      signer.close();
      await signer.kill('SIGTERM');
    }
    progress(`one of them alone, started ${starts} times`);
    const readyIn: number[] = [];
    for (let i = 0; i < starts; i++) {
      const signer = wallet.signer('infrastructure');
      readyIn.push(await readyAfter(signer));
      await signer.kill('SIGTERM');
    }
    return { readyIn, resident };
  } finally {
    await wallet.close();
  }
}

async function readyAfter(signer: SignerProcess): Promise<number> {
  const started = performance.now();
  await signer.start();
  const { ok, status } = await fetch(`http://127.0.0.1:${signer.metricsPort}/readyz`);
  if (!ok) throw new Error(`${signer.name}: /readyz: want 200 of a signer that says it is ready, got ${status}`);
  return performance.now() - started;
}

/** For people. */
export function startLines({ readyIn, resident }: StartFigures): string {
  const { best, p50 } = percentiles(readyIn);
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const memory = [...resident].map(([holder, bytes]) => `${holder} ${(bytes / 1e6).toFixed(0)} MB`);
  return [
    `a signer alone, ready after its start: median ${ms(p50)} of ${readyIn.length}, best ${ms(best)}, worst ${ms(Math.max(...readyIn))}`,
    `resident memory with two keys, idle: ${memory.join(', ')}`,
  ].join('\n');
}
