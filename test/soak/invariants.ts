import { digest as digestOf, fromUtf8 } from '../../common/bytes.ts';
import { verifyChain } from '../../statement/audit.ts';
import type { SimulatedWallet } from '../simulation/simulated-wallet.ts';

type Entry = Readonly<Record<string, string>>;

const auditOf = (wallet: SimulatedWallet, name: string): readonly Entry[] => {
  const records = wallet.disk(name).audit;
  verifyChain(records);
  return records.map((r) => JSON.parse(fromUtf8(r.record)) as Entry);
};

/** An id that a holder let shares go for under two digests, by its own audit; "" where there is none. */
function sharedIds(entries: readonly Entry[]): string {
  const digests = new Map<string, string>();
  for (const { type, id = '', digest = '', from } of entries) {
    if (type !== 'Released' && !(type === 'Signed' && from === '')) continue;
    const first = digests.get(id) ?? digest;
    if (first !== digest) return `${id} as ${first} and as ${digest}`;
    digests.set(id, first);
  }
  return '';
}

/** What is wrong with the keys of honest holders: they are the same everywhere and, unless `needed` is false, there. */
export function keysAgree(wallet: SimulatedWallet, honest: readonly string[], needed: boolean): string {
  const rows = honest.map((name) => wallet.disk(name).keys.get('solana'));
  const active = rows.filter((row) => row?.state === 'Active');
  const certificates = new Set(active.map((row) => digestOf(row?.certificate ?? new Uint8Array())));
  if (certificates.size > 1) return `${certificates.size} certificates`;
  if (needed && active.length < honest.length)
    return wallet.holders
      .map(({ name }) => {
        const [key] = wallet.signer(name).describe().keys;
        return `${name} ${key?.state} ${wallet.disk(name).keys.get('solana')?.attempt}: ${key?.message}`;
      })
      .join('; ');
  const opened = honest.filter((name) => wallet.signer(name).describe().keys[0]?.state === 'Active');
  return opened.length === active.length ? '' : `only ${opened.join(', ')} have their key open`;
}

/** Whether a holder's signer stopped itself, or another refuses it, since its disk was put back. */
export function refused(wallet: SimulatedWallet, name: string): boolean {
  if (!wallet.running(name)) return false;
  if (
    wallet
      .signer(name)
      .describe()
      .problems.some((problem) => problem.includes('RollbackDetected'))
  )
    return true;
  return wallet.holders.some(
    (h) =>
      h.name !== name &&
      wallet.running(h.name) &&
      wallet
        .signer(h.name)
        .describe()
        .peers.some((peer) => peer.name === name && 'refused' in peer && peer.refused !== ''),
  );
}

/** What honest holders' disks have as under way while nothing is; "" where nothing. */
export function unsettled(wallet: SimulatedWallet, honest: readonly string[]): string {
  for (const name of honest) {
    const { requests, ledger } = wallet.disk(name);
    const row = [...requests.values(), ...ledger.values()].find(({ state }) => state === 'Reserved');
    if (row !== undefined) return `${name} has ${row.digest} as Reserved`;
  }
  return '';
}

/**
 * What honest holders' disks disagree in, or hold beyond `limit`; "" where nothing. `parts` is how many honest parts of
 * the wallet liars can deal with one by one.
 */
export function agreement(wallet: SimulatedWallet, honest: readonly string[], limit: number, parts: number): string {
  const audits = new Map(honest.map((name) => [name, auditOf(wallet, name)]));
  const released = new Map(honest.map((name) => [name, new Set(wallet.disk(name).releases.map((r) => r.digest))]));
  const ids = new Map<string, Set<string>>();
  const facts = new Map<string, string>();
  for (const name of honest) {
    const { ledger, requests } = wallet.disk(name);
    const own = released.get(name) ?? new Set<string>();
    const role = wallet.holders.find((h) => h.name === name)?.role;
    if (role === 'Backup' && own.size > 0) return `${name}, a Backup, released ${own.size} shares`;
    if (own.size > limit) return `${name} released shares for ${own.size} requests, the limit is ${limit}`;
    const said = (audits.get(name) ?? []).filter((e) => e['type'] === 'Released').map((e) => e['digest'] ?? '');
    const twice = sharedIds(audits.get(name) ?? []);
    if (twice !== '') return `${name} let shares go for ${twice}`;
    const untold = said.find((digest) => !own.has(digest));
    if (untold !== undefined) return `${name} released a share for ${untold} and does not tell of it`;
    for (const [holder, digests] of released)
      for (const digest of digests)
        if (ledger.get(digest)?.state !== 'Spent') return `${name} does not count ${digest}, released by ${holder}`;
    for (const row of requests.values()) {
      if (row.state !== 'Signed') continue;
      if (ledger.get(row.digest)?.state !== 'Spent')
        return `${name} knows a signature of ${row.id} and does not count it`;
      const known = (ids.get(row.id) ?? new Set()).add(row.digest);
      if (known.size > parts) return `${row.id} is signed as ${[...known].join(' and ')}`;
      ids.set(row.id, known);
    }
    for (const e of audits.get(name) ?? []) {
      if (e['type'] !== 'Signed') continue;
      const digest = e['digest'] ?? '';
      const fact = [e['id'], e['key'], e['effects']].join();
      if ((facts.get(digest) ?? fact) !== fact) return `${name}'s audit has another ${digest}`;
      facts.set(digest, fact);
      if (requests.get(digest)?.state !== 'Signed')
        return `${name}'s audit has a signature of ${digest}, its requests none`;
    }
  }
  const signed = [...ids.values()].reduce((sum, digests) => sum + digests.size, 0);
  return signed > limit * parts ? `${signed} requests are signed, the limit is ${limit} in each of ${parts} parts` : '';
}
