import { expect, it } from 'vitest';
import { readConfig } from './config.ts';

const given = {
  module: '/usr/lib/softhsm/libsofthsm2.so',
  'token-label': 'backup',
  'pin-file': 'pin',
  socket: '/run/holdfast/hsm.sock',
  wallet: 'default/treasury',
  holder: 'backup',
};
const read = (changes: Readonly<Record<string, string | undefined>> = {}) =>
  readConfig(
    Object.entries({ ...given, ...changes }).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    ),
  );

it('reads what is needed and fills in the rest', () => {
  expect(read()).toEqual({
    module: given.module,
    tokenLabel: 'backup',
    pinFile: 'pin',
    socket: given.socket,
    wallet: 'default/treasury',
    holder: 'backup',
    wrapMechanism: 'CKM_AES_GCM',
    signMechanism: 'CKM_ECDSA',
    deadlineMs: 5000,
    logLevel: 'info',
  });
});

it.each([
  [{ wallet: undefined }, '--wallet is missing: want namespace/name'],
  [{ wallet: 'treasury' }, '--wallet: want namespace/name, got "treasury"'],
  [{ module: 'libsofthsm2.so' }, '--module: want the absolute path of a PKCS#11 module'],
  [{ 'token-label': 'x'.repeat(33) }, '--token-label: want the label of a token, at most 32 characters'],
  [{ 'wrap-mechanism': 'CKM_AES_CBC' }, '--wrap-mechanism: want CKM_AES_GCM, got "CKM_AES_CBC"'],
  [{ 'sign-mechanism': 'CKM_RSA_PKCS' }, '--sign-mechanism: want CKM_ECDSA or CKM_ECDSA_SHA256'],
  [{ 'deadline-ms': '1' }, '--deadline-ms: want 10 to 999999 milliseconds'],
  [{ socket: `/${'x'.repeat(107)}` }, '--socket: want a path of at most 107 bytes, got 108'],
  [{ pin: '1234' }, "Unknown option '--pin'"],
])('refuses %o', (changes, message) => {
  expect(() => read(changes)).toThrow(message);
});
