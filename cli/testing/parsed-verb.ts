import type { Command } from 'commander';
import { createProgram } from '../program.ts';
import type { Session } from '../session.ts';

/** A session that says nothing and has nothing. */
export const silentSession: Session = {
  print: () => {},
  write: () => {},
  note: () => {},
  env: {},
  signal: new AbortController().signal,
  paint: (_style, text) => text,
  exitWith: () => {},
};

/** A command's verbs, and theirs. */
export const verbsOf = (command: Command): readonly Command[] =>
  command.commands.flatMap((verb) => [verb, ...verbsOf(verb)]);

/** The words of the first command of a line, as a shell would part them. */
const wordsOf = (line: string): readonly string[] =>
  [...(line.split(/ [|>] /)[0] ?? '').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');

/** The verb that a line of a shell which begins with holdfast would run, without running it; rejects where it is wrong. */
export async function parsedVerb(line: string): Promise<string> {
  const [program = '', ...words] = wordsOf(line);
  if (!/^(?:bin\/)?holdfast$/.test(program)) throw new Error(`want a command of holdfast, got ${line}`);
  const parsed = createProgram(silentSession);
  let ran = '';
  for (const verb of verbsOf(parsed)) if (verb.commands.length === 0) verb.action(() => void (ran = verb.name()));
  if (words.includes('--help')) return ran;
  await parsed.parseAsync(words, { from: 'user' });
  return ran;
}
