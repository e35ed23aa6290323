import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashMessage } from 'ethers';
import { parse } from 'yaml';
import { connectionOf, encodeConnection } from '../../../../client/connection.ts';
import type { FakeAnswers } from '../../../../client/testing/fake-signer.ts';
import { startFakeSigner } from '../../../../client/testing/fake-signer.ts';
import { fakeWallet } from '../../../../client/testing/fake-wallet.ts';
import { verifyWalletFacts } from '../../../../client/wallet-facts.ts';
import { digest, fromHex, utf8 } from '../../../../common/bytes.ts';
import { formatTime } from '../../../../common/clock.ts';
import { setCondition } from '../../../../operator/api/conditions.ts';
import { openFolderStore } from '../../../../operator/store/folder-store.ts';
import { policyDocument } from '../../../../policy/document.ts';
import type { SignReply, SignRequest } from '../../../../proto/gen/signer/v1/signer.ts';
import { chainRecord, emptyHead } from '../../../../statement/audit.ts';
import type { AuditRecord } from '../../../../statement/audit.ts';
import { canonicalize } from '../../../../statement/canonical.ts';
import { parseStatement } from '../../../../statement/statements.ts';
import type { RequestStatement } from '../../../../statement/statements.ts';
import { root } from './script.ts';
import { setStatus } from '../../../../operator/store/testing/set-status.ts';

/**
 * A folder `wallets` in `folder` as an operator leaves it, with the quickstart's wallet in namespace payments, and
 * signers in this process: messages are signed, digests denied; id `later` waits for client once, `never` always.
 * `initiator` beside it is the initiator's SSH key.
 */
export async function fakeTreasury(folder: string): Promise<{ stop(): void }> {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'payments-api', '-f', join(folder, 'initiator')]);
  const publicKey = readFileSync(join(folder, 'initiator.pub'), 'utf8').trim();
  const wallets = join(folder, 'wallets');
  mkdirSync(wallets);
  for (const file of ['wallet.yaml', 'policy.yaml']) {
    const text = readFileSync(join(root, 'examples/quickstart', file), 'utf8');
    const filled = text
      .replace('INITIATOR_KEY', publicKey)
      .replace('name: treasury\n', 'name: treasury\n  namespace: payments\n');
    writeFileSync(join(wallets, file), filled);
  }
  const { spec } = parse(readFileSync(join(wallets, 'policy.yaml'), 'utf8')) as { spec: unknown };
  const wallet = fakeWallet(canonicalize(policyDocument(spec)));
  const facts = verifyWalletFacts(wallet.facts, { fingerprints: [] });

  const asked = new Map<string, number>();
  const sign = (request: SignRequest): SignReply => answer(wallet, request, asked);
  const { records, head } = auditLog(facts.genesisDigest);
  const describe = () => ({ ...emptyDescription, head: { sequence: head.sequence, hash: Buffer.from(head.hash) } });
  const honest: FakeAnswers = { facts: () => wallet.facts, sign, describe, audit: () => records };
  const [, ...short] = records;
  const signers = await Promise.all([
    startFakeSigner(wallet.holders[0]!, honest),
    startFakeSigner(wallet.holders[1]!, honest),
    startFakeSigner(wallet.holders[2]!, { ...honest, audit: () => short }),
  ]);
  const endpoints = new Map(wallet.holders.map(({ name }, i) => [name, signers[i]!.address]));
  await writeState(wallets, facts.genesisDigest);
  const connections = join(wallets, '.holdfast', 'connections', 'payments');
  mkdirSync(connections, { recursive: true });
  writeFileSync(join(connections, 'treasury.json'), encodeConnection(connectionOf(facts, endpoints)));
  mkdirSync(join(wallets, '.holdfast', 'operator'), { recursive: true });
  const identity = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
  writeFileSync(join(wallets, '.holdfast', 'operator', 'identity.pem'), identity, { mode: 0o600 });
  return { stop: () => signers.forEach((signer) => signer.stop()) };
}

async function writeState(wallets: string, genesis: string): Promise<void> {
  const store = await openFolderStore(wallets, { quietMs: 0 });
  const key = { kind: 'Wallet', namespace: 'payments', name: 'treasury' } as const;
  const finding = {
    type: 'Ready',
    status: 'True',
    reason: 'Ready',
    message: 'keys are generated and 3 of 3 signers available',
  } as const;
  await setStatus(store, key, {
    conditions: setCondition(undefined, finding, 1, Date.now()),
    genesis,
    keysReady: '2/2',
    signersAvailable: '3/3',
    holders: [
      { name: 'infrastructure', available: true, version: '0.1.0' },
      { name: 'client', available: true, version: '0.1.0' },
      { name: 'backup', available: false, message: 'does not answer' },
    ],
  });
  await store.event(key, 'Normal', 'KeysGenerated', 'all holders signed the certificate of key solana');
  await store.close();
}

type FakeWallet = ReturnType<typeof fakeWallet>;

function answer(wallet: FakeWallet, { statement }: SignRequest, asked: Map<string, number>): SignReply {
  const request = parseStatement('holdfast/request/v1', statement);
  const times = (asked.get(request.id) ?? 0) + 1;
  asked.set(request.id, times);
  const common = {
    digest: digest(statement),
    policyDigest: '',
    participants: [],
    waitsFor: [],
    signatures: [],
    transaction: Buffer.of(),
    transactionId: '',
    durations: { total: 12.5 },
    coordinator: 'infrastructure',
    effects: '',
    elsewhere: false,
    rule: '',
  };
  if (request.id === 'never' || (request.id === 'later' && times === 1))
    return {
      ...common,
      outcome: 'failed',
      reason: 'QuorumUnavailable',
      message: 'waits for client',
      waitsFor: ['client'],
    };
  if (request.format === 'Digest')
    return { ...common, outcome: 'denied', reason: 'PolicyDenied', message: 'no rule allows it' };
  const { message, signature } = signatureOf(wallet, request);
  return {
    ...common,
    outcome: 'signed',
    reason: '',
    message: '',
    rule: 'messages',
    participants: ['infrastructure', 'client'],
    signatures: [{ message, signature }],
  };
}

/** What an honest signer makes of a message for either key. */
function signatureOf(wallet: FakeWallet, { key, path, data }: RequestStatement): SignReply['signatures'][number] {
  const text = fromHex(data.slice(2));
  if (key !== 'ethereum') return { message: Buffer.from(text), signature: wallet.signSolana(text) };
  const message = Buffer.from(hashMessage(text).slice(2), 'hex');
  return { message, signature: wallet.signEthereum(message, path) };
}

function auditLog(genesis: string) {
  const records: { sequence: bigint; record: Buffer; hash: Buffer }[] = [];
  let head: AuditRecord | typeof emptyHead = emptyHead;
  const asked = { initiator: 'payments-api', key: 'solana' };
  const entries: readonly Readonly<Record<string, string>>[] = [
    { type: 'GenesisAccepted', genesis },
    {
      type: 'Denied',
      digest: digest(utf8('1')),
      id: 'pay-1',
      ...asked,
      reason: 'PolicyDenied',
      message: 'no rule allows it',
      rule: '',
    },
    {
      type: 'Signed',
      digest: digest(utf8('2')),
      id: 'pay-2',
      ...asked,
      rule: 'messages',
      participants: 'infrastructure,client',
      from: '',
    },
  ];
  for (const [i, entry] of entries.entries()) {
    const link = chainRecord(head, formatTime(1_764_000_000_000 + i * 1000), entry);
    records.push({ sequence: link.sequence, record: Buffer.from(link.record), hash: Buffer.from(link.hash) });
    head = link;
  }
  return { records, head };
}

const emptyDescription = {
  version: '',
  wallet: '',
  holder: '',
  identity: Buffer.of(),
  auditKey: Buffer.of(),
  signedHead: undefined,
  nonce: Buffer.of(),
  certificate: Buffer.of(),
  genesis: '',
  policyDigest: '',
  keys: [],
  peers: [],
  problems: [],
  sealState: '',
  schemes: [],
};
