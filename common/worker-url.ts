/**
 * Where the worker thread `name` has its entry: `<name>-worker.ts` beside the source that asks, `<name>-worker.js`
 * beside a bundle. Never the asking file itself: a bundle started as its own worker would run the whole program again.
 */
export const workerUrl = (moduleUrl: string, name: string): URL =>
  new URL(`./${name}-worker${moduleUrl.endsWith('.ts') ? '.ts' : '.js'}`, moduleUrl);
