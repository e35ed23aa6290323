/** What ceremonies report of themselves (DESIGN.md 6 names the series); seconds everywhere. */
export type Step = 'queue' | 'policy' | 'ledger' | 'round' | 'aggregate' | 'verify';
export type CeremonyKind = 'sign' | 'keygen';

export interface Meter {
  ceremony(
    key: string,
    scheme: string,
    kind: CeremonyKind,
    outcome: 'succeeded' | 'denied' | 'failed',
    seconds: number,
  ): void;
  step(scheme: string, kind: CeremonyKind, step: Step, seconds: number): void;
  failure(kind: CeremonyKind, reason: string, culprit: string): void;
  inProgress(delta: 1 | -1): void;
  /** `rules` joined by commas, as a decision has them. */
  decision(rules: string, verdict: 'Allow' | 'Deny', reason: string): void;
  nonces(key: string, peer: string, available: number): void;
  /** A peer sent a head with a signature that is not what it says. */
  badHead(peer: string): void;
}

export const silentMeter: Meter = {
  ceremony() {},
  step() {},
  failure() {},
  inProgress() {},
  decision() {},
  nonces() {},
  badHead() {},
};
