import { expect, test } from 'vitest';
import { version } from '../../common/version.ts';
import { conditionTypes, setCondition } from '../../operator/api/conditions.ts';
import type { Finding as Condition } from '../../operator/api/conditions.ts';
import { fake, holder, holders, known } from '../../operator/testing/holder-states.ts';
import type { Wallet } from '../../operator/api/resource.ts';
import { aWallet } from '../../operator/testing/objects.ts';
import type { HolderState } from '../../operator/wallet/holder-state.ts';
import { docs } from './docs.ts';
import { checkWallet } from './wallet.ts';
import type { WalletFacts } from './wallet.ts';

const healthy: readonly Condition[] = [
  { type: 'Ready', status: 'True', reason: 'Ready', message: 'keys are generated and a quorum is available' },
  { type: 'KeysGenerated', status: 'True', reason: 'AllGenerated', message: 'solana: certified by all 3 holders' },
  {
    type: 'SignersAvailable',
    status: 'True',
    reason: 'AllAvailable',
    message: '3 of 3; signing tolerates 0 more losses',
  },
  { type: 'PolicyEnforced', status: 'True', reason: 'AllEnforce', message: 'all 3 holders enforce it' },
  { type: 'GenesisConfirmed', status: 'False', reason: 'OperatorTrustedOnce', message: 'trusted once' },
  { type: 'Independent', status: 'True', reason: 'NoSharedCustody', message: 'no namespace holds 2 shares' },
];

/** A wallet whose conditions are healthy but for `changed`. */
const walletWith = (...changed: readonly Condition[]): Wallet =>
  aWallet(
    {},
    {
      conditions: [...healthy, ...changed].reduce<ReturnType<typeof setCondition>>(
        (set, condition) => setCondition(set, condition, 1, 0),
        [],
      ),
    },
  );

const facts = (over: Partial<WalletFacts> = {}): WalletFacts => ({
  wallet: walletWith(),
  asked: undefined,
  events: [],
  pinnedOtherwise: '',
  unreadable: '',
  up: undefined,
  logs: '/state/signers/payments/treasury',
  ...over,
});
const asked = (...states: readonly HolderState[]): Pick<WalletFacts, 'asked'> => ({
  asked: { founded: { digest: fake.genesisDigest, statement: known.genesis }, holders: states },
});
const silent = (name: 'infrastructure' | 'client' | 'backup'): HolderState =>
  holder(name, {}, { answer: { kind: 'Silent', message: 'connection refused' } });
const told = (over: Partial<WalletFacts>): readonly string[] =>
  checkWallet(facts(over)).map(({ id, level, what }) => `${level} ${id}: ${what}`);

test('a wallet that is well says so by its conditions alone', () => {
  expect(told({})).toEqual([
    'ok wallet-ready: Ready: keys are generated and a quorum is available',
    'ok wallet-signers-available: AllAvailable: 3 of 3; signing tolerates 0 more losses',
    'note wallet-genesis-confirmed: OperatorTrustedOnce: trusted once',
  ]);
});

test('one of which nothing is known yet is a note', () => {
  expect(told({ wallet: aWallet() })).toEqual(['note wallet-ready: nothing is known of it yet']);
});

test('one cause in several conditions is told once, without the manifest that its message ends with', () => {
  const because = { status: 'False', reason: 'WaitingForHolder' } as const;
  const findings = told({
    wallet: walletWith(
      { type: 'Ready', ...because, message: 'apply this in acme:\napiVersion: holdfast.dev/v1alpha1' },
      { type: 'KeysGenerated', ...because, message: 'the wallet is not founded yet' },
    ),
  });
  expect(findings[0]).toBe('warning wallet-ready: WaitingForHolder: apply this in acme:');
  expect(findings.filter((text) => text.includes('WaitingForHolder'))).toHaveLength(1);
});

test.each([
  ['QuorumLost', 'error', docs.quorum],
  ['PolicyInvalid', 'error', docs.wallet],
  ['WaitingForSigners', 'warning', docs.signerDown],
  ['GeneratingKeys', 'warning', docs.wallet],
  ['SchemeUnsupported', 'warning', docs.ecdsa],
] as const)('a wallet that is not ready because of %s is a finding of level %s', (reason, level, page) => {
  const wallet = walletWith({ type: 'Ready', status: 'False', reason, message: 'why' });
  expect(checkWallet(facts({ wallet }))[0]).toMatchObject({
    id: 'wallet-ready',
    level,
    what: `${reason}: why`,
    docs: page,
  });
});

test('every condition that does not hold is found, whatever its reason', () => {
  for (const type of conditionTypes.Wallet) {
    const wallet = walletWith({ type, status: 'False', reason: 'InternalError', message: 'why' });
    expect(checkWallet(facts({ wallet })).filter(({ level }) => level === 'error')).toHaveLength(1);
  }
});

test('signers that were asked say what engines and version they have', () => {
  const schemes = [
    { name: 'EdDSA', engine: 'noble', problem: '' },
    { name: 'Schnorr', engine: 'noble', problem: '' },
    { name: 'ECDSA', engine: '', problem: 'no addon' },
  ];
  expect(told(asked(...holders({ schemes, version: '0.0.9' }))).slice(2)).toEqual([
    'ok wallet-signers-available: 3 of 3 signers; signing tolerates 0 more losses',
    ...['infrastructure', 'client', 'backup'].flatMap((name) => [
      `ok signer: ${name}: serves, version 0.0.9, EdDSA and Schnorr by noble, no ECDSA`,
      `note signer-version: ${name}: version 0.0.9, this command is ${version}`,
    ]),
  ]);
});

test('a signer that is away is an error where nothing can be signed without it, else a warning', () => {
  const [, client, backup] = holders();
  expect(told(asked(silent('infrastructure'), client!, backup!))).toEqual(
    expect.arrayContaining([
      'error wallet-signers-available: 2 of 3 signers: too few, nothing can be signed',
      'error signer: infrastructure: connection refused',
    ]),
  );
  const [infrastructure] = holders();
  const findings = checkWallet(facts(asked(infrastructure!, client!, silent('backup'))));
  expect(findings.find(({ level }) => level === 'warning')).toMatchObject({
    what: 'backup: connection refused',
    run: 'tail /state/signers/payments/treasury/backup/signer.log',
    docs: docs.signer,
  });
});

test('what a signer says of itself leads to its page', () => {
  const [infrastructure, , backup] = holders();
  const found = (state: HolderState) =>
    checkWallet(facts(asked(infrastructure!, state, backup!))).find(
      ({ id, level }) => id === 'signer' && level !== 'ok',
    );
  const problem = (text: string, sealState = '') => holder('client', { problems: [text], sealState });
  expect(found(problem('RollbackDetected: older than its peers remember'))).toMatchObject({ docs: docs.rollback });
  expect(found(problem('the token refused the PIN', 'PinRefused'))).toMatchObject({ docs: docs.hsm });
  expect(found(problem('the disk is full'))).toMatchObject({ docs: docs.signer });
  const stranger = holder('client', {}, { answer: { kind: 'Stranger', message: 'want another key' } });
  expect(found(stranger)).toMatchObject({ level: 'error', what: 'client: want another key' });
});

test('a holder that the leader leaves out as a cheat is found although it answers', () => {
  const peers = [
    { name: 'client', available: true, fenced: true, refused: '', head: undefined, signedHead: undefined },
  ];
  const [, client, backup] = holders();
  const findings = checkWallet(facts(asked(holder('infrastructure', { peers }), client!, backup!)));
  expect(findings.find(({ what }) => what.startsWith('client: left out by infrastructure'))).toMatchObject({
    level: 'error',
    docs: docs.culprit,
  });
});

test('where no operator runs and nobody answers, one finding says how to start', () => {
  const states = [silent('infrastructure'), silent('client'), silent('backup')];
  const up = 'holdfast up wallets';
  const findings = checkWallet(facts({ ...asked(...states), up }));
  expect(findings.filter(({ id }) => id === 'signer')).toMatchObject([{ level: 'warning', run: up }]);
  expect(findings[0]?.what).toContain('(when last seen)');
  expect(told(asked(...states)).filter((text) => text.startsWith('error signer'))).toHaveLength(3);
});

test('a ban and a culprit stay findings, each once, and other events are none', () => {
  const ban = { reason: 'CounterpartyBanned', message: 'a message of client failed' };
  const findings = checkWallet(
    facts({ events: [ban, ban, { reason: 'CulpritFound', message: 'x' }, { reason: 'PolicyDenied', message: 'y' }] }),
  ).filter(({ id }) => id === 'wallet-events');
  expect(findings).toMatchObject([
    { level: 'error', what: 'CounterpartyBanned: a message of client failed', docs: docs.banned },
    { level: 'error', docs: docs.culprit },
  ]);
});

test('a wallet in the place of another, and a connection that does not verify, are errors', () => {
  expect(told({ pinnedOtherwise: 'WALLET CHANGED: x' })[0]).toBe('error wallet-pin: WALLET CHANGED: x');
  expect(told({ unreadable: '/c.json: not JSON' })[0]).toBe('error wallet-connection: /c.json: not JSON');
});
