import type { SchemeName } from '../../signer/scheme/scheme.ts';

/** A signer in one minute. */
export type SteadySigner = {
  readonly name: string;
  /** Resident memory at the end of the minute, and the most that was seen once a second. */
  readonly rssBytes: number;
  readonly mostRssBytes: number;
  /** How long its event loop made a caller of /healthz wait, once a second: median and 99th percentile. */
  readonly answerMs: number;
  readonly mostAnswerMs: number;
  readonly databaseBytes: number;
  /** SQLite's write-ahead log. */
  readonly walBytes: number;
};

/** The process that pays. */
export type SteadyClient = {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** 99th percentile of how late its event loop was. */
  readonly loopDelayMs: number;
};

/** A minute of steady load as `--steady --json` prints it. Times in ms, rates per second. */
export type SteadyRow = {
  readonly minute: number;
  /** In turn, one payment after another. */
  readonly schemes: readonly SchemeName[];
  readonly t: number;
  readonly n: number;
  readonly inFlight: number;
  readonly delayMs: number;
  readonly count: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  /** How often payments had to be asked again. */
  readonly askedAgain: number;
  readonly signers: readonly SteadySigner[];
  readonly client: SteadyClient;
};

/** Change of one process's resident memory. */
export type Growth = {
  readonly name: string;
  readonly mostRssBytes: number;
  /** From the end of the first minute to the end of the last. */
  readonly grownBytes: number;
  /** Slope of a straight line through the second half of the minutes: by then heaps have their size. */
  readonly bytesPerHour: number;
};

/** The last line of `--steady --json`. Ratios are the last minute's to the first one's: 1 is flat. */
export type SteadySummary = {
  readonly minutes: number;
  readonly perSecondRatio: number;
  readonly p50Ratio: number;
  readonly p95Ratio: number;
  readonly p99Ratio: number;
  /** Signers, then the client. */
  readonly memory: readonly Growth[];
};
