import { CommanderError } from 'commander';
import { UserError, messageOf } from '../common/errors.ts';
import { commandLine } from './command-line.ts';
import { exitCodes } from './exit-codes.ts';
import { oneLine } from './one-line.ts';
import { createProgram } from './program.ts';
import { processSession } from './session.ts';

const stop = new AbortController();
/** What Ctrl-C aborts with, to be told from failures. */
const interrupt = new Error('interrupted');

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // Who asks twice does not want to wait.
    if (stop.signal.aborted) process.exit(exitCodes.interrupted);
    stop.abort(interrupt);
  });

// A reader that has seen enough, like head, is no failure.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.error),
  );

const session = processSession(stop.signal);

try {
  await createProgram(session).parseAsync(process.argv);
} catch (error) {
  session.exitWith(report(error));
}

/** Tells what went wrong, as `error:` and `hint:` lines; returns the exit code. */
function report(error: unknown): number {
  if (stop.signal.aborted && messageOf(error).includes(interrupt.message)) return exitCodes.interrupted;
  if (error instanceof CommanderError) return reportUsage(error);
  session.note(`error: ${oneLine(messageOf(error))}`);
  if (error instanceof UserError) for (const hint of error.hints) session.note(`hint: ${oneLine(asStarted(hint))}`);
  else if (session.env['HOLDFAST_DEBUG'] !== undefined && error instanceof Error) session.note(error.stack ?? '');
  return error instanceof UserError ? error.exitCode : exitCodes.error;
}

/** A hint whose command can be pasted also where no holdfast is on the PATH. */
function asStarted(hint: string): string {
  return hint.replace(/(?<=^|: )holdfast (?=[a-z-])/, () => `${commandLine(session)} `);
}

function reportUsage({ code, exitCode, message }: CommanderError): number {
  if (exitCode === 0) return exitCodes.ok; // --help and --version
  if (code === 'commander.help') {
    session.note('error: a command is missing');
  } else {
    const [, text = message, meant] = /^(?:error: )?(.*?)(?:\n\(Did you mean (.*)\?\))?$/s.exec(message) ?? [];
    session.note(`error: ${text}`);
    if (meant !== undefined) session.note(`hint: did you mean ${meant}?`);
  }
  session.note(`hint: ${commandLine(session, ...verbsIn(process.argv.slice(2)), '--help')} shows how`);
  return exitCodes.usage;
}

/** The verbs that a command line begins with, as far as there are such. */
function verbsIn(words: readonly string[]): readonly string[] {
  let { commands } = createProgram(session);
  const verbs: string[] = [];
  for (const word of words) {
    const verb = commands.find((command) => command.name() === word);
    if (verb === undefined) break;
    verbs.push(word);
    ({ commands } = verb);
  }
  return verbs;
}
