import { describe, expect, test } from 'vitest';
import { addressProblem, assetProblem } from './caip-checks.ts';
import { nativeAsset } from './caip.ts';
import { evmChains } from './evm-chains.ts';

const usdc = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48';
const typo = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB49';

describe('an EVM address', () => {
  test.each([usdc, usdc.toLowerCase(), `0x${usdc.slice(2).toUpperCase()}`])('may be listed: %s', (address) => {
    expect(addressProblem(`eip155:1:${address}`)).toBeUndefined();
    expect(assetProblem(`eip155:1/erc20:${address}`)).toBeUndefined();
  });

  test('with a wrong digit is told by its checksum', () => {
    const problem = `the checksum in its upper and lower case (EIP-55) is wrong, so a digit is, got "${typo}"`;
    expect(addressProblem(`eip155:1:${typo}`)).toBe(problem);
    expect(assetProblem(`eip155:1/erc20:${typo}`)).toBe(problem);
  });
});

describe("a chain's own coin", () => {
  test.each([...evmChains].map(([chain, { coin, symbol }]) => [`${chain}/slip44:${coin}`, symbol]))(
    '%s is %s',
    (asset, symbol) => {
      expect(assetProblem(asset)).toBeUndefined();
      expect(nativeAsset(asset.split('/', 1)[0] ?? '')).toEqual({ id: asset, symbol, decimals: 18 });
    },
  );

  test.each([
    ["another chain's", 'eip155:137/slip44:60', 'want eip155:137/slip44:966 or eip155:137/erc20: and an address'],
    ['a kind that is not decoded', `eip155:1/erc721:${usdc}`, 'want eip155:1/slip44:60 or eip155:1/erc20: and'],
    ['of a chain that is not decoded', 'eip155:5/slip44:60', 'chain eip155:5 is not in this version'],
    ['a token of a chain that is not decoded', `eip155:5/erc20:${usdc}`, 'chain eip155:5 is not in this version'],
  ])('is no other: %s', (_, asset, problem) => {
    expect(assetProblem(asset)).toContain(problem);
  });

  test.each(['eip155:5', 'eip155:', 'eip155:01', 'eip155:__proto__', 'cosmos:hub-4'])('of %s is not known', (chain) => {
    expect(nativeAsset(chain)).toBeUndefined();
  });
});
