import { installSoftHsm, softHsmModule } from '../../hsm/testing/soft-token.ts';
import { messageOf } from '../../common/errors.ts';
import { cutOff, fullDisk, kill, readOnlyDisk, slowPeer } from './faults.ts';
import type { ProcessKind, SoakOptions } from './options.ts';
import { ProcessSoak } from './processes.ts';
import type { Row } from './row.ts';
import { noSmallDisks } from './small-disk.ts';

/** What not every machine has: which kinds are left out without it, and why it is not there; "" where it is. */
const needs = {
  disks: { without: 'full and read-only disks are left out, which need root', missing: noSmallDisks },
  token: { without: 'slow tokens are left out, which need SoftHSM', missing: noSoftHsm },
} as const;

type Kind = {
  readonly kind: ProcessKind;
  readonly name: string;
  readonly needs?: keyof typeof needs;
  /** Its part of what time there is; 1 unless given. */
  readonly share?: number;
  readonly run: (soak: ProcessSoak, count: number) => Promise<void>;
};

const kinds: readonly Kind[] = [
  { kind: 'keygen-kills', name: 'kill -9 in keygen', share: 2, run: (soak, count) => soak.killsOfKeygen(count) },
  { kind: 'signing-kills', name: 'kill -9 in signing', share: 3, run: (soak, count) => soak.signing(kill, count) },
  { kind: 'stops', name: 'signers cut off', run: (soak, count) => soak.signing(cutOff, count) },
  { kind: 'slow-peers', name: 'slow signers', run: (soak, count) => soak.signing(slowPeer, count) },
  { kind: 'slow-tokens', name: 'slow tokens', needs: 'token', run: (soak, count) => soak.slowTokens(count) },
  { kind: 'full-disks', name: 'full disks', needs: 'disks', run: (soak, count) => soak.signing(fullDisk, count) },
  {
    kind: 'read-only-disks',
    name: 'read-only disks',
    needs: 'disks',
    run: (soak, count) => soak.signing(readOnlyDisk, count),
  },
  { kind: 'floods', name: 'floods', run: (soak, count) => soak.floods(count) },
  { kind: 'invalid-floods', name: 'invalid floods', run: (soak, count) => soak.invalidFloods(count) },
];

/** Runs wallets of real processes, one kind of fault after another. */
export async function runProcesses(
  { seed, counts }: Pick<SoakOptions, 'seed' | 'counts'>,
  deadline: number,
  progress: (line: string) => void,
  violated: (line: string) => void,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const asked = kinds.filter(({ kind }) => counts[kind] > 0);
  const lacking = new Set<keyof typeof needs>();
  for (const need of new Set(asked.flatMap((kind) => kind.needs ?? []))) {
    const why = needs[need].missing();
    if (why === '') continue;
    progress(`${needs[need].without}: ${why}`);
    lacking.add(need);
  }
  const chosen = asked.filter((kind) => kind.needs === undefined || !lacking.has(kind.needs));
  for (const [i, { kind, name, share = 1, run }] of chosen.entries()) {
    const count = counts[kind];
    const shares = chosen.slice(i).reduce((sum, { share: of = 1 }) => sum + of, 0);
    const end = performance.now() + ((deadline - performance.now()) * share) / shares;
    const late = (): boolean => performance.now() > end;
    let said = performance.now();
    const soak: ProcessSoak = new ProcessSoak(
      name,
      seed,
      (of, what) =>
        violated(`violation in "${name}": npm run soak -- --only processes --kind ${kind} --seed ${of}\n  ${what}`),
      () => {
        if (performance.now() < said + 10_000) return;
        said = performance.now();
        progress(`${name}: ${soak.row.runs} of ${count}`);
      },
      late,
    );
    rows.push(soak.row);
    await run(soak, count);
    progress(
      `${name}: ${soak.row.runs} of ${count}${soak.row.runs < count && late() ? ', no time for more,' : ''} in ${Math.round(soak.row.seconds)} s`,
    );
  }
  return rows;
}

/** Why there can be no token here, after an attempt to install SoftHSM; "" where there can. */
function noSoftHsm(): string {
  try {
    installSoftHsm();
    softHsmModule();
    return '';
  } catch (error) {
    return messageOf(error);
  }
}
