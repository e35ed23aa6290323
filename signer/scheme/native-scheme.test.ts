import { schemeSuite } from '../../test/scheme-suite.ts';
import { loadAddon } from '../native/addon.ts';
import { nativeScheme } from './native-scheme.ts';

const found = loadAddon();
const addon = found.addon!;
schemeSuite('EdDSA by the addon', () => nativeScheme('EdDSA', addon));
schemeSuite('Schnorr by the addon', () => nativeScheme('Schnorr', addon));
