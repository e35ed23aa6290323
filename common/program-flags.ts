import { parseArgs } from 'node:util';
import { quote } from './bytes.ts';
import { messageOf, UserError } from './errors.ts';
import { levels, type Level } from './log.ts';

/** The flags a program was given: texts by name, and what reads them. All of it throws UserErrors with exit code 2. */
export type ProgramFlags = {
  readonly values: Readonly<Record<string, string | undefined>>;
  /** The value of a flag, `otherwise` where it was not given; throws unless it has `form`, saying that `want` is wanted. */
  matching(name: string, form: RegExp, want: string, otherwise?: string): string;
  /** `--log-level`, info where it was not given. */
  logLevel(): Level;
  /** The error that says `message`, with the program's usage as its hint. */
  wrong(message: string): UserError;
};

/** Reads flags of `names`, each with a value; throws where there is another, or something that is no flag. */
export function programFlags(args: readonly string[], names: readonly string[], usage: string): ProgramFlags {
  const wrong = (message: string): UserError => new UserError(message, [usage], 2);
  const parse = (): ProgramFlags['values'] => {
    try {
      const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
      return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
    } catch (error) {
      throw wrong(messageOf(error));
    }
  };
  const values = parse();
  return {
    values,
    matching(name, form, want, otherwise) {
      const value = values[name] ?? otherwise;
      if (value === undefined) throw wrong(`--${name} is missing: want ${want}`);
      if (!form.test(value)) throw wrong(`--${name}: want ${want}, got ${quote(value)}`);
      return value;
    },
    logLevel() {
      const text = values['log-level'] ?? 'info';
      const level = levels.find((known) => known === text);
      if (level === undefined) throw wrong(`--log-level: want one of ${levels.join(', ')}, got ${quote(text)}`);
      return level;
    },
    wrong,
  };
}
