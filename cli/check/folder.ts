import { formatTime } from '../../common/clock.ts';
import { oneLine } from '../one-line.ts';
import { counted } from './counted.ts';
import { docs } from './docs.ts';
import { error, note, ok, warning } from './finding.ts';
import type { Finding } from './finding.ts';

export type FolderFacts = {
  /** Absolute paths. */
  readonly folder: string;
  readonly state: string;
  /** How many wallets its manifests have. */
  readonly wallets: number;
  /** What is wrong with its manifests, a line each. */
  readonly problems: readonly string[];
  /** None: no operator ever ran. Broken: another version's, or damaged. */
  readonly kept: { readonly kind: 'None' | 'Ours' } | { readonly kind: 'Broken'; readonly message: string };
  /** Why nothing can be written to the state folder, or to where it would be made; "" where it can. */
  readonly unwritable: string;
  /** What in the state folder others than its user may read or write, itself included. */
  readonly open: readonly string[];
  readonly operator: { readonly pid: number } | undefined;
  /** Of the file system with the state; undefined where it does not say. */
  readonly freeBytes: number | undefined;
  /** When its objects last changed, by the clock of who changed them; 0 where there are none. Milliseconds, as `now`. */
  readonly lastChange: number;
  readonly now: number;
  /** PKCS#11 modules that Signers name and this machine lacks; undefined where no Signer names one. */
  readonly pkcs11: { readonly missing: readonly string[] } | undefined;
  /** Commands: what takes the rights of others away, and what starts an operator. */
  readonly close: string;
  readonly up: string;
};

/** Below this an alert fires on a cluster too (charts/holdfast/files/alerts.yaml). */
const leastFreeBytes = 256e6;
/** Signers refuse what is further from their own time. Milliseconds. */
const mostSkewMs = 60_000;
/** As many of a list as one finding has room for. */
const shown = 5;

/** Whether an operator can work, or works, on a folder of manifests. */
export const checkFolder = (facts: FolderFacts): readonly Finding[] => [
  ...checkManifests(facts),
  ...checkState(facts),
  ...checkPermissions(facts),
  ...checkDisk(facts),
  ...checkClock(facts),
  ...checkPkcs11(facts),
  ...checkOperator(facts),
];

function checkManifests({ problems, wallets }: FolderFacts): readonly Finding[] {
  const id = 'manifests';
  if (problems.length > 0)
    return some(problems).map((problem) =>
      error(id, oneLine(problem), {
        mend: 'mend the file; what was in force before stays so until then',
        docs: docs.manifests,
      }),
    );
  if (wallets === 0)
    return [
      warning(id, 'there is no Wallet in the folder', {
        mend: 'is it the right folder? examples/quickstart has manifests to begin with',
        docs: docs.manifests,
      }),
    ];
  return [ok(id, `manifests: valid; ${counted(wallets, 'wallet')}`)];
}

function checkState({ kept, unwritable, state }: FolderFacts): readonly Finding[] {
  const id = 'state-folder';
  if (kept.kind === 'Broken')
    return [
      error(id, oneLine(kept.message), {
        mend: 'use the version that wrote it, or put the newest copy back; delete nothing: shares lie in it',
        docs: docs.stateFolder,
      }),
    ];
  if (unwritable !== '')
    return [
      error(id, `cannot write to ${state}: ${oneLine(unwritable)}`, {
        mend: 'make it writable, or set HOLDFAST_STATE to a folder that is',
        docs: docs.stateFolder,
      }),
    ];
  return [
    ok(id, kept.kind === 'None' ? `state: none yet; it would lie in ${state}` : `state: ${state}, of this version`),
  ];
}

const checkPermissions = ({ open, kept, close }: FolderFacts): readonly Finding[] => {
  const id = 'state-permissions';
  if (open.length > 0)
    return [
      warning(id, `others than its user may read or write ${counted(open.length, 'file')} of it: ${listed(open)}`, {
        mend: 'take the rights of others away',
        run: close,
        docs: docs.statePermissions,
      }),
    ];
  return kept.kind === 'Ours' ? [ok(id, 'permissions: nobody but its user reads the state')] : [];
};

function checkDisk({ freeBytes }: FolderFacts): readonly Finding[] {
  if (freeBytes === undefined) return [];
  const free = `disk: ${Math.floor(freeBytes / 1e6)} MB free where the state lies`;
  if (freeBytes >= leastFreeBytes) return [ok('disk', free)];
  return [
    warning('disk', free, {
      mend: `make room for ${leastFreeBytes / 1e6} MB: signers refuse to sign on a full disk`,
      docs: docs.disk,
    }),
  ];
}

function checkClock({ lastChange, now }: FolderFacts): readonly Finding[] {
  if (lastChange === 0) return [];
  if (lastChange - now <= mostSkewMs) return [ok('clock', 'clock: not before what was last written here')];
  return [
    warning('clock', `clock: it is ${formatTime(now)} here, and objects were written at ${formatTime(lastChange)}`, {
      mend: 'set the clock (NTP): it was set back, or the folder comes from a machine whose clock is ahead',
      docs: docs.clock,
    }),
  ];
}

function checkPkcs11({ pkcs11 }: FolderFacts): readonly Finding[] {
  if (pkcs11 === undefined) return [];
  if (pkcs11.missing.length === 0) return [ok('pkcs11', 'PKCS#11: modules and binding are there')];
  return [
    error('pkcs11', `PKCS#11: ${pkcs11.missing.map(oneLine).join('; ')}`, {
      mend: 'install what is missing: a signer whose HSM does not serve keeps its share shut',
      docs: docs.pkcs11,
    }),
  ];
}

const checkOperator = ({ operator, kept, up }: FolderFacts): readonly Finding[] => [
  operator === undefined
    ? note('operator', kept.kind === 'None' ? 'operator: none ever ran here' : 'operator: none runs', {
        mend: 'start one',
        run: up,
        docs: docs.operator,
      })
    : ok('operator', `operator: runs, process ${operator.pid}`),
];

const some = (all: readonly string[]): readonly string[] =>
  all.length <= shown ? all : [...all.slice(0, shown - 1), `and ${all.length - shown + 1} more problems`];

const listed = (all: readonly string[]): string =>
  [...all.slice(0, shown), ...(all.length > shown ? [`and ${all.length - shown} more`] : [])].join(', ');
