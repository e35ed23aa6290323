import { Transaction, computeAddress } from 'ethers';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, test } from 'vitest';
import { digest, hex, utf8 } from '../common/bytes.ts';
import { hexOf, payroll, tokenData, transaction, unsigned, usdc } from '../policy/decode/testing/ethereum.ts';
import type { SignReply } from '../proto/gen/signer/v1/signer.ts';
import type { CertificateStatement, RequestStatement } from '../statement/statements.ts';
import { parseStatement } from '../statement/statements.ts';
import { decode } from '../policy/decode/decode.ts';
import { verifySigned } from './sign-result.ts';
import { fakeWallet } from './testing/fake-wallet.ts';

const wallet = fakeWallet();
const certificate: CertificateStatement = parseStatement(
  'holdfast/certificate/v1',
  wallet.facts.certificates[2]?.statement ?? new Uint8Array(),
);
const named = digest(utf8('the request'));
const made = transaction({ to: usdc, value: 0n, gasLimit: 65_000n, data: tokenData('transfer', payroll, 5_000_000n) });
const data = unsigned(made);

const request: RequestStatement = {
  type: 'holdfast/request/v1',
  genesis: wallet.genesisDigest,
  id: 'pay-42',
  key: 'ethereum',
  path: '',
  chain: 'eip155:1',
  format: 'Transaction',
  data: hexOf(data),
  initiator: 'payments-api',
  expiresAt: '2026-12-01T00:00:00Z',
};
const publicKey = Buffer.from(certificate.publicKey, 'hex');
const decoded = decode({ chain: 'eip155:1', format: 'Transaction', data }, { scheme: 'ECDSA', bytes: publicKey });
const [message = new Uint8Array()] = decoded.messages;
const signature = wallet.signEthereum(message);
const finished = decoded.finish?.([signature]);

const reply = (over: Partial<SignReply> = {}): SignReply => ({
  digest: named,
  outcome: 'signed',
  reason: '',
  message: '',
  rule: 'usdc',
  policyDigest: '',
  participants: ['infrastructure', 'client'],
  waitsFor: [],
  signatures: [{ message: Buffer.from(message), signature }],
  transaction: Buffer.from(finished?.transaction ?? []),
  transactionId: finished?.id ?? '',
  durations: {},
  coordinator: 'infrastructure',
  effects: '[]',
  elsewhere: false,
  ...over,
});
const verified = (over: Partial<SignReply> = {}) => verifySigned(reply(over), named, request, certificate);

/** As a signer would answer that made this of the signature. */
const signedBy = (changed: Buffer): Partial<SignReply> => ({
  signatures: [{ message: Buffer.from(message), signature: changed }],
});
const highS = (): Buffer => {
  const { r, s } = secp256k1.Signature.fromBytes(signature.subarray(0, 64));
  const high = new secp256k1.Signature(r, secp256k1.Point.Fn.ORDER - s).toBytes();
  return Buffer.from([...high, 1 - (signature[64] ?? 0)]);
};

describe('a reply signed with an ECDSA key', () => {
  test('is a result, with a transaction that its address has sent', () => {
    const result = verified();
    expect(result.effects).toMatchObject([{ kind: 'Transfer', amount: 5_000_000n }]);
    const sent = Transaction.from(hexOf(result.transaction?.bytes ?? data));
    expect(sent.from).toBe(computeAddress(`0x${certificate.publicKey}`));
    expect(sent.hash).toBe(result.transaction?.id);
    expect(sent.unsignedSerialized).toBe(made.unsignedSerialized);
  });

  const notVerified = 'reply: signature 0 does not verify under key "ethereum"';
  test.each<[string, Partial<SignReply>, string]>([
    ['with the other recovery id', signedBy(Buffer.from(signature.with(64, 1 - (signature[64] ?? 0)))), notVerified],
    ['with the other s', signedBy(highS()), notVerified],
    ['without a recovery id', signedBy(signature.subarray(0, 64)), notVerified],
    ['with v as Ethereum has it', signedBy(Buffer.from(signature.with(64, 27 + (signature[64] ?? 0)))), notVerified],
    ['by another key', signedBy(fakeWallet().signEthereum(message)), notVerified],
    [
      'over the hash of other bytes',
      { signatures: [{ message: Buffer.alloc(32, 7), signature: wallet.signEthereum(Buffer.alloc(32, 7)) }] },
      'reply: signature 0 is over other bytes than the request asks for',
    ],
    ['with another transaction', { transaction: Buffer.from(data) }, 'reply: the transaction is not the one'],
    ['with another id', { transactionId: `0x${hex(message)}` }, 'reply: the transaction is not the one'],
  ])('%s is an error and never a result', (_, over, words) => {
    expect(() => verified(over)).toThrow(words);
  });
});
