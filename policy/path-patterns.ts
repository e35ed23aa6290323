import type { Effect } from './effect.ts';

/** The path that an effect is of; `m` is the key itself. */
export const pathOf = ({ path }: Pick<Effect, 'path'>): string => path ?? 'm';

/** Paths by pattern, like `m/0/*`: each component is a number, or `*` for any one. What is deeper or less deep is another path. */
export class PathPatterns implements Iterable<string> {
  readonly #patterns: readonly string[];
  readonly #any: RegExp;

  /** Patterns of numbers and `*` alone, as a document has them. */
  constructor(patterns: readonly string[]) {
    this.#patterns = patterns;
    this.#any = new RegExp(`^(?:${patterns.join('|').replaceAll('*', '[0-9]+')})$`);
  }

  has(path: string): boolean {
    return this.#any.test(path);
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#patterns.values();
  }
}
