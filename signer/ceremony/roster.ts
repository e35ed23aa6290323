import { fromHex } from '../../common/bytes.ts';
import type { GenesisStatement } from '../../statement/statements.ts';

export type Role = 'Infrastructure' | 'Client' | 'Backup';

export type Member = {
  readonly name: string;
  readonly role: Role;
  /** 1..n in genesis order. */
  readonly identifier: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly identity: Uint8Array;
  /** Of what signs its audit log: SubjectPublicKeyInfo, DER. */
  readonly auditKey: Uint8Array;
};

/** The holders of one wallet as its genesis fixed them, seen from one of them. */
export class Roster {
  readonly members: readonly Member[];
  readonly threshold: number;
  readonly me: Member;
  readonly others: readonly Member[];
  readonly #byName: ReadonlyMap<string, Member>;

  constructor(genesis: GenesisStatement, holder: string) {
    this.threshold = Number(genesis.threshold);
    this.members = genesis.holders.map((h) => ({
      name: h.name,
      role: h.role,
      identifier: Number(h.identifier),
      identity: fromHex(h.identity, 'identity'),
      auditKey: fromHex(h.auditKey, 'auditKey'),
    }));
    this.#byName = new Map(this.members.map((m) => [m.name, m]));
    this.me = this.get(holder);
    this.others = this.members.filter((m) => m !== this.me);
  }

  /** Throws on a name that genesis does not have. */
  get(name: string): Member {
    const member = this.#byName.get(name);
    if (member === undefined) throw new Error(`no holder ${JSON.stringify(name)} in genesis`);
    return member;
  }

  find(name: string): Member | undefined {
    return this.#byName.get(name);
  }

  nameOf(identifier: number): string {
    return this.members[identifier - 1]?.name ?? `#${identifier}`;
  }

  /** Holders that sign in ordinary times: a Backup takes part only in recovery. */
  get signing(): readonly Member[] {
    return this.members.filter((m) => m.role !== 'Backup');
  }

  get coordinators(): readonly Member[] {
    return this.members.filter((m) => m.role === 'Infrastructure');
  }

  /** Whether `names` is a quorum that may sign: `t` different signing holders in roster order, one of Infrastructure. */
  isQuorum(names: readonly string[]): boolean {
    const members = names.map((n) => this.#byName.get(n));
    return (
      names.length === this.threshold &&
      members.every(
        (m, i) => m !== undefined && m.role !== 'Backup' && m.identifier > (members[i - 1]?.identifier ?? 0),
      ) &&
      members.some((m) => m?.role === 'Infrastructure')
    );
  }
}
