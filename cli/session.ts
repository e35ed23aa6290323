import { styleText } from 'node:util';

/** What a verb has of the world. Results go to stdout; progress, messages and errors to stderr. */
export interface Session {
  /** One line of a result. */
  print(text: string): void;
  /** A result that is bytes, exactly these. */
  write(bytes: Uint8Array): void;
  /** One line for the person at the terminal. */
  note(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** `text` in this style where stdout is a terminal that shows it. */
  paint(style: Style, text: string): string;
  /** Ends with this exit code, without an error: for verdicts. */
  exitWith(code: number): void;
}

export type Style = 'green' | 'yellow' | 'red' | 'dim' | 'bold';

/** The session of this process. */
export const processSession = (signal: AbortSignal): Session => ({
  print: (text) => void process.stdout.write(`${text}\n`),
  write: (bytes) => void process.stdout.write(bytes),
  note: (text) => void process.stderr.write(`${text}\n`),
  // oxlint-disable-next-line no-process-env -- the one place that hands it to the verbs
  env: process.env,
  signal,
  paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  exitWith(code) {
    process.exitCode = code;
  },
});
