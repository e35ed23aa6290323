import { digest, utf8 } from '../../../common/bytes.ts';
import type { Change, RequestRow } from '../store.ts';

/** A time that rows of tests are made at. Unix seconds. */
export const now = 1_790_000_000;

export const digestOf = (n: number): string => digest(utf8(`request ${n}`));

/** Request `n` as judged and released; its id is `pay-<n>`. */
export const requestRow = (n: number, change: Partial<RequestRow> = {}): RequestRow => ({
  digest: digestOf(n),
  initiator: 'payments-api',
  id: `pay-${n}`,
  key: 'solana',
  statement: utf8(`request ${n}`),
  signature: 'signature',
  expiresAt: now + 3_600,
  firstSeen: now,
  state: 'Released',
  reason: '',
  message: '',
  rule: 'payroll',
  policyDigest: digestOf(0),
  participants: ['infrastructure', 'client'],
  signatures: [],
  ...change,
});

/** What a member of a quorum writes before its share of request `n` leaves, with nonce `n`. */
export const release = (n: number): Change => ({
  requests: [requestRow(n)],
  ledger: [{ digest: digestOf(n), at: now, effects: '[]', state: 'Spent' }],
  nonces: [{ key: 'solana', boot: '00', index: BigInt(n) }],
  releases: [{ digest: digestOf(n), at: now }],
  audit: [{ type: 'Released', digest: digestOf(n), id: `pay-${n}` }],
  now,
});
