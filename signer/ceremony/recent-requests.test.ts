import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parsePolicy, policyDocument } from '../../policy/document.ts';
import type { SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { formatSshPublicKey, sshKeyOf } from '../../statement/ssh-key.ts';
import { signRequest } from '../../client/request.ts';
import { RecentRequests } from './recent-requests.ts';

const genesis = `sha256:${'00'.repeat(32)}`;
const initiator = generateKeyPairSync('ed25519').privateKey;
const policy = parsePolicy(
  policyDocument({
    initiators: [{ name: 'payments-api', key: formatSshPublicKey(sshKeyOf(initiator)) }],
    rules: [{ name: 'any', verdict: 'Allow', match: { kinds: ['Digest'] } }],
  }),
);
const key = { scheme: 'EdDSA', bytes: new Uint8Array(32) } as const;
const request = (id: string): SignRequest => ({
  ...signRequest(
    {
      genesis,
      id,
      key: 'solana',
      chain: '',
      format: 'Digest',
      data: new Uint8Array(32),
      initiator: 'payments-api',
      expiresAt: Date.now(),
    },
    initiator,
  ),
  approvals: [],
});

describe('recent requests', () => {
  it('are verified and read once', () => {
    const recent = new RecentRequests(genesis, policy);
    const asked = request('one');
    const first = recent.verify(asked);
    const second = recent.verify({ ...asked, statement: Uint8Array.from(asked.statement) });
    expect(second).toBe(first);
    expect(recent.read(second, key)).toBe(recent.read(first, key));
  });

  it('are others where a byte of statement or signature differs, or approvals come along', () => {
    const recent = new RecentRequests(genesis, policy);
    const asked = request('one');
    recent.verify(asked);
    expect(() => recent.verify({ ...asked, signature: request('two').signature })).toThrow(/did not sign/);
    expect(() => recent.verify({ ...asked, statement: request('two').statement })).toThrow(/did not sign/);
    const approvals = [{ statement: new Uint8Array(), signature: '' }];
    expect(() => recent.verify({ ...asked, approvals })).toThrow(/approvals are not in this version/);
  });

  it('keep no more than the bytes of the request, and forget the oldest', () => {
    const recent = new RecentRequests(genesis, policy);
    const asked = request('one');
    const batch = new Uint8Array(100_000);
    batch.set(asked.statement, 10);
    const first = recent.verify({ ...asked, statement: batch.subarray(10, 10 + asked.statement.length) });
    expect(first.request.statement.buffer.byteLength).toBeLessThan(10_000);
    for (let i = 0; i < 1_024; i++) recent.verify(request(`r${i}`));
    expect(recent.verify(asked)).not.toBe(first);
    expect(recent.verify(asked)).toEqual(first);
  });
});
