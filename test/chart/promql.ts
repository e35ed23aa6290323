import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const program = (): string =>
  execFileSync('bash', [join(root, 'scripts/go-tool.sh'), 'test/chart/promql', 'holdfast.dev/promql'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();

/** What Prometheus' own parser finds wrong with groups of rules, or with queries. */
export const promqlProblems = (kind: 'rules' | 'queries', input: unknown): readonly string[] =>
  execFileSync(program(), [kind], { encoding: 'utf8', input: JSON.stringify(input) })
    .split('\n')
    .filter((line) => line !== '');

/** A query of a dashboard as Prometheus gets it from Grafana; of a variable's, the series that it takes values from. */
export const asAsked = (query: string): string =>
  query.replaceAll('$__rate_interval', '5m').replace(/^label_values\((.*), \w+\)$/, '$1');
