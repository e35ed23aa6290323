import { describe, expect, it } from 'vitest';
import { loadAddon, type Addon } from '../signer/native/addon.ts';

const found = loadAddon();
const why = found.addon === undefined ? `no addon: ${found.why}` : '';
if (why !== '') {
  // CI has Rust: there it would be a test that cannot fail.
  if (process.env['CI'] === 'true') throw new Error(`${why}; CI needs cargo`);
  console.error(`tests of the addon are left out: ${why}; npm test builds it where there is cargo 1.88 or later`);
}

/** Tests that need the signer's addon. Where there is none they are left out, and say so. */
export function describeAddon(title: string, tests: (addon: Addon) => void): void {
  describe.skipIf(found.addon === undefined)(why === '' ? title : `${title}: ${why}`, () => {
    it('is there to be tested', () => expect(found.addon).toBeDefined());
    if (found.addon !== undefined) tests(found.addon);
  });
}
