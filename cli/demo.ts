import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { placeOf } from '../client/audit/findings.ts';
import { openSignerLogs } from '../client/audit/signer-logs.ts';
import { verifyLogs } from '../client/audit/verify-logs.ts';
import { clientOptions, parseConnection } from '../client/connection.ts';
import type { VerifiedConnection } from '../client/connection.ts';
import { signRequest } from '../client/request.ts';
import type { SignResult } from '../client/sign-result.ts';
import { WalletClient } from '../client/wallet-client.ts';
import { addonFile } from '../common/addon-file.ts';
import { fromHex, hex } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { createLog } from '../common/log.ts';
import { conditionOf } from '../operator/api/conditions.ts';
import { connectionFile, runEmbedded } from '../operator/embedded.ts';
import type { Embedded } from '../operator/embedded.ts';
import { addressesOf } from '../policy/address.ts';
import { parsePolicy } from '../policy/document.ts';
import type { Payload } from '../policy/effect.ts';
import type { Policy } from '../policy/policy.ts';
import { effectInWords } from '../policy/words.ts';
import { parseCanonical } from '../statement/canonical.ts';
import { knownOf } from './audit-verify.ts';
import { chainNames } from './chains.ts';
import { askWhileGone, expectResult } from './demo/expected.ts';
import type { Expected } from './demo/expected.ts';
import { makeDemoFolder } from './demo/folder.ts';
import type { DemoFolder } from './demo/folder.ts';
import { killSigner, untilPeer } from './demo/holders.ts';
import { bitcoinPayment, ethereumTransaction, solanaTransfer, tokenTransfer } from './demo/payments.ts';
import { findSoftHsm } from './demo/soft-hsm.ts';
import { jsonOf, latencyTable } from './demo/report.ts';
import type { DemoAudit, DemoKey, DemoRequest } from './demo/report.ts';
import { logFile } from './log-file.ts';
import { readOperatorIdentity } from './operator-identity.ts';
import type { Session } from './session.ts';
import { wrap } from './wrap.ts';

const wallet = 'default/treasury';
const initiatorName = 'payments-api';
const solana = chainNames['solana'] ?? '';
const bitcoin = chainNames['bitcoin'] ?? '';
const SOL = 1_000_000_000n;
const BTC = 100_000_000n;
const mainnet = chainNames['ethereum'] ?? '';
const ETH = 10n ** 18n;
const USDC = 1_000_000n;
const usdcContract = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48';
/** Belong to nobody: no key is known of them. */
const stranger = '11111111111111111111111111111112';
/** What the wallet waits for, by the reason of its condition, where names and numbers would only flicker. */
const inShort: Readonly<Record<string, string>> = {
  WaitingForSigners: 'its signers are starting',
  GeneratingKeys: 'all signers answer; they make the keys',
};
/** The whole demo, on a machine that is busy with other things. Milliseconds. */
const patience = 120_000;

/** `holdfast demo`: makes a wallet in a temporary folder, uses it, and leaves nothing behind. */
export async function runDemo(session: Session, { json }: { readonly json: boolean }): Promise<void> {
  const put = (line: string): void => (json ? session.note(line) : session.print(line));
  const say = (text: string): void => wrap(text, 10).forEach(put);
  const initiator = generateKeyPairSync('ed25519').privateKey;
  const softHsm = findSoftHsm();
  const withEthereum = addonFile() !== undefined;
  const folder = await makeDemoFolder(initiator, {
    ethereum: withEthereum,
    module: 'module' in softHsm ? softHsm.module : undefined,
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(patience), stop.signal]);
  // Whatever ends the demo ends the operator, and with it the signers, before the folder goes.
  let ended: Promise<unknown> = Promise.resolve();
  try {
    say('A wallet of three holders on this machine; two of them sign together.');
    say('Nothing is sent to any network.');
    // One line, however long: it is to be found, and copied from.
    if ('missing' in softHsm) put(`backup has a key-file seal, not an HSM: ${softHsm.missing}`);
    else say('The shares of backup are sealed by a key that never leaves a PKCS#11 token (SoftHSM).');
    if (!withEthereum) put('no key for Ethereum: ECDSA needs the native addon, which is built where there is Rust');
    const state = join(folder.path, '.holdfast');
    // The log lies beside the state and goes with it.
    const log = createLog(logFile(join(folder.path, 'operator.log')));
    const operator = await runEmbedded({ dir: folder.path, signal, log, stopSigners: true });
    ended = operator.ended;
    await new Demo({ session, folder, state, operator, initiator, signal, say }).run(json);
  } catch (error) {
    if (signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError')
      throw new UserError(`the demo did not end within ${patience / 1000} s`, [
        'try again when the machine is less busy',
      ]);
    throw error;
  } finally {
    stop.abort();
    await ended.catch(() => {});
    await rm(folder.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

type DemoOptions = {
  readonly session: Session;
  readonly folder: DemoFolder;
  readonly state: string;
  readonly operator: Embedded;
  readonly initiator: KeyObject;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
};

/** Asks for a signature; with `wait` again and again while it fails. */
type Ask = (wait: boolean) => Promise<SignResult>;

/** The story, chapter by chapter. */
class Demo {
  readonly #options: DemoOptions;
  readonly #requests: DemoRequest[] = [];

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  async run(json: boolean): Promise<void> {
    const { session, say, folder, signal } = this.#options;
    const title = (text: string): void => say(`\n${json ? text : session.paint('bold', text)}`);

    title('Keys, made by all three holders together');
    const connection = await this.#founded();
    const keys = [...connection.keys.values()].map(({ key: name, scheme, publicKey }): DemoKey => {
      const bytes = fromHex(publicKey, 'public key');
      return { name, scheme, publicKey: bytes, addresses: addressesOf(scheme, bytes) };
    });
    for (const { name, scheme, addresses } of keys)
      say(`  ${name} (${scheme}): ${Object.values(addresses).join(', ')}`);

    const client = await WalletClient.connect(clientOptions(connection), signal);
    try {
      const policy = parsePolicy(parseCanonical(client.wallet.policyDocument));
      /** Signs a request once; each call of the result asks for the very same bytes. */
      const request = (id: string, key: string, payload: Payload, by = this.#options.initiator): Ask => {
        const fields = {
          genesis: connection.genesis,
          id,
          key,
          ...payload,
          initiator: initiatorName,
          expiresAt: Date.now() + 600_000,
        };
        const { statement, signature } = signRequest(fields, by);
        return async (wait) => {
          const result = await client.sign(statement, signature, { wait, signal });
          this.#record({ id, key, kind: payload.format, result }, policy);
          return result;
        };
      };
      const ask = async (expected: Expected, ...fields: Parameters<typeof request>): Promise<void> =>
        expectResult(fields[0], expected, await request(...fields)(true));
      const alice = folder.address('alice', solana);
      const from = keys.find(({ name }) => name === 'solana')?.addresses['solana'] ?? '';
      const pay = (to: string, amount: bigint): Payload => ({
        chain: solana,
        format: 'Transaction',
        data: solanaTransfer(from, to, amount),
      });

      title('Payments within policy');
      await ask('signed', 'pay-alice', 'solana', pay(alice, 9n * SOL));
      await ask('signed', 'pay-exchange', 'bitcoin', {
        chain: bitcoin,
        format: 'PSBT',
        data: bitcoinPayment({
          internalKey: fromHex(connection.keys.get('bitcoin')?.internalKey ?? '', 'internal key'),
          to: folder.address('exchange', bitcoin),
          amount: BTC / 4n,
          fee: 1_000n,
        }),
      });
      await ask('signed', 'pay-alice-again', 'solana', pay(alice, 9n * SOL));
      const ethereum = keys.some(({ name }) => name === 'ethereum');
      const transaction = (data: Uint8Array): Payload => ({ chain: mainnet, format: 'Transaction', data });
      if (ethereum) {
        const exchange = folder.address('exchange', mainnet);
        const wei = 3n * ETH;
        await ask('signed', 'pay-exchange-eth', 'ethereum', transaction(ethereumTransaction({ to: exchange, wei })));
        const usdc = tokenTransfer(usdcContract, folder.address('alice', mainnet), 2_500n * USDC);
        await ask('signed', 'pay-alice-usdc', 'ethereum', transaction(usdc));
      }

      title('Refused, by every signer for itself');
      await ask('LimitExceeded', 'over-limit', 'solana', pay(alice, 9n * SOL));
      await ask('PolicyDenied', 'to-a-stranger', 'solana', pay(stranger, SOL));
      if (ethereum) {
        const usdc = tokenTransfer(usdcContract, folder.address('alice', mainnet), 5_001n * USDC);
        await ask('PolicyDenied', 'too-much-usdc', 'ethereum', transaction(usdc));
      }
      await ask('PolicyDenied', 'raw-digest', 'bitcoin', {
        chain: '',
        format: 'Digest',
        data: new Uint8Array(32).fill(7),
      });
      await ask(
        'InitiatorUnverified',
        'not-the-initiator',
        'solana',
        pay(alice, SOL),
        generateKeyPairSync('ed25519').privateKey,
      );

      title('Holders killed');
      await this.#backupKilled(connection);
      await ask('signed', 'without-backup', 'solana', pay(alice, SOL));
      await this.#withoutClient(connection, (id) => request(id, 'solana', pay(alice, SOL)));
    } finally {
      client.close();
    }

    title('Audit, each holder its own log, and all against one another');
    const audit = await this.#audit(connection);
    if (!audit.verified) session.exitWith(1);

    title('Latency by step, in milliseconds');
    for (const line of latencyTable(this.#requests)) say(`  ${line}`);
    if (json) session.print(JSON.stringify(jsonOf(keys, this.#requests, audit)));
  }

  /** Waits until the wallet is Ready, telling what it waits for. */
  async #founded(): Promise<VerifiedConnection> {
    const { operator, state, signal, say } = this.#options;
    const started = performance.now();
    let told = '';
    for await (const { kind, namespace, name } of operator.store.changes(signal)) {
      if (kind !== 'Wallet') continue;
      const ready = conditionOf((await operator.store.get({ kind, namespace, name }))?.status?.conditions, 'Ready');
      if (ready?.status === 'True') break;
      if (ready === undefined) continue;
      const text = inShort[ready.reason] ?? ready.message;
      if (text !== told) say(`  ${text}`);
      told = text;
    }
    say(`  ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    return parseConnection(await readFile(connectionFile(state, wallet), 'utf8'));
  }

  /** Keeps and tells what became of a request; the last outcome of an id is its outcome. */
  #record(request: DemoRequest, policy: Policy): void {
    const { session, say } = this.#options;
    const { id, result } = request;
    const known = this.#requests.findIndex((each) => each.id === id);
    this.#requests.splice(known < 0 ? this.#requests.length : known, 1, request);
    const style = { signed: 'green', denied: 'red', failed: 'yellow' } as const;
    const verdict = session.paint(style[result.outcome], result.outcome);
    if (result.outcome !== 'signed') return say(`  ${verdict}  ${id}: ${result.reason}: ${result.message}`);
    const effects = result.effects.filter(({ change }) => !change).map((effect) => effectInWords(effect, policy));
    say(`  ${verdict}  ${id}: ${effects.join('; ')}`);
    const total = result.durations['total']?.toFixed(0) ?? '?';
    const count = result.signatures.length === 1 ? 'its signature' : `its ${result.signatures.length} signatures`;
    say(`          by ${result.participants.join(' and ')} in ${total} ms; ${count} verified here`);
    if (result.transaction === undefined) return;
    say(`          transaction ${result.transaction.id}`);
    say(`          ${hex(result.transaction.bytes)}`);
  }

  async #backupKilled(connection: VerifiedConnection): Promise<void> {
    const { state, signal, say } = this.#options;
    await killSigner(state, wallet, 'backup');
    await untilPeer(holderOf(connection, 'infrastructure'), 'backup', false, signal);
    say('  backup: killed; it takes no part in a payment');
  }

  async #withoutClient(connection: VerifiedConnection, request: (id: string) => Ask): Promise<void> {
    const { state, signal, say } = this.#options;
    await askWhileGone({
      holder: 'client',
      id: 'without-client',
      goes: async () => {
        await killSigner(state, wallet, 'client');
        await untilPeer(holderOf(connection, 'infrastructure'), 'client', false, signal);
        say('  client: killed; without it there is no quorum');
      },
      returns: async () => {
        await untilPeer(holderOf(connection, 'infrastructure'), 'client', true, signal);
        say('  client: back; the same request is asked again');
      },
      request,
    });
  }

  async #audit(connection: VerifiedConnection): Promise<DemoAudit> {
    const { state, signal, say } = this.#options;
    await untilPeer(holderOf(connection, 'infrastructure'), 'backup', true, signal);
    const identity = await readOperatorIdentity(state);
    const { logs, missing, close } = await openSignerLogs(connection.holders, identity, signal);
    try {
      const found = await verifyLogs({ logs, missing, known: knownOf(connection), signal });
      for (const { holder, records, sound } of found.logs)
        say(`  ${holder}: ${records} records${sound ? ', each follows from the one before' : ''}`);
      for (const { holder, missing: why } of found.missing) say(`  ${holder}: ${why}`);
      for (const finding of found.findings) say(`  ${placeOf(finding)} ${finding.problem}`);
      const verified = found.missing.length === 0 && found.findings.length === 0;
      if (verified) say('  what they say of requests, shares, signatures and keys is the same in all');
      return { verified, records: found.logs.reduce((sum, { records }) => sum + records, 0) };
    } finally {
      close();
    }
  }
}

function holderOf({ holders }: VerifiedConnection, name: string): VerifiedConnection['holders'][number] {
  const holder = holders.find((each) => each.name === name);
  if (holder === undefined) throw new Error(`examples/quickstart/wallet.yaml: no holder ${name}`);
  return holder;
}
