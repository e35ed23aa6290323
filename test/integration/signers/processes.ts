import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { digest as digestOf, hex } from '../../../common/bytes.ts';
import { fingerprintOfCertificate, selfSignedCertificate } from '../../../common/certificate.ts';
import { signerEnvironment, signerNodeFlags } from '../../../common/signer-node-flags.ts';
import type { ClientIdentity } from '../../../client/pinned-tls.ts';
import { signRequest, type RequestFields, type SignedRequest } from '../../../client/request.ts';
import { SignerClient } from '../../../client/signer-client.ts';
import { WalletClient } from '../../../client/wallet-client.ts';
import { policyDocument } from '../../../policy/document.ts';
import type {
  AuditRecord,
  Description,
  PeerAddress,
  ProvisionRequest,
  SignReply,
} from '../../../proto/gen/signer/v1/signer.ts';
import { canonicalize } from '../../../statement/canonical.ts';
import { formatSshPublicKey, sshKeyOf } from '../../../statement/ssh-key.ts';
import { encodeStatement } from '../../../statement/statements.ts';

export type HolderSpec = { readonly name: string; readonly role: 'Infrastructure' | 'Client' | 'Backup' };
export type KeySpec = { readonly name: string; readonly scheme: 'EdDSA' | 'Schnorr' | 'ECDSA' };

export const threeHolders: readonly HolderSpec[] = [
  { name: 'infrastructure', role: 'Infrastructure' },
  { name: 'client', role: 'Client' },
  { name: 'backup', role: 'Backup' },
];

export const bothKeys: readonly KeySpec[] = [
  { name: 'solana', scheme: 'EdDSA' },
  { name: 'bitcoin', scheme: 'Schnorr' },
];

/** Any digest may be signed, as often as one likes. */
export const anyDigest = { rules: [{ name: 'any', verdict: 'Allow', match: { kinds: ['Digest'] } }] };

const root = join(import.meta.dirname, '../../..');
const READY_TIMEOUT = 30_000;

/** The bundle where it was built, else the sources. */
export const signerEntry = (): string => {
  const bundle = join(root, 'dist/signer.js');
  return existsSync(bundle) ? bundle : join(root, 'signer/main.ts');
};

/** One signer process and what it keeps between its starts: folder, seal, ports. */
export class SignerProcess {
  readonly name: string;
  readonly folder: string;
  readonly signPort: number;
  readonly peerPort: number;
  readonly metricsPort: number;
  /** Milliseconds from its last spawn to ready. */
  startedIn = 0;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #fingerprint = '';
  #client: SignerClient | undefined;

  constructor(options: {
    name: string;
    role: HolderSpec['role'];
    folder: string;
    wallet: string;
    operator: string;
    ports: readonly number[];
    nodeFlags: readonly string[];
    entry: string;
    logLevel: string;
    hsmSocket: string | undefined;
  }) {
    const { name, role, folder, wallet, operator, ports, nodeFlags, entry, logLevel, hsmSocket } = options;
    [this.signPort = 0, this.peerPort = 0, this.metricsPort = 0] = ports;
    this.name = name;
    this.#env = signerEnvironment(role);
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    const seal = join(folder, 'kek');
    if (!existsSync(seal)) writeFileSync(seal, randomBytes(32), { mode: 0o600 });
    const listen = (port: number): string => `127.0.0.1:${port}`;
    this.#args = [
      ...nodeFlags,
      entry,
      ...[
        '--wallet',
        wallet,
        '--holder',
        name,
        '--data',
        this.data,
        ...(hsmSocket === undefined ? ['--seal-key-file', seal] : ['--hsm-socket', hsmSocket]),
        '--operator',
        operator,
      ],
      ...[
        '--sign-listen',
        listen(this.signPort),
        '--peer-listen',
        listen(this.peerPort),
        '--metrics-listen',
        listen(this.metricsPort),
      ],
      ...['--log-level', logLevel],
    ];
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get endpoint(): { readonly address: string; readonly fingerprint: string } {
    return { address: `127.0.0.1:${this.signPort}`, fingerprint: this.#fingerprint };
  }

  /** Where its state lies. */
  get data(): string {
    return join(this.folder, 'data');
  }

  get logFile(): string {
    return join(this.folder, 'signer.log');
  }

  /** Resolves once it says that it is ready; rejects with its last line where it ends before. */
  async start(): Promise<void> {
    const started = performance.now();
    // In its own folder, so that whatever it leaves where it runs, such as a core, is found with the rest.
    const stdout = openSync(join(this.folder, 'signer.out'), 'a');
    const child = spawn(process.execPath, this.#args, {
      stdio: ['ignore', stdout, 'pipe'],
      cwd: this.folder,
      env: { ...process.env, ...this.#env },
    });
    closeSync(stdout);
    this.#child = child;
    let last = '';
    const lines = createInterface({ input: child.stderr as Readable });
    await new Promise<void>((resolve, reject) => {
      const timeout = setTimeout(
        () => reject(new Error(`${this.name} is not ready after ${READY_TIMEOUT} ms: ${last}`)),
        READY_TIMEOUT,
      );
      lines.on('line', (line) => {
        appendFileSync(this.logFile, `${line}\n`);
        last = line;
        const entry = parsed(line);
        if (entry['message'] !== 'ready') return;
        this.#fingerprint = String(entry['fingerprint']);
        clearTimeout(timeout);
        resolve();
      });
      child.once('exit', (code, signal) => {
        clearTimeout(timeout);
        reject(new Error(`${this.name} ended (${code ?? signal}) before it was ready: ${last}`));
      });
    });
    this.startedIn = performance.now() - started;
  }

  /** SIGKILL: as if the machine lost power, but for the disk's cache. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGABRT' = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const ended = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    const [code] = await ended;
    return code;
  }

  /** A client that shows `identity`; one a process and identity, made at first use. */
  async client(identity: ClientIdentity): Promise<SignerClient> {
    this.#client ??= await SignerClient.connect({ ...this.endpoint, identity, deadlineMs: 20_000 });
    return this.#client;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

export type ProcessWalletOptions = {
  readonly holders?: readonly HolderSpec[];
  readonly threshold?: number;
  readonly keys?: readonly KeySpec[];
  /** A SigningPolicy spec without `initiators`: `payments-api` is added. */
  readonly policy?: Readonly<Record<string, unknown>>;
  /** Flags of Node for every signer, in place of those that a fleet gives. */
  readonly nodeFlags?: readonly string[];
  readonly entry?: string;
  /** Sockets of PKCS#11 sidecars, by the holder whose seal they are. */
  readonly hsmSockets?: ReadonlyMap<string, string>;
  /** At least what says that a signer is ready. */
  readonly logLevel?: 'debug' | 'info';
  /** Holders that no process is started for: the test plays them itself. */
  readonly played?: ReadonlyMap<string, PlayedHolder>;
  /**
   * Ports that peers and clients are told instead of those of the signers, whose sign and peer ports are given: what
   * listens there leads on to them. The operator's clients know the signers' own.
   */
  readonly via?: (signPorts: readonly number[], peerPorts: readonly number[]) => Promise<ReadonlyMap<number, number>>;
  /** Told of each signer before its first start. */
  readonly prepare?: (signer: SignerProcess) => void;
};

/** A holder whose identity the test has made and whose peer port it listens on. */
export type PlayedHolder = Pick<Description, 'holder' | 'identity' | 'auditKey' | 'nonce' | 'certificate'> & {
  readonly peerPort: number;
};

/**
 * A wallet of real signer processes on loopback: mutual TLS, SQLite, key-file seals where no sidecar is given; provisioned as an operator would,
 * without one. `ProcessWallet.start()` gives one with all keys active; `close()` ends it and removes its folder.
 */
export class ProcessWallet {
  readonly holders: readonly HolderSpec[];
  readonly signers: ReadonlyMap<string, SignerProcess>;
  readonly initiator: KeyObject = generateKeyPairSync('ed25519').privateKey;
  readonly operator: ClientIdentity;
  readonly folder: string;
  readonly policyDocument: Uint8Array;
  readonly #threshold: number;
  readonly #played: ReadonlyMap<string, PlayedHolder>;
  #keys: readonly KeySpec[];
  #genesis: Uint8Array = new Uint8Array();
  #peers: readonly PeerAddress[] = [];
  #via: ReadonlyMap<number, number> = new Map();

  private constructor(options: ProcessWalletOptions, ports: readonly number[]) {
    this.holders = options.holders ?? threeHolders;
    this.#threshold = options.threshold ?? 2;
    this.#played = options.played ?? new Map();
    this.#keys = options.keys ?? bothKeys;
    this.folder = mkdtempSync(join(tmpdir(), 'holdfast-signers-'));
    const { privateKey } = generateKeyPairSync('ed25519');
    this.operator = { privateKey, certificate: selfSignedCertificate({ commonName: 'operator', privateKey }) };
    const operator = fingerprintOfCertificate(this.operator.certificate);
    const shared = {
      wallet: 'payments/treasury',
      operator,
      nodeFlags: options.nodeFlags ?? signerNodeFlags,
      entry: options.entry ?? signerEntry(),
      logLevel: options.logLevel ?? 'info',
    };
    this.signers = new Map(
      this.holders
        .filter(({ name }) => !this.#played.has(name))
        .map(({ name, role }, i) => [
          name,
          new SignerProcess({
            ...shared,
            name,
            role,
            folder: join(this.folder, name),
            ports: ports.slice(3 * i, 3 * i + 3),
            hsmSocket: options.hsmSockets?.get(name),
          }),
        ]),
    );
    const initiators = [{ name: 'payments-api', key: formatSshPublicKey(sshKeyOf(this.initiator)) }];
    this.policyDocument = canonicalize(policyDocument({ ...(options.policy ?? anyDigest), initiators }));
  }

  /** All holders' signers, provisioned, with every key active. */
  static async start(options: ProcessWalletOptions = {}): Promise<ProcessWallet> {
    const wallet = await ProcessWallet.provisioned(options);
    try {
      await wallet.keysActive();
      return wallet;
    } catch (error) {
      await wallet.close();
      throw error;
    }
  }

  /** As {@link start}, but keys may still be on their way. */
  static async provisioned(options: ProcessWalletOptions = {}): Promise<ProcessWallet> {
    const wallet = new ProcessWallet(options, await freePorts(3 * (options.holders ?? threeHolders).length));
    try {
      const signers = [...wallet.signers.values()];
      wallet.#via =
        (await options.via?.(
          signers.map((s) => s.signPort),
          signers.map((s) => s.peerPort),
        )) ?? new Map();
      for (const signer of signers) options.prepare?.(signer);
      await Promise.all(signers.map((signer) => signer.start()));
      const described = await Promise.all([...wallet.signers.keys()].map((name) => wallet.describe(name)));
      wallet.#found([...described, ...wallet.#played.values()]);
      await wallet.provision();
      return wallet;
    } catch (error) {
      await wallet.close();
      throw error;
    }
  }

  get genesis(): Uint8Array {
    return this.#genesis;
  }

  signer(name: string): SignerProcess {
    const signer = this.signers.get(name);
    if (signer === undefined) throw new Error(`no signer ${name}`);
    return signer;
  }

  /** A client with the operator's identity. */
  client(name: string): Promise<SignerClient> {
    return this.signer(name).client(this.operator);
  }

  async describe(name: string): Promise<Description> {
    return (await this.client(name)).describe();
  }

  /** What a service would use: verifies certificates and signatures by itself. Close it. */
  connect(first?: string): Promise<WalletClient> {
    const names = [...this.signers.keys()].toSorted((a, b) => Number(b === first) - Number(a === first));
    return WalletClient.connect({
      endpoints: names.map((name) => {
        const { signPort, endpoint } = this.signer(name);
        return { ...endpoint, address: `127.0.0.1:${this.#via.get(signPort) ?? signPort}` };
      }),
      genesis: digestOf(this.#genesis),
    });
  }

  /** Gives running signers genesis, addresses and keys, as an operator does again and again. */
  async provision(keys: readonly KeySpec[] = this.#keys): Promise<void> {
    this.#keys = keys;
    await Promise.all(this.#running.map(async (name) => (await this.client(name)).provision(this.provisioning())));
  }

  /** What {@link provision} says. */
  provisioning(): ProvisionRequest {
    return {
      genesis: Buffer.from(this.#genesis),
      policyDocument: Buffer.from(this.policyDocument),
      peers: [...this.#peers],
      keys: this.#keys.map((k) => ({ ...k })),
    };
  }

  get #running(): readonly string[] {
    return [...this.signers.values()].filter((signer) => signer.running).map((signer) => signer.name);
  }

  /** Waits until every key is active at every running signer, or fails with what each says. */
  async keysActive(timeout = 60_000): Promise<void> {
    await this.until(
      async () => {
        const all = await Promise.all(this.#running.map((name) => this.describe(name)));
        const missing = all.flatMap((d) =>
          this.#keys
            .map((k) => d.keys.find((state) => state.name === k.name) ?? { ...k, state: 'unknown', message: '' })
            .filter((k) => k.state !== 'Active')
            .map((k) => `${d.holder}: ${k.name} ${k.state} ${k.message}`),
        );
        return missing.length === 0 ? '' : missing.join('; ');
      },
      'keys are not active',
      timeout,
    );
  }

  /** Waits until every running signer has links to all the others that run. */
  async connected(timeout = 20_000): Promise<void> {
    const running = this.#running;
    await this.until(
      async () => {
        const all = await Promise.all(running.map((name) => this.describe(name)));
        return all
          .flatMap((d) =>
            d.peers.filter((p) => !p.available && running.includes(p.name)).map((p) => `${d.holder} lacks ${p.name}`),
          )
          .join('; ');
      },
      'links are not up',
      timeout,
    );
  }

  /** Asks `wrong` until it answers with nothing. */
  async until(wrong: () => Promise<string>, what: string, timeout = 20_000): Promise<void> {
    const deadline = performance.now() + timeout;
    for (;;) {
      const why = await wrong().catch((error: unknown) => String(error));
      if (why === '') return;
      if (performance.now() > deadline) throw new Error(`${what} within ${timeout} ms: ${why}`);
      await pause(25);
    }
  }

  /** A request for a digest, signed by the wallet's initiator. */
  request(id: string, change: Partial<RequestFields> = {}, signWith = this.initiator): SignedRequest {
    const fields: RequestFields = {
      genesis: digestOf(this.#genesis),
      id,
      key: this.#keys[0]?.name ?? '',
      chain: '',
      format: 'Digest',
      data: Uint8Array.from(randomBytes(32)),
      initiator: 'payments-api',
      expiresAt: Date.now() + 3_600_000,
      ...change,
    };
    return signRequest(fields, signWith);
  }

  /** One answer of the signer at `name`, as it says it. */
  async sign(name: string, { statement, signature }: SignedRequest): Promise<SignReply> {
    return (await this.client(name)).sign({ statement: Buffer.from(statement), signature, approvals: [] });
  }

  /** The audit log of the signer at `name`, after `sequence` and to its head. */
  async audit(name: string, sequence = 0n): Promise<readonly AuditRecord[]> {
    const records: AuditRecord[] = [];
    for await (const record of (await this.client(name)).audit(sequence)) records.push(record);
    return records;
  }

  /** Ends all signers and removes their folders. */
  async close(): Promise<void> {
    for (const signer of this.signers.values()) {
      signer.close();
      await signer.kill();
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #found(described: readonly Omit<PlayedHolder, 'peerPort'>[]): void {
    const of = (name: string): Omit<PlayedHolder, 'peerPort'> => {
      const found = described.find((d) => d.holder === name);
      if (found === undefined) throw new Error(`${name} did not describe itself`);
      return found;
    };
    this.#genesis = encodeStatement({
      type: 'holdfast/genesis/v1',
      wallet: 'payments/treasury',
      threshold: String(this.#threshold),
      holders: this.holders.map(({ name, role }, i) => {
        const { identity, auditKey, nonce } = of(name);
        return {
          name,
          role,
          identifier: String(i + 1),
          identity: hex(identity),
          auditKey: hex(auditKey),
          nonce: hex(nonce),
        };
      }),
      policy: digestOf(this.policyDocument),
    });
    this.#peers = this.holders.map(({ name }) => {
      const port = this.#played.get(name)?.peerPort ?? this.signer(name).peerPort;
      return { name, endpoint: `127.0.0.1:${this.#via.get(port) ?? port}`, certificate: of(name).certificate };
    });
  }
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}
