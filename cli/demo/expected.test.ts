import { describe, expect, it } from 'vitest';
import type { SignResult } from '../../client/sign-result.ts';
import { outcomeOf } from '../../common/reasons.ts';
import type { Reason } from '../../common/reasons.ts';
import { askWhileGone, expectResult } from './expected.ts';

const answered = { digest: '', rule: '', policyDigest: '', coordinator: '', durations: {} };
const signed: SignResult = {
  ...answered,
  outcome: 'signed',
  participants: ['infrastructure', 'client'],
  effects: [],
  signatures: [],
};
const not = (reason: Reason, ...waitsFor: readonly string[]): SignResult => ({
  ...answered,
  outcome: outcomeOf(reason),
  reason,
  message: 'so it is',
  waitsFor,
});

describe('what the demo expects', () => {
  it('is the outcome, the reason and whom it waits for', () => {
    expect(() => {
      expectResult('pay', 'signed', signed);
      expectResult('pay', 'LimitExceeded', not('LimitExceeded'));
      expectResult('pay', 'QuorumUnavailable', not('QuorumUnavailable', 'client', 'backup'), 'client');
    }).not.toThrow();
  });

  it.each([
    ['signed', not('PolicyDenied'), undefined, 'expected pay to be signed; it was denied: PolicyDenied: so it is'],
    ['signed', not('StorageFull'), undefined, 'expected pay to be signed; it was failed: StorageFull: so it is'],
    ['PolicyDenied', signed, undefined, 'not to be signed: PolicyDenied; it was signed by infrastructure and client'],
    ['PolicyDenied', not('LimitExceeded'), undefined, 'it was denied: LimitExceeded'],
    ['QuorumUnavailable', signed, 'client', 'QuorumUnavailable, waiting for client; it was signed'],
    ['QuorumUnavailable', not('QuorumUnavailable', 'backup'), 'client', 'so it is, waiting for backup'],
    ['QuorumUnavailable', not('QuorumUnavailable'), 'client', 'so it is, waiting for nobody'],
    ['QuorumUnavailable', not('Unknown', 'client'), 'client', 'it was failed: Unknown'],
  ] as const)('is not met: %s by %o waiting for %s', (expected, result, waitsFor, message) => {
    expect(() => expectResult('pay', expected, result, waitsFor)).toThrow(message);
  });
});

describe('a request while a holder is gone', () => {
  /** Asks with these answers, in order; what happened, in order. */
  async function asked(...answers: readonly SignResult[]): Promise<readonly string[]> {
    const told: string[] = [];
    const left = [...answers];
    await askWhileGone({
      holder: 'client',
      id: 'pay',
      goes: async () => void told.push('goes'),
      returns: async () => void told.push('returns'),
      request: (id) => async (wait) => {
        told.push(wait ? `${id} until it ends` : id);
        return left.shift() ?? expect.unreachable('asked too often');
      },
    });
    return told;
  }
  const waits = not('QuorumUnavailable', 'client');

  it('waits for the holder and is signed once it is back', async () => {
    expect(await asked(waits, signed)).toEqual(['goes', 'pay', 'returns', 'pay until it ends']);
  });

  it('is another request where the holder was back first, three times at most', async () => {
    expect(await asked(signed, signed, waits, signed)).toEqual([
      ...['goes', 'pay', 'goes', 'pay-2', 'goes', 'pay-3'],
      ...['returns', 'pay-3 until it ends'],
    ]);
    await expect(asked(signed, signed, signed)).rejects.toThrow('expected pay-3 not to be signed: QuorumUnavailable');
  });

  it('ends the demo where it waits for another or is not signed in the end', async () => {
    await expect(asked(not('QuorumUnavailable', 'backup'))).rejects.toThrow('waiting for client; it was failed');
    await expect(asked(waits, not('Expired'))).rejects.toThrow('expected pay to be signed');
  });
});
