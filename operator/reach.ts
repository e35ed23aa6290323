/** Another operator of the cluster, with wallets whose holders are in this one's namespaces, or with holders of this one's wallets. */
export type OtherOperator = {
  readonly namespaces: readonly string[];
  /** Fingerprint of its identity, to found its wallets with signers of this operator; "" where this one was not told. */
  readonly fingerprint: string;
  readonly pods: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
};

/** Whose objects an operator brings to what they should be, and whose it only reads, since they are another operator's. */
export class Reach {
  readonly #namespaces: readonly string[];
  readonly #others: readonly OtherOperator[];

  /** It works for all namespaces where none is named. */
  constructor(namespaces: readonly string[] = [], others: readonly OtherOperator[] = []) {
    this.#namespaces = namespaces;
    this.#others = others;
  }

  worksFor(namespace: string): boolean {
    return this.#namespaces.length === 0 || this.#namespaces.includes(namespace);
  }

  /** Whether the Wallets and Signers of a namespace are known: of one that is not seen nothing may be concluded. */
  sees(namespace: string): boolean {
    return this.worksFor(namespace) || this.other(namespace) !== undefined;
  }

  /** The operator that works for a namespace in place of this one. */
  other(namespace: string): OtherOperator | undefined {
    return this.worksFor(namespace) ? undefined : this.#others.find((other) => other.namespaces.includes(namespace));
  }

  /** Where Wallets and Signers are read; everywhere where empty. */
  get seen(): readonly string[] {
    return this.#namespaces.length === 0
      ? []
      : [...new Set([...this.#namespaces, ...this.#others.flatMap(({ namespaces }) => namespaces)])];
  }
}
