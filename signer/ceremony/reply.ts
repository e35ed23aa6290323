import type { Refused } from '../../common/errors.ts';
import { outcomeOf, reasons, type Reason } from '../../common/reasons.ts';
import type { SignReply } from '../../proto/gen/signer/v1/signer.ts';
import { parseStatement } from '../../statement/statements.ts';
import type { RequestRow } from '../state/store.ts';
import { read, type Reading } from './judge.ts';
import type { Wallet } from './wallet.ts';

const empty: SignReply = {
  digest: '',
  outcome: 'unknown',
  reason: '',
  message: '',
  rule: '',
  policyDigest: '',
  participants: [],
  waitsFor: [],
  signatures: [],
  transaction: new Uint8Array(),
  transactionId: '',
  durations: {},
  coordinator: '',
  effects: '',
  elsewhere: false,
};

/** The answer to a request that did not come to a signature. */
export const refusalReply = (refused: Refused, more: Partial<SignReply> = {}): SignReply => ({
  ...empty,
  outcome: outcomeOf(refused.reason),
  reason: refused.reason,
  message: refused.message,
  rule: refused.rule,
  ...more,
});

/** The answer that follows from what is on disk. */
export function rowReply(wallet: Wallet, row: RequestRow, more: Partial<SignReply> = {}): SignReply {
  const base: SignReply = { ...known(row), ...more };
  if (row.state === 'Reserved')
    return { ...base, outcome: 'unknown', reason: 'Unknown', message: 'the request is being signed' };
  if (row.state === 'Released')
    return { ...base, outcome: 'failed', reason: 'SignatureMayExist', message: row.message || MAY_EXIST };
  if (row.state !== 'Signed')
    return { ...base, outcome: outcomeOf(Object.hasOwn(reasons, row.reason) ? (row.reason as Reason) : 'Internal') };
  const statement = parseStatement('holdfast/request/v1', row.statement);
  const key = wallet.key(statement.key);
  if (key === undefined) throw new Error(`key ${statement.key} signed and is not here`);
  return { ...signedReply(row, read(statement, key.publicKey)), ...more };
}

/** The answer to a signed request whose payload was read before. */
export function signedReply(row: RequestRow, { decoded, effects }: Reading): SignReply {
  const finished = decoded.finish?.(row.signatures);
  return {
    ...known(row),
    outcome: 'signed',
    reason: '',
    message: '',
    effects,
    signatures: row.signatures.map((signature, i) => ({ message: decoded.messages[i] ?? new Uint8Array(), signature })),
    transaction: finished?.transaction ?? new Uint8Array(),
    transactionId: finished?.id ?? '',
  };
}

const known = (row: RequestRow): SignReply => ({
  ...empty,
  digest: row.digest,
  reason: row.reason,
  message: row.message,
  rule: row.rule,
  policyDigest: row.policyDigest,
  participants: [...row.participants],
});

/** Whom a request waits for, in words. */
export const waitingFor = (names: readonly string[]): string =>
  names.length === 0 ? 'nobody is left to wait for' : `waits for ${names.join(' or ')}`;

export const MAY_EXIST = 'shares were released and no signature is known: ask again with the same id';
