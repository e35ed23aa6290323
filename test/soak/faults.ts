import { pause } from '../integration/signers/processes.ts';
import type { SmallDisk } from './small-disk.ts';
import type { WalletRounds } from './wallet-rounds.ts';

/** Within this, after requests were sent, a signer is killed: longer than they take. Milliseconds. */
const KILL_WITHIN = 150;
/** A slow signer stands still for these times in turn with moments of work. Milliseconds. */
const SLOW_STEP = 40;
const SLOW_STEPS = 25;

/**
 * What happens to a wallet of processes while requests are under way; all is well again when it ends. `disks` has each
 * signer's own where the kind of fault needs them.
 */
export type Fault = {
  readonly kind: string;
  readonly disks?: true;
  /** Requests that it brings along, and sees signed. */
  readonly extra?: number;
  readonly happen: (rounds: WalletRounds, disks: ReadonlyMap<string, SmallDisk>) => Promise<void>;
};

/** kill -9 of one signer at a random moment of what was asked, after which it is started again at once. */
export const kill: Fault = {
  kind: 'kill',
  async happen({ wallet, dice, names }) {
    const victim = wallet.signer(dice.pick(names));
    await pause(dice.next() * KILL_WITHIN);
    await victim.kill();
    await victim.start();
  },
};

/** One signer is cut off from everyone, without a link that breaks: it stands still for up to three seconds. */
export const cutOff: Fault = {
  kind: 'stop',
  async happen({ wallet, dice, names }) {
    const { pid } = wallet.signer(dice.pick(names));
    await pause(dice.next() * 50);
    await stoppedFor(pid, dice.next() * 3_000);
  },
};

/** One signer gets a tenth of its time for a second. */
export const slowPeer: Fault = {
  kind: 'slow',
  async happen({ wallet, dice, names }) {
    const { pid } = wallet.signer(dice.pick(names));
    for (let step = 0; step < SLOW_STEPS; step++) {
      await stoppedFor(pid, SLOW_STEP);
      await pause(SLOW_STEP / 10);
    }
  },
};

/** Requests that come while a disk is full. */
const WHILE_FULL = 2;

/** One signer's disk is full for a while, with more requests meanwhile, and in half of the cases a kill -9 as well. */
export const fullDisk: Fault = {
  kind: 'full disk',
  disks: true,
  extra: WHILE_FULL,
  async happen(rounds, disks) {
    const { wallet, dice, names } = rounds;
    const name = dice.pick(names);
    const victim = wallet.signer(name);
    const disk = diskOf(disks, name);
    await pause(dice.next() * 50);
    const more = rounds.requests(`full-${rounds.done}`, WHILE_FULL);
    disk.fill();
    try {
      if (dice.chance(0.5)) {
        await victim.kill();
        await victim.start();
      }
      await rounds.enter(more);
      await pause(dice.next() * 500);
    } finally {
      disk.free();
    }
    await rounds.allSigned(more);
  },
};

/** One signer comes back to a disk that is read-only: it must say so and end, and go on once that is mended. */
export const readOnlyDisk: Fault = {
  kind: 'read-only disk',
  disks: true,
  async happen(rounds, disks) {
    const { wallet, dice, names } = rounds;
    const name = dice.pick(names);
    const victim = wallet.signer(name);
    const disk = diskOf(disks, name);
    await pause(dice.next() * KILL_WITHIN);
    await victim.kill();
    disk.setReadOnly(true);
    try {
      const why = await victim.start().then(
        () => 'it started',
        (error: unknown) => String(error),
      );
      if (!/ended \(1\) before it was ready: .*(?:EROFS|read-?only)/i.test(why))
        rounds.violation(`${name} on a read-only disk: ${why}`);
      await victim.kill();
    } finally {
      disk.setReadOnly(false);
    }
    await victim.start();
  },
};

async function stoppedFor(pid: number, ms: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  try {
    await pause(ms);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

function diskOf(disks: ReadonlyMap<string, SmallDisk>, name: string): SmallDisk {
  const disk = disks.get(name);
  if (disk === undefined) throw new Error(`${name} has no disk of its own`);
  return disk;
}
