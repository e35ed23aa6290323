/** What has to hold for a process to be ready, by name: `caches`. */
export type Checks = Readonly<Record<string, () => boolean>>;

/** `ready` and `whyNotReady` for `serveMetrics`, which serves /healthz, /readyz and /metrics. No check may wait. */
export const readiness = (checks: Checks): { ready: () => boolean; whyNotReady: () => string } => {
  const failing = (): readonly string[] => Object.entries(checks).flatMap(([name, holds]) => (holds() ? [] : [name]));
  return { ready: () => failing().length === 0, whyNotReady: () => failing().join(', ') };
};
