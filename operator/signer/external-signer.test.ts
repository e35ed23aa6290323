import { expect, test } from 'vitest';
import { anExternalSigner, aSigner } from '../testing/objects.ts';
import { externalObservation, externalTargets, pinOf, wrongExternal } from './external-signer.ts';

const pin = `sha256:${'2'.repeat(64)}`;
const external = { endpoint: 'signer.acme.example:7443', fingerprint: pin };

test('the sign port is the usual one of the same host, or as it is written', () => {
  expect(externalObservation(aSigner('client'))).toBeUndefined();
  const asked = (over: object) => externalObservation(anExternalSigner('client', { ...external, ...over }));
  expect(asked({})).toMatchObject({
    running: true,
    signEndpoint: 'signer.acme.example:8443',
    peerEndpoint: 'signer.acme.example:7443',
  });
  expect(asked({ endpoint: '[2001:db8::7]:1' })?.signEndpoint).toBe('[2001:db8::7]:8443');
  expect(asked({ signEndpoint: 'sign.acme.example:443' })?.signEndpoint).toBe('sign.acme.example:443');
});

test('the key that its owner wrote comes before one that was learnt', () => {
  const status = { fingerprint: `sha256:${'3'.repeat(64)}` };
  expect(pinOf(undefined)).toBeUndefined();
  expect(pinOf(aSigner('client', { status }))).toBe(status.fingerprint);
  expect(pinOf({ ...anExternalSigner('client', external), status })).toBe(pin);
});

test('what nobody can dial is named, and is in nobody’s NetworkPolicy', () => {
  const cidrs = ['203.0.113.7/32', '2001:db8::/128', '0.0.0.0/0'];
  const targets = (over: object) =>
    externalTargets([aSigner('infrastructure'), anExternalSigner('client', { ...external, cidrs, ...over })]);
  expect(targets({})).toEqual(cidrs.map((cidr) => ({ cidr, port: 7443 })));
  for (const [over, says] of [
    [{ cidrs: ['203.0.113.7/33'] }, 'spec.external.cidrs: want address ranges like 203.0.113.7/32, got 203.0.113.7/33'],
    [{ cidrs: ['999.0.0.1/8'] }, 'got 999.0.0.1/8'],
    [{ cidrs: ['::/129'] }, 'got ::/129'],
    [{ endpoint: 'a.example:65536' }, 'spec.external.endpoint: want a port of at most 65535, got a.example:65536'],
    [{ signEndpoint: 'a.example:99999' }, 'spec.external.signEndpoint: want a port'],
  ] satisfies readonly (readonly [object, string])[]) {
    expect(wrongExternal({ ...external, ...over })).toContain(says);
    expect(targets(over)).toEqual([]);
  }
  expect(wrongExternal({ ...external, cidrs })).toBe('');
});
