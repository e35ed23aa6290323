import { placeOf, type Finding } from '../../client/audit/findings.ts';
import { verifyLogs } from '../../client/audit/verify-logs.ts';
import { digest, fromUtf8, quote } from '../../common/bytes.ts';
import type { SimulatedWallet } from '../simulation/simulated-wallet.ts';

const { signal } = new AbortController();

type Entry = Readonly<Record<string, string>>;

/** What happened that is nobody's lie, and that logs tell of. */
export type Told = {
  /** Ids under which the initiator signed two requests: two coordinators can open them at once, at different members. */
  readonly reusedIds: ReadonlySet<string>;
  /** Records that holders lost with a disk that was put back. */
  readonly lost: ReadonlyMap<string, readonly Entry[]>;
};
const NOTHING: Told = { reusedIds: new Set(), lost: new Map() };

/**
 * What `holdfast audit verify` finds in the logs of honest holders, as they lie on their disks, besides what it is to
 * find since it was `told`; nothing where they agree. What was written in the last minute may be on its way to the others.
 */
export async function auditsAgree(
  wallet: SimulatedWallet,
  honest: readonly string[],
  told: Told = NOTHING,
): Promise<readonly string[]> {
  const logs = honest.map((holder) => {
    const { audit, head, peers } = wallet.disk(holder);
    const records = [...audit];
    return {
      holder,
      asOf: 0,
      head,
      remembered: [...peers.values()]
        .filter((peer) => honest.includes(peer.name))
        .flatMap(({ name, head: told, signed }) => [
          { holder: name, head: told, signature: new Uint8Array() },
          ...(signed === undefined ? [] : [{ holder: name, ...signed }]),
        ]),
      async *records() {
        yield* records;
      },
    };
  });
  const now = 1000 * Math.max(...honest.map((name) => wallet.disk(name).lastTime));
  const known = {
    genesis: digest(wallet.genesis),
    auditKeys: new Map(honest.map((name) => [name, wallet.heads(name).publicKey])),
    certificates: new Map<string, string>(),
    now,
  };
  const { findings } = await verifyLogs({ logs, known, signal });
  const entries = new Map(
    honest.map((name) => [name, wallet.disk(name).audit.map(({ record }) => JSON.parse(fromUtf8(record)) as Entry)]),
  );
  return findings
    .filter((finding) => !isReuse(finding, entries, told) && !isLoss(finding, entries, told))
    .map((finding) => `audit ${finding.severity}: ${placeOf(finding)} ${finding.problem}`);
}

type Entries = ReadonlyMap<string, readonly Entry[]>;

const entryOf = ({ holder, sequence }: Finding, entries: Entries): Entry =>
  entries.get(holder)?.find((entry) => entry['sequence'] === String(sequence)) ?? {};

/** A share of the holder whose log it is left, or was used by itself. */
const tookPart = ({ type, from }: Entry): boolean => type === 'Released' || (type === 'Signed' && from === '');

/** Two requests of one initiator under one id, of which no more than one is signed, and no holder took part in both. */
function isReuse(finding: Finding, entries: Entries, { reusedIds }: Told): boolean {
  const { id = '', digest: of = '' } = entryOf(finding, entries);
  if (!reusedIds.has(id) || !finding.problem.startsWith(`is of ${of}, under id ${quote(id, 100)} of `)) return false;
  const digests = (log: readonly Entry[], which: (entry: Entry) => boolean): ReadonlySet<string> =>
    new Set(log.filter((e) => e['id'] === id && which(e)).map((e) => e['digest'] ?? ''));
  const logs = [...entries.values()];
  return (
    digests(logs.flat(), (e) => e['type'] === 'Signed').size <= 1 &&
    logs.every((log) => digests(log, tookPart).size <= 1)
  );
}

/** A signature tells of a share whose record its holder lost. */
function isLoss(finding: Finding, entries: Entries, { lost }: Told): boolean {
  const { type = '', digest: of = '', participants = '' } = entryOf(finding, entries);
  return [...lost].some(
    ([name, records]) =>
      type === 'Signed' &&
      participants.split(',').includes(name) &&
      finding.problem ===
        `says that ${quote(name, 63)} took part, and the log of ${quote(name, 63)} has no record of that` &&
      records.some((e) => e['digest'] === of && tookPart(e)),
  );
}
