import { quote } from '../common/bytes.ts';
import { nearest } from '../common/nearest.ts';

/** What is wrong with a policy: at `path` like `rules[2].match.destinations[0]`, below `spec`. */
export type PolicyProblem = {
  readonly path: string;
  readonly message: string;
  /** Right as written, but not in this version. */
  readonly unsupported?: true;
};

/** More problems than these are not looked for: whoever repairs so many asks again. */
export const maxProblems = 50;
const maxShown = 5;
/** To look for what was meant takes time, which whoever writes nonsense on purpose would take at length. */
const maxHinted = 16;

/** What `typed` was likely meant to be, as the end of a message; "" where nothing is near, or `problems` are many already. */
export function didYouMean(typed: string, words: readonly string[], problems: readonly PolicyProblem[]): string {
  const meant = problems.length < maxHinted ? nearest(typed, words) : undefined;
  return meant === undefined ? '' : `; did you mean ${quote(meant)}?`;
}

/** A policy that cannot be enforced as written, with everything that is wrong with it, up to {@link maxProblems}. */
export class PolicyInvalid extends Error {
  override readonly name = 'PolicyInvalid';
  readonly problems: readonly PolicyProblem[];

  constructor(problems: readonly PolicyProblem[]) {
    const shown = problems
      .slice(0, maxShown)
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
    const more = problems.length - shown.length;
    super(`policy: ${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`);
    this.problems = problems;
  }

  /** FeatureUnsupported where the policy is right and only this version lacks what it asks for. */
  get reason(): 'InvalidPolicy' | 'FeatureUnsupported' {
    return this.problems.every((problem) => problem.unsupported) ? 'FeatureUnsupported' : 'InvalidPolicy';
  }
}
