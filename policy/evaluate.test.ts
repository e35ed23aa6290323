import { describe } from 'vitest';
import type { Effect } from './effect.ts';
import { SOL, holding, allow, never, table } from './testing/evaluation.ts';
import type { Row } from './testing/evaluation.ts';
import {
  address,
  bare,
  bitcoin,
  btc,
  payroll,
  sanctioned,
  sol,
  solana,
  stranger,
  transfer,
  usdc,
  vendor,
} from './testing/policies.ts';

describe('default deny', () => {
  table([
    ['an effect that no rule is about', [allow({ destinations: ['vendor'] })], [transfer(1n)], 'PolicyDenied'],
    ['an effect that only a Deny is not about', [never({ destinations: ['vendor'] })], [transfer(1n)], 'PolicyDenied'],
    ['an empty match is about every transfer', [allow({})], [transfer(1n)], 'allowed by allow'],
    ['nothing at all', [allow({})], [], 'PolicyDenied'],
    ['only change, which would burn fees without end', [allow({})], [transfer(1n, { change: true })], 'PolicyDenied'],
    [
      'one bad effect among good ones',
      [allow({ destinations: ['payroll'] })],
      [transfer(1n), transfer(1n, { destination: stranger }), transfer(1n)],
      'PolicyDenied',
    ],
    ['more effects than anyone judges', [allow({})], Array.from({ length: 65 }, () => transfer(1n)), 'PolicyDenied'],
    ['as many as anyone judges', [allow({})], Array.from({ length: 64 }, () => transfer(1n)), 'allowed by allow'],
  ]);
});

describe('Deny and Allow', () => {
  table([
    [
      'a Deny wins, wherever it stands',
      [allow({}), never({ destinations: ['sanctioned'] })],
      [transfer(1n, { destination: sanctioned })],
      'PolicyDenied by never',
    ],
    [
      'a Deny that is about something else says nothing',
      [never({ destinations: ['sanctioned'] }), allow({})],
      [transfer(1n)],
      'allowed by allow',
    ],
    [
      'a denied effect denies the request',
      [never({ destinations: ['sanctioned'] }), allow({})],
      [transfer(1n), transfer(1n, { destination: sanctioned })],
      'PolicyDenied by never',
    ],
    [
      'the first Allow that matches decides what is required',
      [{ ...allow({}), name: 'first', limits: [{ count: 1, per: '1h' }] }, allow({})],
      [transfer(1n)],
      'LimitExceeded by first',
      { ledger: holding({}, 1) },
    ],
    [
      'each effect finds its own rule, and the request needs all',
      [
        { ...allow({ destinations: ['payroll'] }), name: 'a' },
        { ...allow({ destinations: ['vendor'] }), name: 'b' },
      ],
      [transfer(1n, { destination: vendor }), transfer(1n)],
      'allowed by a,b',
    ],
    [
      'change needs no rule beside an effect that has one',
      [allow({ destinations: ['payroll'] })],
      [transfer(1n), transfer(9n, { change: true, destination: stranger })],
      'allowed by allow',
    ],
    [
      'change is not denied either',
      [never({ destinations: ['sanctioned'] }), allow({ destinations: ['payroll'] })],
      [transfer(1n), transfer(9n, { change: true, destination: sanctioned })],
      'allowed by allow',
    ],
  ]);
});

describe('conditions', () => {
  table([
    ['a chain that is named', [allow({ chains: [solana] })], [transfer(1n)], 'allowed by allow'],
    ['a chain that is not', [allow({ chains: [bitcoin] })], [transfer(1n)], 'PolicyDenied'],
    ['an asset that is named', [allow({ assets: ['SOL', 'BTC'] })], [transfer(1n)], 'allowed by allow'],
    ['an asset that is not', [allow({ assets: ['USDC'] })], [transfer(1n)], 'PolicyDenied'],
    [
      'an asset that is not even listed',
      [allow({ assets: ['USDC'] })],
      [transfer(1n, { asset: `${solana}/token:${address(3)}` })],
      'PolicyDenied',
    ],
    [
      'an unlisted asset under a rule that names none',
      [allow({ destinations: ['payroll'] })],
      [transfer(1n, { asset: `${solana}/token:${address(3)}` })],
      'allowed by allow',
    ],
    [
      'a destination that is not in the book',
      [allow({ destinations: ['payroll', 'vendor'] })],
      [transfer(1n, { destination: stranger })],
      'PolicyDenied',
    ],
    [
      'all conditions hold but one',
      [allow({ chains: [solana], assets: ['SOL'], destinations: ['vendor'] })],
      [transfer(1n)],
      'PolicyDenied',
    ],
    [
      'the same address on another chain is another destination',
      [allow({ destinations: ['payroll'] })],
      [
        transfer(1n, {
          destination: payroll.replace(
            'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
            'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
          ),
        }),
      ],
      'PolicyDenied',
    ],
  ]);
});

describe('what is not understood or hands control away', () => {
  const kinds = ['Approve', 'Call', 'Deploy', 'Message', 'TypedData', 'Digest', 'Authority', 'DurableNonce'] as const;
  table([
    ...kinds.map((kind): Row => [
      `${kind} is no matter of an Allow that names no kinds`,
      [allow({})],
      [bare(kind)],
      'PolicyDenied',
    ]),
    ...kinds.map((kind): Row => [
      `${kind} is allowed by a rule that names it`,
      [allow({ kinds: [kind] })],
      [bare(kind)],
      'allowed by allow',
    ]),
    ...kinds.map((kind): Row => [
      `${kind} is no matter of a rule that names another kind`,
      [allow({ kinds: ['Transfer'] })],
      [bare(kind)],
      'PolicyDenied',
    ]),
    ...kinds.map((kind): Row => [
      `${kind} is denied by an empty Deny`,
      [never({}), allow({ kinds: [kind] })],
      [bare(kind)],
      'PolicyDenied by never',
    ]),
    [
      'a complete token approval still has to be named',
      [allow({ assets: ['SOL'], destinations: ['payroll'] })],
      [transfer(1n, { kind: 'Approve' })],
      'PolicyDenied',
    ],
    ['a transfer under a rule that names only calls', [allow({ kinds: ['Call'] })], [transfer(1n)], 'PolicyDenied'],
    ['a call beside an allowed transfer', [allow({})], [transfer(1n), bare('Call')], 'PolicyDenied'],
    [
      'control handed to a denied destination, though the Deny names no kinds',
      [never({ destinations: ['sanctioned'] }), allow({ kinds: ['Authority'] })],
      [bare('Authority', { destination: sanctioned })],
      'PolicyDenied by never',
    ],
    [
      'a message, which goes nowhere, beside a Deny by destination',
      [never({ destinations: ['sanctioned'] }), allow({ kinds: ['Message'] })],
      [bare('Message')],
      'allowed by allow',
    ],
  ]);
});

describe('a Deny that names no kinds, and what may move any asset to any destination', () => {
  const toSanctioned = never({ assets: ['SOL'], destinations: ['sanctioned'] });
  const anything = allow({ kinds: ['Call', 'Deploy', 'TypedData', 'Digest', 'Authority', 'DurableNonce'] });
  const program = `${solana}:${address(50)}`;
  table([
    ...(['Call', 'Deploy', 'TypedData', 'Digest', 'Authority', 'DurableNonce'] as const).flatMap((kind): Row[] => [
      [
        `${kind} may go where the Deny says`,
        [never({ destinations: ['sanctioned'] }), anything],
        [bare(kind, { destination: program })],
        'PolicyDenied by never',
      ],
      [
        `${kind} without a destination may too`,
        [toSanctioned, anything],
        [bare(kind, { chain: '' })],
        'PolicyDenied by never',
      ],
      [
        `${kind} may move what the Deny says`,
        [never({ assets: ['USDC'] }), anything],
        [bare(kind)],
        'PolicyDenied by never',
      ],
      [
        `${kind} may move as much as the Deny says`,
        [never({ assets: ['SOL'], amount: { over: '1' } }), anything],
        [bare(kind)],
        'PolicyDenied by never',
      ],
      [
        `${kind} is not meant by a Deny that names others`,
        [never({ kinds: ['Transfer', 'Approve'], destinations: ['sanctioned'] }), anything],
        [bare(kind, { destination: program })],
        'allowed by allow',
      ],
      [
        `${kind} is judged by its destination where the Deny names it`,
        [never({ kinds: [kind], destinations: ['sanctioned'] }), anything],
        [bare(kind, { destination: program })],
        'allowed by allow',
      ],
    ]),
    [
      'a call on a chain on which the denied destination has no account',
      [never({ destinations: ['sanctioned'] }), anything],
      [bare('Call', { chain: bitcoin })],
      'allowed by allow',
    ],
    [
      'a call on a chain that does not have the denied asset',
      [never({ assets: ['BTC'] }), anything],
      [bare('Call')],
      'allowed by allow',
    ],
    [
      'an output without an address pays whom nobody knows',
      [never({ assets: ['BTC'], destinations: ['vendor'] }), anything],
      [bare('Call', { chain: bitcoin, asset: btc, amount: 1n })],
      'PolicyDenied by never',
      { book: [{ name: 'vendor', addresses: [`${bitcoin}:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4`] }] },
    ],
    [
      'a closed account sends SOL, and how much is not known',
      [never({ assets: ['SOL'], amount: { over: '1' } }), anything],
      [bare('Authority', { asset: sol, destination: payroll })],
      'PolicyDenied by never',
    ],
    [
      'a closed account that sends its SOL elsewhere',
      [toSanctioned, anything],
      [bare('Authority', { asset: sol, destination: payroll })],
      'allowed by allow',
    ],
    [
      'a message is on every chain',
      [never({ chains: [bitcoin] }), allow({ kinds: ['Message'] })],
      [bare('Message', { chain: '' })],
      'PolicyDenied by never',
    ],
    [
      'a message moves nothing, wherever it is',
      [
        never({ assets: ['SOL'] }),
        { ...never({ destinations: ['sanctioned'] }), name: 'nor' },
        allow({ kinds: ['Message'] }),
      ],
      [bare('Message', { chain: '' })],
      'allowed by allow',
    ],
  ]);
});

describe('what cannot be told', () => {
  const unknown = (...members: ('asset' | 'amount' | 'destination')[]): Effect => {
    const effect: Record<string, unknown> = { ...transfer(1n) };
    for (const member of members) delete effect[member];
    return effect as Effect;
  };
  table([
    [
      'denies under an Allow',
      [allow({ destinations: ['payroll'] })],
      [unknown('destination')],
      'PolicyDenied by allow',
    ],
    [
      'denies under an Allow though a later one is about it',
      [allow({ destinations: ['payroll'] }), { ...allow({}), name: 'all' }],
      [unknown('destination')],
      'PolicyDenied by allow',
    ],
    [
      'makes a Deny match',
      [never({ destinations: ['sanctioned'] }), allow({})],
      [unknown('destination')],
      'PolicyDenied by never',
    ],
    [
      'does not where another condition is false',
      [never({ destinations: ['sanctioned'], assets: ['BTC'] }), allow({})],
      [unknown('destination')],
      'allowed by allow',
    ],
    [
      'does not matter where no condition asks',
      [allow({ assets: ['SOL'] })],
      [unknown('destination')],
      'allowed by allow',
    ],
    [
      'an asset under a Deny by asset',
      [never({ assets: ['USDC'] }), allow({})],
      [unknown('asset')],
      'PolicyDenied by never',
    ],
    [
      'an amount under an Allow with a bound',
      [allow({ assets: ['SOL'], amount: { atMost: '1' } })],
      [unknown('amount')],
      'PolicyDenied by allow',
    ],
    [
      'an amount under a Deny of more than',
      [never({ assets: ['SOL'], amount: { over: '1' } }), allow({})],
      [unknown('amount')],
      'PolicyDenied by never',
    ],
    [
      'an amount beside another that is too much already',
      [{ ...allow({ assets: ['SOL'], amount: { atMost: '1' } }), name: 'small' }, allow({})],
      [unknown('amount'), transfer(2n * SOL)],
      'allowed by allow',
    ],
    [
      'an asset counts as any asset in sums',
      [allow({ assets: ['SOL'], amount: { atMost: '1' } }), { ...allow({ destinations: ['vendor'] }), name: 'b' }],
      [transfer(1n), { ...unknown('asset'), destination: vendor }],
      'PolicyDenied by allow',
    ],
    [
      'an amount against a limit',
      [allow({ assets: ['SOL'] }, { limits: [{ amount: '1', per: '1h' }] })],
      [unknown('amount')],
      'LimitExceeded by allow',
    ],
    [
      'a chain under a Deny that names the kind',
      [never({ chains: [bitcoin], kinds: ['Digest'] }), allow({ kinds: ['Digest'] })],
      [bare('Digest', { chain: '' })],
      'PolicyDenied by never',
    ],
    [
      'a chain under an Allow by chain',
      [allow({ chains: [solana], kinds: ['Digest'] })],
      [bare('Digest', { chain: '' })],
      'PolicyDenied by allow',
    ],
  ]);
});

describe('an asset whose decimals on the chain are not those of the policy', () => {
  const moved = (decimals: number) => [transfer(1n, { asset: usdc, decimals })];
  table([
    ['is allowed by nothing that names it', [allow({ assets: ['USDC'] })], moved(9), 'PolicyDenied by allow'],
    ['is denied by what names it', [never({ assets: ['USDC'] }), allow({})], moved(9), 'PolicyDenied by never'],
    ['differs from one whose decimals agree', [allow({ assets: ['USDC'] })], moved(6), 'allowed by allow'],
  ]);
});
