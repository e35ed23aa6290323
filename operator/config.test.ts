import { expect, it } from 'vitest';
import { readConfig } from './config.ts';

const flags = {
  '--identity': '/etc/holdfast/identity/identity.pem',
  '--settings': '/etc/holdfast/settings/settings.yaml',
  '--namespace': 'holdfast',
  '--lease': 'holdfast',
};
const args = (over: Readonly<Record<string, string | undefined>> = {}): string[] =>
  Object.entries({ ...flags, ...over }).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));

it('reads its flags, and fills in where metrics are and what is logged', () => {
  expect(readConfig(args())).toEqual({
    identity: flags['--identity'],
    settings: flags['--settings'],
    namespace: 'holdfast',
    lease: 'holdfast',
    metricsListen: '127.0.0.1:9090',
    logLevel: 'info',
  });
});

it.each([
  ['--identity', undefined, '--identity is missing: want a file'],
  ['--namespace', 'No', '--namespace: want the name of a namespace'],
  ['--lease', '', '--lease: want the name of a Lease'],
  ['--metrics-listen', 'everywhere', 'listen address: want host:port'],
  ['--log-level', 'loud', '--log-level: want one of'],
  ['--leader', 'yes', "Unknown option '--leader'"],
])('%s %s: says what is wrong', (name, value, message) => {
  expect(() => readConfig(args({ [name]: value }))).toThrow(message);
});
