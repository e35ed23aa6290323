import type { EcdsaScheme, Engine, SchemeName } from '../../signer/scheme/scheme.ts';

/** One measurement as `--json` prints it. Times in ms, rates per second. */
export type Row = {
  readonly scheme: SchemeName;
  readonly engine: Engine | EcdsaScheme['engine'];
  readonly t: number;
  readonly n: number;
  readonly inFlight: number;
  /** One way, between any two signers. The client is beside them unless `--delay-client` was given. */
  readonly delayMs: number;
  readonly count: number;
  readonly perSecond: number;
  readonly best: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** Mean of one signature by the bare library in one process, while every core runs one. */
  readonly bareMs: number;
  /** `perSecond` over what the bare library makes on all cores together. */
  readonly ratio: number;
  /** Median of one durable write to the disk that the signers use. */
  readonly fsyncMs: number;
};

/** The names of a row's members with their types: what a reader of `--json` may rely on. */
export const rowTypes = {
  scheme: 'string',
  engine: 'string',
  t: 'number',
  n: 'number',
  inFlight: 'number',
  delayMs: 'number',
  count: 'number',
  perSecond: 'number',
  best: 'number',
  p50: 'number',
  p95: 'number',
  p99: 'number',
  bareMs: 'number',
  ratio: 'number',
  fsyncMs: 'number',
} as const satisfies Readonly<Record<keyof Row, 'string' | 'number'>>;
