import { describe, expect, test } from 'vitest';
import { digest, utf8 } from '../common/bytes.ts';
import type { WalletFacts } from '../proto/gen/signer/v1/signer.ts';
import { encodeStatement } from '../statement/statements.ts';
import type { GenesisStatement } from '../statement/statements.ts';
import { fakeHolder, fakeWallet } from './testing/fake-wallet.ts';
import { verifyWalletFacts } from './wallet-facts.ts';

const wallet = fakeWallet();
const pins = { fingerprints: wallet.holders.map((holder) => holder.fingerprint) };
const refused = (over: Partial<WalletFacts>, message: string, by: Parameters<typeof verifyWalletFacts>[1] = pins) =>
  expect(() => verifyWalletFacts({ ...wallet.facts, ...over }, by)).toThrow(message);
const [solana, bitcoin] = wallet.facts.certificates as [WalletFacts['certificates'][0], WalletFacts['certificates'][0]];

test('facts that follow from the pins give the wallet', () => {
  const verified = verifyWalletFacts(wallet.facts, { ...pins, genesis: wallet.genesisDigest });
  expect(verified.genesis).toEqual(wallet.genesis);
  expect(verified.genesisDigest).toBe(wallet.genesisDigest);
  expect(verified.policyDigest).toBe(digest(wallet.facts.policyStatement));
  expect([...verified.certificates.keys()]).toEqual(['solana', 'bitcoin', 'ethereum']);
  expect(verified.certificates.get('solana')?.certificate).toEqual(wallet.solana);
});

describe('facts are refused', () => {
  test('before genesis', () => refused({ genesis: Buffer.alloc(0) }, 'wallet: the signer has no genesis yet'));

  test('of another genesis than the pinned one', () =>
    refused({}, 'wallet: want genesis sha256:', { ...pins, genesis: digest(utf8('another')) }));

  test('when a pinned signer is no holder', () => {
    const stranger = fakeHolder('stranger', 'Client');
    refused({}, `wallet: the signer with fingerprint ${stranger.fingerprint} is no holder`, {
      fingerprints: [...pins.fingerprints, stranger.fingerprint],
    });
  });

  test('when one holder makes up a wallet around the identities of the others', () => {
    const [first, ...others] = wallet.genesis.holders as [GenesisStatement['holders'][0]];
    const genesis = { ...wallet.genesis, holders: [{ ...first, nonce: '7'.repeat(64) }, ...others] };
    const bytes = Buffer.from(encodeStatement(genesis));
    const policyStatement = Buffer.from(
      encodeStatement({
        type: 'holdfast/policy/v1',
        genesis: digest(bytes),
        height: '0',
        parent: '',
        policy: genesis.policy,
      }),
    );
    const statement = Buffer.from(encodeStatement({ ...wallet.solana, genesis: digest(bytes) }));
    refused(
      { genesis: bytes, policyStatement, certificates: [solana] },
      'certificate of key "solana": of another wallet',
    );
    refused(
      { genesis: bytes, policyStatement, certificates: [{ ...solana, statement }] },
      'certificate of key "solana": holder "infrastructure": signature: does not verify over these bytes',
    );
  });

  test('when not all holders signed a certificate, or one did twice', () => {
    const [a, b] = solana.signatures as [{ holder: string; signature: string }, { holder: string; signature: string }];
    const withSignatures = (signatures: (typeof a)[]) => ({ certificates: [{ ...solana, signatures }] });
    refused(withSignatures([a, b]), 'certificate of key "solana": want the signatures of all 3 holders, got 2');
    refused(withSignatures([a, b, b]), 'certificate of key "solana": want one signature of holder "client", got 2');
    refused(withSignatures([a, b, { ...b, holder: 'backup' }]), 'holder "backup": signature: made by another key');
    refused(withSignatures(bitcoin.signatures), 'holder "infrastructure": signature: does not verify');
  });

  test('when a key name comes twice', () => {
    const again = wallet.certify({ ...wallet.solana, attempt: '2' });
    refused({ certificates: [solana, again] }, 'wallet: two certificates for key "solana"');
  });

  test('when a certificate has shares for fewer holders', () => {
    const few = wallet.certify({ ...wallet.solana, verificationShares: wallet.solana.verificationShares.slice(1) });
    refused({ certificates: [few] }, 'certificate of key "solana": want 3 verification shares, got 2');
  });

  test('when policy and genesis differ', () => {
    const base = {
      type: 'holdfast/policy/v1',
      genesis: wallet.genesisDigest,
      height: '0',
      parent: '',
      policy: wallet.genesis.policy,
    } as const;
    const other = digest(utf8('{}'));
    const statement = (over: object) => ({ policyStatement: Buffer.from(encodeStatement({ ...base, ...over })) });
    refused({ policyDocument: Buffer.from('{}') }, 'wallet: want a policy document with digest');
    refused({ policyDocument: Buffer.from('{ "rules":[]}') }, 'not canonical JSON');
    refused({ ...statement({ policy: other }), policyDocument: Buffer.from('{}') }, 'wallet: want policy sha256:');
    refused(statement({ genesis: other }), 'wallet: the policy statement is of another wallet');
    refused(statement({ height: '1', parent: other }), 'wallet: policy changes are not in this version, got height 1');
  });
});
