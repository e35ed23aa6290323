import { schemeSuite } from '../../test/scheme-suite.ts';
import { frostScheme, inlineEngine } from './frost-scheme.ts';

schemeSuite('EdDSA by @noble/curves on the calling thread', () => frostScheme('EdDSA', engine));
schemeSuite('Schnorr by @noble/curves on the calling thread', () => frostScheme('Schnorr', engine));

const engine = inlineEngine();
