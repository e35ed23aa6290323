/** What came of sessions in which something went wrong on purpose, and what must not have. */
export type Checked = {
  /** What went wrong on purpose. */
  readonly faults: number;
  readonly signed: number;
  readonly refused: number;
  readonly violations: readonly string[];
};
