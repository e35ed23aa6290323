import { describe, expect, it } from 'vitest';
import { isAllowed } from './crates.ts';

describe('a licence of a crate', () => {
  it.each(['MIT', 'MIT OR Apache-2.0', 'GPL-3.0-only OR MIT', '(MIT OR GPL-2.0-only) AND Unicode-3.0'])(
    'is allowed as %s',
    (expression) => expect(isAllowed(expression)).toBe(true),
  );

  it.each(['', 'GPL-3.0-only', 'MIT AND GPL-3.0-only', '(MIT OR ISC) AND MPL-2.0', 'MITX', 'unmet'])(
    'is not allowed as %s',
    (expression) => expect(isAllowed(expression)).toBe(false),
  );
});
