import { digest, fromHex } from '../../common/bytes.ts';
import { fakeWallet } from '../../client/testing/fake-wallet.ts';
import { verifyWalletFacts } from '../../client/wallet-facts.ts';
import type { Description } from '../../proto/gen/signer/v1/signer.ts';
import { statementDigest } from '../../statement/statements.ts';
import type { SignerObservation } from '../fleet/fleet.ts';
import type { HolderState } from '../wallet/holder-state.ts';
import { aSigner } from './objects.ts';

/** A wallet's signers as they answer once they have its genesis and both keys. */
export const fake = fakeWallet();
export const known = verifyWalletFacts(fake.facts, {
  fingerprints: fake.holders.map(({ fingerprint }) => fingerprint),
});

export const observation = (name: string, over: Partial<SignerObservation> = {}): SignerObservation => {
  const port = 8001 + fake.holders.findIndex((holder) => holder.name === name);
  return {
    running: true,
    restarts: 0,
    signEndpoint: `127.0.0.1:${port}`,
    peerEndpoint: `127.0.0.1:${port + 1000}`,
    metricsEndpoint: `127.0.0.1:${port + 2000}`,
    reason: '',
    message: '',
    ...over,
  };
};

const certificateDigest = (key: string): string =>
  statementDigest(known.certificates.get(key)?.statement ?? new Uint8Array());

export function description(name: string, over: Partial<Description> = {}): Description {
  const holder = fake.genesis.holders.find((each) => each.name === name);
  const own = fake.holders.find((each) => each.name === name);
  if (holder === undefined || own === undefined) throw new Error(`no holder ${name}`);
  const key = (key: string, scheme: string) => ({
    name: key,
    scheme,
    state: 'Active',
    message: '',
    certificate: certificateDigest(key),
    epoch: '0',
  });
  return {
    version: '0.1.0',
    wallet: 'payments/treasury',
    holder: name,
    identity: fromHex(holder.identity),
    auditKey: fromHex(holder.auditKey),
    nonce: fromHex(holder.nonce),
    certificate: own.certificate,
    genesis: fake.genesisDigest,
    policyDigest: known.policyDigest,
    keys: [key('solana', 'EdDSA'), key('bitcoin', 'Schnorr')],
    peers: [],
    problems: [],
    sealState: '',
    schemes: [],
    head: { sequence: 7n, hash: new Uint8Array(32) },
    signedHead: undefined,
    ...over,
  };
}

/** What a signer says before it is provisioned. */
export const unprovisioned = {
  genesis: '',
  policyDigest: '',
  keys: [],
  problems: ['waits for its genesis'],
} as const satisfies Partial<Description>;

export const fingerprintOf = (name: string): string => digest(description(name).identity);

/** A holder whose pinned signer answers; `over` changes its description, `state` the rest. */
export const holder = (
  name: 'infrastructure' | 'client' | 'backup',
  over: Partial<Description> = {},
  state: Partial<HolderState> = {},
): HolderState => ({
  name,
  role: fake.genesis.holders.find((each) => each.name === name)?.role ?? 'Backup',
  signer: aSigner(name, { status: { fingerprint: fingerprintOf(name) } }),
  observation: observation(name),
  answer: { kind: 'Described', fingerprint: fingerprintOf(name), description: description(name, over) },
  ...state,
});

/** All three, each changed the same way. */
export const holders = (over: Partial<Description> = {}): HolderState[] => [
  holder('infrastructure', over),
  holder('client', over),
  holder('backup', over),
];

/** A holder whose signer does not run. */
export const gone = (name: 'infrastructure' | 'client' | 'backup'): HolderState =>
  holder(
    name,
    {},
    {
      observation: observation(name, { running: false, reason: 'Restarting', message: 'ended with code 1' }),
      answer: undefined,
    },
  );
