import { describe, expect, it } from 'vitest';
import {
  decodeFor,
  eth,
  ethereum,
  payroll,
  tokenData,
  transaction,
  unsigned,
  usdc as usdcContract,
} from './decode/testing/ethereum.ts';
import { evaluate } from './evaluate.ts';
import { holding } from './testing/evaluation.ts';
import { policyOf } from './testing/policies.ts';

const usdc = `${ethereum}/erc20:${usdcContract}`;
const exchange = '0x52908400098527886E0F7030069857D2E4169EE7';
const stranger = '0x8617E340B3D01FA5F11F306F4090FD50E238070D';

const spec = {
  assets: [
    { name: 'ETH', id: eth, decimals: 18 },
    { name: 'USDC', id: usdc, decimals: 6 },
  ],
  addressBook: [
    // In any case: EIP-55's is a checksum.
    { name: 'payroll', addresses: [`${ethereum}:${payroll.toLowerCase()}`] },
    { name: 'exchange', addresses: [`${ethereum}:${exchange}`] },
    { name: 'sanctioned', addresses: [`${ethereum}:${stranger}`] },
  ],
  fees: [{ chain: ethereum, atMost: '0.02' }],
};
const rules = [
  {
    name: 'usdc',
    verdict: 'Allow',
    match: { assets: ['USDC'], destinations: ['payroll'], amount: { atMost: '50000' } },
    limits: [{ amount: '200000', per: '24h' }],
  },
  {
    name: 'eth',
    verdict: 'Allow',
    match: { assets: ['ETH'], destinations: ['payroll'] },
    limits: [{ amount: '5', per: '24h' }],
  },
];

const approving = { name: 'approve', verdict: 'Allow', match: { kinds: ['Approve'], destinations: ['exchange'] } };
const calling = { name: 'call', verdict: 'Allow', match: { kinds: ['Call'], destinations: ['exchange'] } };
const sanctions = { name: 'never', verdict: 'Deny', match: { destinations: ['sanctioned'] } };

type Change = Parameters<typeof transaction>[0];
const ofUsdc = (name: 'transfer' | 'approve', to: string, units: bigint): Change => ({
  to: usdcContract,
  value: 0n,
  gasLimit: 65_000n,
  data: tokenData(name, to, units * 1_000_000n),
});

const judged = (change: Change, { more = [] as readonly object[], spent = {} } = {}) => {
  const { effects, fees } = decodeFor(unsigned(transaction(change)));
  const policy = policyOf([...more, ...rules], spec);
  const question = { policy, effects, fees, initiator: 'payments-api', key: 'ethereum', nowSeconds: 1_000_000 };
  return evaluate({ ...question, ledger: holding(spent, 0) });
};

describe('a policy of ETH and USDC', () => {
  it.each([
    ['a payment of USDC', ofUsdc('transfer', payroll, 50_000n), {}, 'usdc'],
    ['a payment of ETH', {}, {}, 'eth'],
    ['an approval that a rule names', ofUsdc('approve', exchange, 100n), { more: [approving] }, 'approve'],
    ['a call that a rule names', { to: exchange, value: 0n, data: '0x12345678' }, { more: [calling] }, 'call'],
  ])('allows %s', (_, change, given, rule) => {
    expect(judged(change, given)).toMatchObject({ verdict: 'Allow', rule });
  });

  it.each([
    ['USDC over what is allowed at once', ofUsdc('transfer', payroll, 50_001n), {}, 'PolicyDenied'],
    [
      'USDC over the limit',
      ofUsdc('transfer', payroll, 2n),
      { spent: { [usdc.toLowerCase()]: 199_999_000_000n } },
      'LimitExceeded',
    ],
    ['ETH over the limit', { value: 5n * 10n ** 18n + 1n }, {}, 'LimitExceeded'],
    ['USDC to a stranger', ofUsdc('transfer', stranger, 1n), {}, 'PolicyDenied'],
    ['ETH to the contract of a token', { to: usdcContract }, {}, 'PolicyDenied'],
    ['another token', { ...ofUsdc('transfer', payroll, 1n), to: stranger }, {}, 'PolicyDenied'],
    ['an approval that no rule names', ofUsdc('approve', payroll, 1n), {}, 'PolicyDenied'],
    ['a call that no rule names', { to: payroll, value: 0n, data: '0x12345678' }, {}, 'PolicyDenied'],
    [
      'a call with more ETH than is allowed',
      { to: exchange, value: 1n, data: '0x12345678' },
      { more: [calling] },
      'PolicyDenied',
    ],
    [
      'a call that may do what is denied',
      { to: exchange, value: 0n, data: '0x12345678' },
      { more: [sanctions, calling] },
      'PolicyDenied',
    ],
    [
      'a contract that it deploys',
      { to: null, value: 0n, data: '0x60' },
      { more: [calling, approving] },
      'PolicyDenied',
    ],
    ['fees over what is allowed', { gasLimit: 1_000_000n }, {}, 'FeeTooHigh'],
  ])('denies %s', (_, change, given, reason) => {
    expect(judged(change, given)).toMatchObject({ verdict: 'Deny', reason });
  });

  it('says it in its own names and units', () => {
    expect(judged(ofUsdc('transfer', payroll, 25n)).message).toBe(`25 USDC to payroll (${payroll})`);
    expect(judged({}).message).toBe(`1 ETH to payroll (${payroll})`);
    expect(judged({ gasLimit: 1_000_000n }).message).toBe(
      'fees of up to 0.03 ETH are over the 0.02 ETH that the policy allows on eip155:1',
    );
    expect(judged(ofUsdc('approve', exchange, 100n)).effects[0]?.why).toBe(
      `lets exchange (${exchange}) move up to 100 USDC: no rule allows it; none is about kind Approve`,
    );
  });
});
