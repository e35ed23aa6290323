import { expect, test } from 'vitest';
import { apiVersion } from '../operator/api/resource.ts';
import type { Resource } from '../operator/api/resource.ts';
import { linesOf } from './progress.ts';

const condition = (type: string, status: 'True' | 'False', reason: string, message: string) => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-12-01T00:00:00Z',
});
const object = (kind: string, status: unknown): Resource =>
  ({
    apiVersion,
    kind,
    metadata: { name: 'treasury', namespace: 'payments' },
    spec: {},
    status,
  }) as unknown as Resource;
const texts = (kind: string, status: unknown): readonly string[] =>
  linesOf(object(kind, status)).map(({ text }) => text);

test('a wallet says what it waits for, its addresses, and that it is ready', () => {
  expect(texts('Wallet', undefined)).toEqual([]);
  expect(
    texts('Wallet', { conditions: [condition('Ready', 'False', 'WaitingForSigners', '1 of 3 signers answer')] }),
  ).toEqual(['wallet payments/treasury: 1 of 3 signers answer']);
  const keys = [{ name: 'solana', scheme: 'EdDSA', publicKey: '', addresses: { solana: 'abc' }, certificate: {} }];
  expect(texts('Wallet', { keys, conditions: [condition('Ready', 'True', 'Ready', 'all is well')] })).toEqual([
    'wallet payments/treasury: key solana (EdDSA): solana address abc',
    'wallet payments/treasury: Ready',
  ]);
});

test('a signer that starts says nothing, one that cannot says why', () => {
  const of = (status: 'True' | 'False', reason: string) =>
    texts('Signer', { conditions: [condition('Ready', status, reason, 'why')] });
  expect(of('False', 'Starting')).toEqual([]);
  expect(of('False', 'SealNotFound')).toEqual(['signer payments/treasury: SealNotFound: why']);
  expect(of('True', 'Serving')).toEqual(['signer payments/treasury: serving']);
  expect(of('True', 'SealNotFound')).toEqual(['signer payments/treasury: why']);
});

test('a policy that cannot be enforced says why, one that is in force says so', () => {
  const valid = condition('Valid', 'True', 'Valid', '');
  expect(
    texts('SigningPolicy', { conditions: [condition('Valid', 'False', 'InvalidPolicy', 'rules[0]: no')] }),
  ).toEqual(['policy payments/treasury: not valid: rules[0]: no']);
  const invalid = object('SigningPolicy', { conditions: [condition('Valid', 'False', 'InvalidPolicy', 'no')] });
  expect(linesOf(invalid, 'dir/policy.yaml').map(({ text }) => text)).toEqual([
    'policy payments/treasury: not valid, see dir/policy.yaml: no',
  ]);
  expect(
    texts('SigningPolicy', { conditions: [valid, condition('Enforced', 'False', 'WaitingForHolders', 'x')] }),
  ).toEqual([]);
  expect(texts('SigningPolicy', { conditions: [valid, condition('Enforced', 'True', 'Enforced', 'x')] })).toEqual([
    'policy payments/treasury: enforced by every holder',
  ]);
  expect(
    texts('SigningPolicy', { conditions: [valid, condition('Enforced', 'False', 'ChangeUnsupported', 'edited')] }),
  ).toEqual(['policy payments/treasury: not enforced: edited']);
});

test('a request says what became of it', () => {
  const finished = condition('Finished', 'True', 'PolicyDenied', 'no rule allows it');
  expect(texts('SigningRequest', { conditions: [finished] })).toEqual([
    'request payments/treasury: PolicyDenied: no rule allows it',
  ]);
});
