import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { systemClock, type Clock } from '../../common/clock.ts';
import type { Identity } from '../../signer/ceremony/environment.ts';

/** What surrounds a simulated wallet: time, chance, and how long disks and links take. */
export interface World {
  /** Of the process that starts at `holder` now; what it set up dies with it. */
  clock(holder: string): Clock;
  random(length: number): Uint8Array;
  identity(name: string): Identity;
  /** Runs `run` soon, after all that went the same `way` before: what `actor` sent arrives, what it wrote is on disk. */
  later(actor: string, way: string, run: () => void): void;
  /** Whether a write that was under way when its process was killed came to be on disk all the same. */
  survives(): boolean;
  killed(holder: string): void;
}

/** Turns of this process's event loop, and its randomness. */
export function realWorld(clock: Clock = systemClock): World {
  const timers = new Map<string, Set<() => void>>();
  return {
    clock: (holder) => {
      const own = new Set<() => void>();
      timers.set(holder, own);
      return {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        after(ms, run) {
          const cancel = clock.after(ms, () => {
            own.delete(cancel);
            run();
          });
          own.add(cancel);
          return () => {
            own.delete(cancel);
            cancel();
          };
        },
      };
    },
    random: (length) => Uint8Array.from(randomBytes(length)),
    identity: () => {
      const { privateKey } = generateKeyPairSync('ed25519');
      const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
      return { privateKey, spki: Uint8Array.from(spki), nonce: Uint8Array.from(randomBytes(32)) };
    },
    later: (_actor, _way, run) => void setImmediate(run),
    survives: () => false,
    killed(holder) {
      for (const cancel of timers.get(holder) ?? []) cancel();
      timers.delete(holder);
    },
  };
}
