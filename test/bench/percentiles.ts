export type Percentiles = { readonly best: number; readonly p50: number; readonly p95: number; readonly p99: number };

/** Nearest-rank percentiles: each is a value that was measured. Throws on an empty sample. */
export function percentiles(sample: readonly number[]): Percentiles {
  if (sample.length === 0) throw new Error('want at least one measurement, got none');
  const sorted = [...sample].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { best: at(0), p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** The middle of a sample, NaN where it is empty. */
export const median = (sample: readonly number[]): number =>
  sample.length === 0 ? Number.NaN : percentiles(sample).p50;
