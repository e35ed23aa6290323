import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readOperatorSettings } from './operator-settings.ts';
import { digestOf, settings } from './testing/facts.ts';

const other = { namespaces: ['acme'], fingerprint: '', pods: settings.operator };
const good = {
  namespaces: ['payments'],
  others: [other, { ...other, fingerprint: digestOf('1') }],
  fleet: settings,
};

it('what was written is read', () => {
  expect(readOperatorSettings(stringify(good))).toEqual(good);
});

it.each([
  ['no map', [], 'settings: want a map'],
  ['a member too many', { ...good, more: 1 }, 'has no more'],
  ['a member missing', { namespaces: [], others: [] }, 'settings.fleet is missing'],
  ['an image by tag', { ...good, fleet: { ...settings, signerImage: 'signer:1.0' } }, 'fleet.signerImage: want'],
  [
    'another access mode',
    { ...good, fleet: { ...settings, volumes: { accessMode: 'ReadWriteMany', storageClassName: '' } } },
    'want ReadWriteOncePod or ReadWriteOnce',
  ],
  ['a peer that is everybody', { ...good, fleet: { ...settings, scrapeFrom: [{}] } }, 'fleet.scrapeFrom[0]: want'],
  [
    'an operator that is every pod',
    { ...good, fleet: { ...settings, operator: { namespace: 'holdfast', labels: {} } } },
    'fleet.operator.labels: want at least one',
  ],
  [
    'another operator by its name',
    { ...good, others: [{ ...other, fingerprint: 'x' }] },
    'others[0].fingerprint: want',
  ],
  [
    'another operator that is every pod',
    { ...good, others: [{ ...other, pods: { namespace: 'acme', labels: {} } }] },
    'others[0].pods.labels: want at least one',
  ],
])('%s is refused, and named', (_, given, message) => {
  expect(() => readOperatorSettings(stringify(given))).toThrow(message);
});

it('what is no YAML is refused', () => {
  expect(() => readOperatorSettings('a: [')).toThrow('settings: ');
});
