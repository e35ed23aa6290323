import type { PodEvent } from './played-cluster.ts';

/** The fewest of `pods` that were ready at once after all were, and the most that were replaced at once. */
export function worst(events: readonly PodEvent[], pods = 3): { readonly ready: number; readonly changing: number } {
  const ready = new Set<string>();
  const changing = new Set<string>();
  let [fewest, most, all] = [pods, 0, false];
  for (const { set, what } of events) {
    if (what === 'ready') {
      ready.add(set);
      changing.delete(set);
    } else ready.delete(set);
    if (all && what === 'ending') changing.add(set);
    all ||= ready.size === pods;
    if (all) [fewest, most] = [Math.min(fewest, ready.size), Math.max(most, changing.size)];
  }
  return { ready: fewest, changing: most };
}
