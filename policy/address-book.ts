import { canonicalId, chainOf } from './caip.ts';
import { associatedTokenAccount } from './decode/associated-token-account.ts';
import type { Effect } from './effect.ts';

export type AddressBookEntry = { readonly name: string; readonly addresses: readonly string[] };

/** Deriving token accounts is slow; an initiator who asks for ever new mints makes us forget, not grow. */
const maxDerivedTables = 256;
const none: ReadonlySet<string> = new Set();

/** Which names a destination goes by. An account may stand under several. */
export class AddressBook {
  readonly #names: ReadonlyMap<string, ReadonlySet<string>>;
  /** By chain, mint and program: names of the owners' token accounts. */
  readonly #derived = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>();

  constructor(entries: readonly AddressBookEntry[]) {
    this.#names = collect(
      entries.flatMap(({ name, addresses }) => addresses.map((a) => [canonicalId(a), name] as const)),
    );
  }

  /** Names of the effect's destination itself, and of the owner whose associated token account it is. */
  namesOf({ chain, destination, derived }: Pick<Effect, 'chain' | 'destination' | 'derived'>): ReadonlySet<string> {
    if (destination === undefined) return none;
    const account = canonicalId(destination);
    const listed = this.#names.get(account) ?? none;
    if (derived === undefined) return listed;
    const owned = this.#tokenAccounts(chain, derived).get(account) ?? none;
    return owned.size === 0 ? listed : new Set([...listed, ...owned]);
  }

  #tokenAccounts(chain: string, derived: NonNullable<Effect['derived']>): ReadonlyMap<string, ReadonlySet<string>> {
    const { mint, program } = derived;
    const key = `${chain} ${mint} ${program}`;
    const known = this.#derived.get(key);
    if (known !== undefined) return known;
    const owners = [...this.#names].filter(([account]) => chainOf(account).chain === chain);
    const table = collect(
      owners.flatMap(([account, names]) => {
        const token = `${chain}:${associatedTokenAccount(chainOf(account).rest, mint, program)}`;
        return [...names].map((name) => [token, name] as const);
      }),
    );
    const [oldest] = this.#derived.keys();
    if (this.#derived.size >= maxDerivedTables && oldest !== undefined) this.#derived.delete(oldest);
    this.#derived.set(key, table);
    return table;
  }
}

function collect(pairs: readonly (readonly [string, string])[]): ReadonlyMap<string, ReadonlySet<string>> {
  const all = new Map<string, Set<string>>();
  for (const [account, name] of pairs) {
    const names = all.get(account) ?? new Set();
    all.set(account, names.add(name));
  }
  return all;
}
