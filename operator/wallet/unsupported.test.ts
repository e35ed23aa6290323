import { expect, test } from 'vitest';
import { aWallet } from '../testing/objects.ts';
import { gone, holder } from '../testing/holder-states.ts';
import { supportedKeys, unsupportedKeys } from './unsupported.ts';

const wallet = aWallet({
  keys: [
    { name: 'solana', scheme: 'EdDSA' },
    { name: 'ethereum', scheme: 'ECDSA' },
  ],
});
const frost = ['EdDSA', 'Schnorr'].map((name) => ({ name, engine: 'noble', problem: '' }));
const all = { schemes: [...frost, { name: 'ECDSA', engine: 'dkls23', problem: '' }] };
const without = { schemes: [...frost, { name: 'ECDSA', engine: '', problem: 'no native addon' }] };
const older = { schemes: [] };

const supported = (...holders: Parameters<typeof supportedKeys>[1][]): string[] =>
  supportedKeys(wallet, holders.flat()).map(({ name }) => name);

test('a key is made once every signer that answers has an engine for it', () => {
  expect(supported([holder('infrastructure', all), holder('client', all), gone('backup')])).toEqual([
    'solana',
    'ethereum',
  ]);
  expect(supported([holder('infrastructure', all), holder('client', without), gone('backup')])).toEqual(['solana']);
  expect(supported([holder('infrastructure', all), holder('client', older)])).toEqual(['solana']);
});

test('whose signer has none, and why, is said', () => {
  const holders = [holder('infrastructure', all), holder('client', without), holder('backup', older)];
  expect(unsupportedKeys(wallet, holders)).toEqual({
    reason: 'SchemeUnsupported',
    message: 'key ethereum: no ECDSA at client: no native addon; backup: its version is older than ECDSA',
  });
  expect(unsupportedKeys(wallet, [holder('infrastructure', all)])).toBeUndefined();
});
