import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathPatterns } from './path-patterns.ts';
import { SOL, allow, ask, holding, never, table } from './testing/evaluation.ts';
import { address, bare, policyOf, sanctioned, sol, transfer, vendor } from './testing/policies.ts';

const at = (path: string): { readonly path: string } => ({ path });
const customers = allow({ paths: ['m/0/*'] });

describe('patterns of paths', () => {
  it('are compared number by number, with * for any one', () => {
    const number = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 2 ** 31 - 1 })).map(String);
    const path = fc.array(number, { maxLength: 4 });
    const pattern = fc.array(fc.oneof(fc.constant('*'), number), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), path, fc.boolean(), (patterns, some, from) => {
        // Half of the paths are made of a pattern, or hardly any would match.
        const numbers = from ? (patterns[0] ?? []).map((each, i) => (each === '*' ? (some[i] ?? '7') : each)) : some;
        const expected = patterns.some(
          (each) => each.length === numbers.length && each.every((want, i) => want === '*' || want === numbers[i]),
        );
        const written = new PathPatterns(patterns.map((each) => ['m', ...each].join('/')));
        expect(written.has(['m', ...numbers].join('/'))).toBe(expected);
      }),
    );
  });
});

describe('rules by path', () => {
  table([
    ['are about the paths they name', [customers], [transfer(1n, at('m/0/7'))], 'allowed by allow'],
    ['not about deeper ones', [customers], [transfer(1n, at('m/0/7/1'))], 'PolicyDenied'],
    ['nor about others', [customers], [transfer(1n, at('m/1/7'))], 'PolicyDenied'],
    ['nor about the key itself', [customers], [transfer(1n)], 'PolicyDenied'],
    ['name the key itself with m', [allow({ paths: ['m'] })], [transfer(1n)], 'allowed by allow'],
    ['which is no child', [allow({ paths: ['m'] })], [transfer(1n, at('m/0'))], 'PolicyDenied'],
    ['are about any path where they name none', [allow({})], [transfer(1n, at('m/9/9'))], 'allowed by allow'],
    [
      'deny as they allow',
      [never({ paths: ['m/0/13'] }), customers],
      [transfer(1n, at('m/0/13'))],
      'PolicyDenied by never',
    ],
    [
      'say nothing of another path',
      [never({ paths: ['m/0/13'] }), customers],
      [transfer(1n, at('m/0/1'))],
      'allowed by allow',
    ],
    [
      'know a path where nothing else is known',
      [never({ paths: ['m/0/13'], destinations: ['sanctioned'] }), allow({ kinds: ['Call'] })],
      [bare('Call', at('m/0/1'))],
      'allowed by allow',
    ],
    [
      'deny what is not understood at their paths',
      [never({ paths: ['m/0/1'] }), allow({ kinds: ['Call'] })],
      [bare('Call', at('m/0/1'))],
      'PolicyDenied by never',
    ],
    [
      'count in their limits what is at their paths',
      [
        { ...allow({ assets: ['SOL'], paths: ['m/1'] }), name: 'other' },
        allow({ assets: ['SOL'], paths: ['m/0/*'] }, { limits: [{ amount: '2', per: '24h' }] }),
      ],
      [transfer(SOL, at('m/0/1')), transfer(2n * SOL, at('m/1'))],
      'allowed by other,allow',
      { ledger: holding({ [sol]: SOL }) },
    ],
  ]);

  it('say which path they wanted, and of which child an effect is', () => {
    const policy = policyOf([allow({ paths: ['m/0/*', 'm/7'], destinations: ['vendor'] })]);
    const [asked, allowed] = [transfer(SOL, { destination: vendor, path: 'm/1/2' }), bare('Digest', at('m/3'))];
    expect(ask(policy, [asked]).message).toBe(
      `m/1/2: 1 SOL to vendor (${address(2)}): no rule allows it; nearest is allow: it is about m/0/*, m/7, not m/1/2`,
    );
    expect(ask(policyOf([allow({ kinds: ['Digest'] })]), [allowed]).message).toBe('m/3: is a Digest');
    expect(ask(policy, [transfer(SOL, { destination: sanctioned })]).message).toMatch(/not m$/);
  });
});
