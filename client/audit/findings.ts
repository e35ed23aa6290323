/**
 * What a check of the logs found. `differs`: records cannot all be as
 * honest signers wrote them for honest initiators, and kept them. `behind`: a holder has
 * not yet what others have. `pruned`: a body is gone, as the log itself says, and no export at hand has it.
 */
export type Finding = {
  readonly severity: 'differs' | 'behind' | 'pruned';
  readonly holder: string;
  readonly sequence: bigint;
  /** The record's type; "" where there is none to read. */
  readonly kind: string;
  /** What is wrong with it, in words that follow on its name. */
  readonly problem: string;
};

/** A record's place, for a person. */
export const placeOf = ({ holder, sequence, kind }: Pick<Finding, 'holder' | 'sequence' | 'kind'>): string =>
  `holder ${holder}, audit record ${sequence}${kind === '' ? '' : ` (${kind})`}`;

/** Findings, as many as a person reads; more are counted. */
export class Findings {
  readonly #kept = new Map<Finding['severity'], Finding[]>();
  readonly #seen = new Set<string>();
  readonly #holders = new Set<string>();
  #count = 0;

  static readonly MOST = 100;

  add(finding: Finding): void {
    const name = `${finding.severity} ${finding.holder} ${finding.sequence} ${finding.problem}`;
    if (this.#seen.has(name)) return;
    this.#count++;
    this.#holders.add(`${finding.severity} ${finding.holder}`);
    const kept = this.#kept.get(finding.severity) ?? [];
    this.#kept.set(finding.severity, kept);
    if (kept.length >= Findings.MOST) return;
    this.#seen.add(name);
    kept.push(finding);
  }

  /** Whether any was found of `holder`. */
  has(severity: Finding['severity'], holder: string): boolean {
    return this.#holders.has(`${severity} ${holder}`);
  }

  /** How many were found. */
  get count(): number {
    return this.#count;
  }

  /** Those that were kept: what differs first, each holder's in the order of its log. */
  list(): readonly Finding[] {
    return (['differs', 'behind', 'pruned'] as const).flatMap((severity) =>
      (this.#kept.get(severity) ?? []).toSorted(
        (a, b) => (a.holder < b.holder ? -1 : a.holder > b.holder ? 1 : 0) || Number(a.sequence - b.sequence),
      ),
    );
  }
}
