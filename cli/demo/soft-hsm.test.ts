import { expect, it } from 'vitest';
import { findSoftHsm } from './soft-hsm.ts';

it('finds the module where it and what loads it are there', () => {
  expect(findSoftHsm(() => true)).toEqual({ module: '/usr/lib/softhsm/libsofthsm2.so' });
  expect(findSoftHsm((file) => !file.startsWith('/usr/lib/'))).toEqual({
    module: '/usr/lib64/softhsm/libsofthsm2.so',
  });
});

it('says what to install where one of them is not', () => {
  expect(findSoftHsm(() => false)).toEqual({ missing: expect.stringContaining('apt-get install softhsm2') });
  expect(findSoftHsm((file) => file.startsWith('/usr/'))).toEqual({
    missing: expect.stringContaining('npm rebuild pkcs11js'),
  });
});
