import { type ChildProcess, fork } from 'node:child_process';

/** One of our programs in a process of its own, which speaks to us by messages and may hang or end by itself. */
export class WatchedProcess<Word> {
  readonly #child: ChildProcess;
  readonly #within: number;
  #hear: (word: Word) => void = () => {};
  #ended: (why: string) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #over: string | undefined;

  /** Ended once it has said nothing for `within` milliseconds while it is listened to. */
  constructor(
    program: URL,
    within: number,
    {
      args = [],
      flags = [],
      env = {},
    }: { args?: string[]; flags?: readonly string[]; env?: Record<string, string> } = {},
  ) {
    this.#within = within;
    this.#child = fork(program, args, { execArgv: [...flags], env: { ...process.env, ...env } });
    this.#child.on('message', (word) => {
      this.#timer?.refresh();
      this.#hear(word as Word);
    });
    this.#child.on('error', ({ message }) => this.#end(message));
    this.#child.on('exit', (code, signal) => this.#end(`the process ended: ${signal ?? `exit code ${code}`}`));
  }

  /** Hears words until `isLast` of one; resolves with "", or with why there will be no more. */
  async listen(hear: (word: Word) => void, isLast: (word: Word) => boolean, order?: object): Promise<string> {
    if (this.#over !== undefined) return this.#over;
    const done = Promise.withResolvers<string>();
    this.#ended = done.resolve;
    this.#hear = (word) => {
      hear(word);
      if (isLast(word)) done.resolve('');
    };
    this.#timer = setTimeout(() => {
      this.#end(`it hung: nothing was done within ${this.#within / 1000} s`);
      this.#child.kill('SIGKILL');
    }, this.#within);
    if (order !== undefined) this.#child.send(order);
    try {
      return await done.promise;
    } finally {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }

  #end(why: string): void {
    this.#over ??= why;
    this.#ended(this.#over);
  }
}
