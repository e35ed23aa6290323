import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readOperatorSettings } from './operator-settings.ts';
import { settings } from './testing/facts.ts';

const good = { namespaces: ['payments'], fleet: settings };

it('what was written is read', () => {
  expect(readOperatorSettings(stringify(good))).toEqual(good);
});

it.each([
  ['no map', [], 'settings: want a map'],
  ['a member too many', { ...good, more: 1 }, 'has no more'],
  ['a member missing', { namespaces: [] }, 'settings.fleet is missing'],
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
])('%s is refused, and named', (_, given, message) => {
  expect(() => readOperatorSettings(stringify(given))).toThrow(message);
});

it('what is no YAML is refused', () => {
  expect(() => readOperatorSettings('a: [')).toThrow('settings: ');
});
