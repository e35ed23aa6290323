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
