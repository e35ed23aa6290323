/**
 * What `path` finds in `value`, undefined where there is nothing: the part of Kubernetes' JSONPath that printer columns
 * use, which are members and the first item of a list whose member has a value. Throws on any other path.
 */
export function jsonPath(path: string, value: unknown): unknown {
  const steps = [...path.matchAll(/\.(?<member>\w+)|\[\?\(@\.(?<key>\w+)=="(?<want>[^"]*)"\)\]/g)];
  if (steps.map(([text]) => text).join('') !== path) throw new Error(`no path that this version knows: ${path}`);
  return steps.reduce<unknown>((at, { groups = {} }) => {
    const { member, key = '', want } = groups;
    if (member !== undefined) return memberOf(at, member);
    return Array.isArray(at) ? at.find((item) => memberOf(item, key) === want) : undefined;
  }, value);
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
