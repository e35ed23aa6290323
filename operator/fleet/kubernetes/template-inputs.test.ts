import { expect, it } from 'vitest';
import type { Signer } from '../../api/resource.ts';
import { aSigner } from '../../testing/objects.ts';
import { templateInputs } from './template-inputs.ts';
import { digestOf, facts, pkcs11, settings, signerImage } from './testing/facts.ts';

const seal = { pkcs11: { ...pkcs11, egress: [{ cidr: '192.0.2.1/32', port: 1792 }] } };
const of = (spec: Partial<Signer['spec']> = {}, over: Partial<Parameters<typeof templateInputs>[0]> = {}): string =>
  templateInputs({ ...facts(), signer: aSigner('client', { spec: { seal, ...spec } }), ...over });

it.each<[string, Partial<Signer['spec']>]>([
  ['image', { image: `other@${digestOf('c')}` }],
  ['Secret of its seal', { seal: { keySecretRef: { name: 'other', key: 'kek' } } }],
  ['HSM', { seal: { pkcs11: { ...seal.pkcs11, tokenLabel: 'other' } } }],
  ['memory', { resources: { limits: { memory: '1Gi' } } }],
  ['machines', { nodeSelector: { pool: 'signers' } }],
  ['placement', { placement: 'Required' }],
])('a Signer of another %s has another template', (_, spec) => {
  expect(of(spec)).not.toBe(of());
});

it('so has a signer of another operator, and one that is pulled otherwise', () => {
  expect(of({}, { operator: digestOf('9') })).not.toBe(of());
  expect(of({}, { settings: { ...settings, imagePullPolicy: 'Always' } })).not.toBe(of());
});

it.each<[string, Partial<Signer['spec']>, Partial<typeof settings>]>([
  ['image that the chart names', {}, { signerImage: signerImage.replace('signer@', 'next@') }],
  ['size of its volume', { storage: { size: '5Gi' } }, {}],
  ['size of its token', { seal: { pkcs11: { ...seal.pkcs11, storage: { size: '1Gi' } } } }, {}],
  ['network of its HSM', { seal: { pkcs11: { ...seal.pkcs11, egress: [] } } }, {}],
  ['scraper', {}, { scrapeFrom: [{ podSelector: {} }] }],
])('another %s leaves the template as it is', (_, spec, changed) => {
  expect(of(spec, { settings: { ...settings, ...changed } })).toBe(of());
});

it('the order of members says nothing', () => {
  expect(of({ nodeSelector: { a: '1', b: '2' } })).toBe(of({ nodeSelector: { b: '2', a: '1' } }));
});
