import { ok, strictEqual } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { parse } from 'yaml';
import { manifestOf } from '../../cli/request-manifest.ts';
import { offchainMessage } from '../../client/offchain-message.ts';
import { signRequest } from '../../client/request.ts';
import { fromHex } from '../../common/bytes.ts';
import type { SigningRequest, Wallet } from '../../operator/api/resource.ts';
import type { Payload } from '../../policy/effect.ts';
import { formatSshPublicKey, sshKeyOf } from '../../statement/ssh-key.ts';
import { parseStatement } from '../../statement/statements.ts';
import { mergePatch } from '../cases/load.ts';
import type { Json } from '../cases/load.ts';
import { apply, get, holderNamespace, kubectl } from './kubectl.ts';

const root = join(import.meta.dirname, '../..');
const example = (path: string): string => readFileSync(join(root, 'examples', path), 'utf8');

export type Event = { readonly reason: string; readonly message: string; readonly type: string };

/** How a wallet differs from the quickstart's. */
export type WalletShape = Partial<Pick<Wallet['spec'], 'threshold' | 'holders'>> & {
  /** The backup holder's shares behind a SoftHSM sidecar, as examples/quickstart-hsm has it. */
  readonly hsm?: boolean;
};

/** The quickstart's wallet `treasury` in a namespace of its own, driven through kubectl as a user would, and its initiator. */
export class ClusterWallet {
  readonly name = 'treasury';
  readonly namespace: string;
  readonly #shape: WalletShape;
  readonly #initiator = generateKeyPairSync('ed25519');

  private constructor(namespace: string, shape: WalletShape) {
    this.namespace = namespace;
    this.#shape = shape;
  }

  /** All that stands before the wallet: namespace, seals' Secrets, policy, the Signer of a backup with an HSM. */
  static async prepare(word: string, shape: WalletShape = {}): Promise<ClusterWallet> {
    const namespace = await holderNamespace(word);
    const wallet = new ClusterWallet(namespace, shape);
    await makeSeal(`${namespace}/treasury-seal`);
    if (shape.hsm === true) {
      await makeSeal(`${namespace}/treasury-pin`, '--key', 'pin');
      await apply(
        mergePatch(parse(example('quickstart-hsm/backup.yaml')) as Json, {
          metadata: { namespace },
          spec: { walletRef: { namespace }, seal: { pkcs11: { image: inject('images').softhsm } } },
        }) as object,
      );
    }
    const key = formatSshPublicKey(sshKeyOf(wallet.#initiator.publicKey));
    await apply(example('quickstart/policy.yaml').replace('INITIATOR_KEY', key), '-n', namespace);
    return wallet;
  }

  /** A wallet that is Ready. */
  static async found(word: string, shape: WalletShape = {}): Promise<ClusterWallet> {
    const wallet = await ClusterWallet.prepare(word, shape);
    await wallet.apply();
    await wallet.ready();
    return wallet;
  }

  async apply(): Promise<void> {
    const { threshold, holders } = this.#shape;
    const spec = { ...(threshold !== undefined && { threshold }), ...(holders !== undefined && { holders }) };
    await apply(mergePatch(parse(example('quickstart/wallet.yaml')) as Json, { spec }) as object, '-n', this.namespace);
  }

  async ready(seconds = 180): Promise<void> {
    await this.kubectl('wait', `wallet/${this.name}`, '--for=condition=Ready', `--timeout=${seconds}s`);
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    return kubectl('-n', this.namespace, ...args);
  }

  async resource(): Promise<Wallet> {
    return get<Wallet>('-n', this.namespace, 'wallet', this.name);
  }

  async request(id: string): Promise<SigningRequest> {
    return get<SigningRequest>('-n', this.namespace, 'signingrequest', id);
  }

  async events(object: string, reason: string): Promise<readonly Event[]> {
    const selector = `involvedObject.name=${object},reason=${reason}`;
    const { items } = await get<{ items: readonly Event[] }>(
      '-n',
      this.namespace,
      'events',
      '--field-selector',
      selector,
    );
    return items;
  }

  async publicKey(name = 'solana'): Promise<Uint8Array> {
    const { status } = await this.resource();
    return fromHex(status?.keys?.find((key) => key.name === name)?.publicKey ?? '');
  }

  /** A signed request as `holdfast sign --dry-run` writes it. */
  async signed(id: string, payload: Payload): Promise<object> {
    const { status } = await this.resource();
    const { statement, signature } = signRequest(
      {
        ...payload,
        genesis: status?.genesis ?? '',
        id,
        key: 'solana',
        initiator: 'payments-api',
        expiresAt: Date.now() + 3_600_000,
      },
      this.#initiator.privateKey,
    );
    return manifestOf(parseStatement('holdfast/request/v1', statement), signature, `${this.namespace}/${this.name}`);
  }

  async ask(id: string, payload: Payload): Promise<void> {
    await apply(await this.signed(id, payload));
  }

  /** Asks for the signature of a message, under its own text as id. */
  async askMessage(id: string): Promise<void> {
    await this.ask(id, { chain: '', format: 'Message', data: offchainMessage(id, await this.publicKey()) });
  }

  /** Waits until a message that was asked for is signed, and checks the signature; by another implementation than the signers'. */
  async signedMessage(id: string, seconds = 60): Promise<SigningRequest> {
    await this.kubectl('wait', `signingrequest/${id}`, '--for=condition=Succeeded', `--timeout=${seconds}s`);
    const publicKey = await this.publicKey();
    const data = offchainMessage(id, publicKey);
    const request = await this.request(id);
    const [signed] = request.status?.signatures ?? [];
    // Its key in DER, RFC 8410.
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    strictEqual(signed?.message, Buffer.from(data).toString('hex'));
    ok(verify(null, data, key, fromHex(signed.signature)), `signature of ${id}`);
    return request;
  }

  /** A message is asked for and signed. */
  async signs(id: string, seconds = 60): Promise<SigningRequest> {
    await this.askMessage(id);
    return this.signedMessage(id, seconds);
  }
}

/** A Secret as the command writes it. */
async function makeSeal(...args: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-e2e-'));
  try {
    const file = join(folder, 'seal.yaml');
    execFileSync(join(root, 'bin/holdfast'), ['seal', 'new', ...args, '-o', file], { stdio: 'ignore' });
    await kubectl('apply', '-f', file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
