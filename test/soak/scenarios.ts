import { threeHolders, type SimulatedHolder } from '../simulation/simulated-wallet.ts';

/** What may go wrong in a schedule. */
export const faultKinds = [
  'crash',
  'lose',
  'repeat',
  'reorder',
  'partition',
  'clock',
  'slow',
  'lie',
  'attack',
  'restore',
] as const;
export type FaultKind = (typeof faultKinds)[number];
export type FaultCounts = Record<FaultKind, number>;

export const noFaults = (): FaultCounts =>
  Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as unknown as FaultCounts;

/** A wallet and what happens to it. */
export type Scenario = {
  readonly name: string;
  readonly holders: readonly SimulatedHolder[];
  readonly threshold: number;
  /** Keys are generated while faults happen; else they are there before. */
  readonly keygen: boolean;
  /** EdDSA unless given. */
  readonly scheme?: 'ECDSA';
  /** How many holders lie: at most `threshold - 1`. */
  readonly liars: number;
  /** The first of the liars is the coordinator, and opens rounds of its own. */
  readonly falseCoordinator?: boolean;
  /** Disks are put back to an earlier moment. */
  readonly restores?: boolean;
};

const fiveHolders: readonly SimulatedHolder[] = [
  { name: 'east', role: 'Infrastructure' },
  { name: 'west', role: 'Infrastructure' },
  { name: 'one', role: 'Client' },
  { name: 'two', role: 'Client' },
  { name: 'backup', role: 'Backup' },
];

const small = { holders: threeHolders, threshold: 2 };
const large = { holders: fiveHolders, threshold: 3 };

export const scenarios: readonly Scenario[] = [
  { name: '2 of 3 sign', ...small, keygen: false, liars: 0 },
  { name: '2 of 3 sign, 1 lies', ...small, keygen: false, liars: 1 },
  { name: '3 of 5 sign', ...large, keygen: false, liars: 0 },
  { name: '3 of 5 sign, 2 lie', ...large, keygen: false, liars: 2 },
  { name: '2 of 3 sign, false coordinator', ...small, keygen: false, liars: 1, falseCoordinator: true },
  { name: '3 of 5 sign, false coordinator', ...large, keygen: false, liars: 2, falseCoordinator: true },
  { name: '2 of 3 make a key', ...small, keygen: true, liars: 0 },
  { name: '3 of 5 make a key', ...large, keygen: true, liars: 0 },
  { name: '3 of 5 make a key, 2 lie', ...large, keygen: true, liars: 2 },
  { name: '2 of 3 sign by ECDSA', ...small, keygen: false, scheme: 'ECDSA', liars: 0 },
  { name: '3 of 5 sign by ECDSA', ...large, keygen: false, scheme: 'ECDSA', liars: 0 },
  { name: '3 of 5 sign by ECDSA, 1 lies', ...large, keygen: false, scheme: 'ECDSA', liars: 1 },
  { name: '2 of 3 make an ECDSA key', ...small, keygen: true, scheme: 'ECDSA', liars: 0 },
  { name: '3 of 5 make an ECDSA key, 2 lie', ...large, keygen: true, scheme: 'ECDSA', liars: 2 },
  { name: '2 of 3 sign, restored disk', ...small, keygen: false, liars: 0, restores: true },
  { name: '3 of 5 sign, restored disks', ...large, keygen: false, liars: 0, restores: true },
  {
    name: '3 of 5 sign, restored disk, false coordinator',
    ...large,
    keygen: false,
    liars: 1,
    falseCoordinator: true,
    restores: true,
  },
];
