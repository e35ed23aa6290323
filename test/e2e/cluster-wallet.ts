import { ok, strictEqual } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { parse } from 'yaml';
import { manifestOf } from '../../cli/request-manifest.ts';
import type { RequestManifest } from '../../cli/request-manifest.ts';
import { parseConnection } from '../../client/connection.ts';
import { offchainMessage } from '../../client/offchain-message.ts';
import { signRequest } from '../../client/request.ts';
import type { SignedRequest } from '../../client/request.ts';
import { WalletClient } from '../../client/wallet-client.ts';
import { fromHex } from '../../common/bytes.ts';
import type { SigningRequest, Wallet } from '../../operator/api/resource.ts';
import { signerPorts } from '../../operator/fleet/kubernetes/pod-layout.ts';
import type { Payload } from '../../policy/effect.ts';
import { formatSshPublicKey, sshKeyOf } from '../../statement/ssh-key.ts';
import { parseStatement } from '../../statement/statements.ts';
import { mergePatch } from '../cases/load.ts';
import type { Json } from '../cases/load.ts';
import { apply, get, holderNamespace, kubectl, run } from './kubectl.ts';
import { forwarded } from './port-forward.ts';

const root = join(import.meta.dirname, '../..');
const example = (path: string): string => readFileSync(join(root, 'examples', path), 'utf8');

export type Event = { readonly reason: string; readonly message: string; readonly type: string };

/** A signer's pod, as far as tests look. */
export type Pod = {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly serviceAccountName: string;
    readonly containers: readonly { readonly name: string; readonly image: string }[];
    readonly initContainers?: readonly { readonly name: string; readonly image: string }[];
    readonly volumes: readonly {
      readonly name: string;
      readonly persistentVolumeClaim?: { readonly claimName: string };
      readonly projected?: object;
    }[];
  };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
};

/** Selects the pods of a wallet's signers. */
export const podsOf = ({ name }: Pick<ClusterWallet, 'name'>): string =>
  `app.kubernetes.io/component=signer,holdfast.dev/wallet=${name}`;

/** How a wallet differs from the quickstart's. */
export type WalletShape = Partial<Pick<Wallet['spec'], 'threshold' | 'holders' | 'access' | 'keys'>> & {
  /** The backup holder's shares behind a SoftHSM sidecar, as examples/quickstart-hsm has it. */
  readonly hsm?: boolean;
};

/** What is asked for: of key `solana` unless another is named. */
type Asked = Payload & { readonly key?: string; readonly path?: string };

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
      await wallet.applyBackup();
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
    const { hsm: _, ...spec } = this.#shape;
    await apply(mergePatch(parse(example('quickstart/wallet.yaml')) as Json, { spec }) as object, '-n', this.namespace);
  }

  /** The Signer of a backup with an HSM. */
  async applyBackup(verb: 'apply' | 'replace' = 'apply'): Promise<void> {
    const { namespace } = this;
    const signer = mergePatch(parse(example('quickstart-hsm/backup.yaml')) as Json, {
      metadata: { namespace },
      spec: { walletRef: { namespace }, seal: { pkcs11: { image: inject('images').softhsm } } },
    });
    await run('kubectl', [verb, '-f', '-'], JSON.stringify(signer));
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

  /** What runs of it, by name of the pod. */
  async pods(): Promise<ReadonlyMap<string, Pod>> {
    const { items } = await get<{ items: readonly Pod[] }>('-n', this.namespace, 'pods', '-l', podsOf(this));
    return new Map(items.map((pod) => [pod.metadata.name, pod]));
  }

  /** One line for each process of it: another line means that it was started anew. */
  async processes(): Promise<readonly string[]> {
    return [...(await this.pods()).values()].map(({ metadata: { name, uid }, status }) =>
      [name, uid, ...(status.containerStatuses ?? []).map(({ restartCount }) => restartCount)].join(' '),
    );
  }

  /** The claims that keep its shares. */
  async claims(): Promise<readonly string[]> {
    const names = await this.kubectl('get', 'pvc', '-l', 'holdfast.dev/keeps=shares', '-o', 'name');
    return names.trim().split('\n');
  }

  #sign(genesis: string, id: string, payload: Asked): SignedRequest {
    const expiresAt = Date.now() + 3_600_000;
    const fields = { key: 'solana', ...payload, genesis, id, initiator: 'payments-api', expiresAt };
    return signRequest(fields, this.#initiator.privateKey);
  }

  /** A request that its initiator has signed. */
  async signedRequest(id: string, payload: Asked): Promise<SignedRequest> {
    const { status } = await this.resource();
    return this.#sign(status?.genesis ?? '', id, payload);
  }

  /** A signed request as `holdfast sign --dry-run` writes it. */
  async signed(id: string, payload: Asked): Promise<RequestManifest> {
    const { statement, signature } = await this.signedRequest(id, payload);
    return manifestOf(parseStatement('holdfast/request/v1', statement), signature, `${this.namespace}/${this.name}`);
  }

  async ask(id: string, payload: Asked): Promise<void> {
    await apply(await this.signed(id, payload));
  }

  /** A request for the signature of a message, under its own text as id. */
  async messageRequest(id: string): Promise<RequestManifest> {
    return this.signed(id, { chain: '', format: 'Message', data: offchainMessage(id, await this.publicKey()) });
  }

  async askMessage(id: string): Promise<void> {
    await apply(await this.messageRequest(id));
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

  /** A message is signed at the first Infrastructure holder's own port, as a service asks: by the connection that is in a ConfigMap. */
  async signsOverGrpc(id: string): Promise<void> {
    const map = ['-n', this.namespace, 'configmap', `${this.name}-connection`];
    const { data } = await get<{ data: Readonly<Record<string, string>> }>(...map);
    const { genesis, holders, keys } = parseConnection(data['connection.json'] ?? '');
    const [first] = holders;
    const publicKey = fromHex(keys.get('solana')?.publicKey ?? '');
    const payload = { chain: '', format: 'Message', data: offchainMessage(id, publicKey) } as const;
    const { statement, signature } = this.#sign(genesis, id, payload);
    const pod = `${this.name}-${first?.name}-0`;
    await forwarded(this.namespace, pod, signerPorts.sign, async (address) => {
      const client = await WalletClient.connect({
        genesis,
        endpoints: [{ address, fingerprint: first?.fingerprint ?? '' }],
      });
      try {
        // Which verifies the signature under the key that all holders certified.
        strictEqual((await client.sign(statement, signature, { wait: true })).outcome, 'signed');
      } finally {
        client.close();
      }
    });
  }

  /** A message is asked for and signed. */
  async signs(id: string, seconds = 60): Promise<SigningRequest> {
    await this.askMessage(id);
    return this.signedMessage(id, seconds);
  }
}

/** A Secret as the command writes it. */
export async function makeSeal(...args: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-e2e-'));
  try {
    const file = join(folder, 'seal.yaml');
    execFileSync(join(root, 'bin/holdfast'), ['seal', 'new', ...args, '-o', file], { stdio: 'ignore' });
    await kubectl('apply', '-f', file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
