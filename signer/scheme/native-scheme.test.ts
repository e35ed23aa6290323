import { describeAddon } from '../../test/addon.ts';
import { schemeSuite, sizesSuite } from '../../test/scheme-suite.ts';
import { nativeScheme } from './native-scheme.ts';

describeAddon('FROST by the addon', (addon) => {
  for (const name of ['EdDSA', 'Schnorr'] as const) {
    schemeSuite(`${name} on the calling thread`, () => nativeScheme(name, addon));
    schemeSuite(`${name} in the thread pool`, () => nativeScheme(name, addon, 'pool'));
    sizesSuite(() => nativeScheme(name, addon), [[5, 9]]);
  }
});
