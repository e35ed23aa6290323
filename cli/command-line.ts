import type { Session } from './session.ts';

/** A command to be pasted: this program as the person started it, then words that a shell takes as they are. */
export const commandLine = ({ env }: Pick<Session, 'env'>, ...words: readonly string[]): string =>
  shellLine(env['HOLDFAST_COMMAND'] ?? 'holdfast', ...words);

/** Words as a shell takes them. */
export const shellLine = (...words: readonly string[]): string => words.map(shellWord).join(' ');

const shellWord = (word: string): string =>
  /^[-\w./:@%+=,]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
