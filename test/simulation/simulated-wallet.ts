import type { KeyObject } from 'node:crypto';
import { digest as digestOf, hex } from '../../common/bytes.ts';
import { formatTime, type Clock } from '../../common/clock.ts';
import { silentLog, type Log } from '../../common/log.ts';
import { policyDocument } from '../../policy/document.ts';
import type { SignReply, SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import type { Environment, HeadSigner, Identity, ShareKeeper } from '../../signer/ceremony/environment.ts';
import { identityHeads } from '../../signer/ceremony/identity-heads.ts';
import { silentMeter, type Meter } from '../../signer/ceremony/meter.ts';
import type { AnyScheme, EcdsaScheme, FrostScheme, KeyShare, Scheme, SchemeName } from '../../signer/scheme/scheme.ts';
import { Signer } from '../../signer/signer.ts';
import { canonicalize } from '../../statement/canonical.ts';
import { requestNamespace } from '../../statement/holder-signature.ts';
import { formatSshPublicKey, sshKeyOf } from '../../statement/ssh-key.ts';
import { signSshsig } from '../../statement/sshsig.ts';
import { encodeStatement, type GenesisStatement, type RequestStatement } from '../../statement/statements.ts';
import { Disk, MemoryStore } from './memory-store.ts';
import { Network } from './network.ts';
import { toyEcdsa } from './toy-ecdsa.ts';
import { toyScheme } from './toy-scheme.ts';
import { realWorld, type World } from './world.ts';

export type SimulatedHolder = { readonly name: string; readonly role: 'Infrastructure' | 'Client' | 'Backup' };

export const threeHolders: readonly SimulatedHolder[] = [
  { name: 'infrastructure', role: 'Infrastructure' },
  { name: 'client', role: 'Client' },
  { name: 'backup', role: 'Backup' },
];

type Running = {
  readonly signer: Signer;
  readonly store: MemoryStore;
  readonly gone: Promise<void>;
  readonly killed: () => void;
};

/** A whole wallet in one process: real ceremonies over a simulated network, simulated disks and, unless `scheme` says otherwise, toy arithmetic. */
export class SimulatedWallet {
  readonly network: Network;
  readonly holders: readonly SimulatedHolder[];
  readonly initiator: KeyObject;
  readonly #world: World;
  readonly #identities: ReadonlyMap<string, Identity>;
  readonly #disks: ReadonlyMap<string, Disk>;
  readonly #running = new Map<string, Running>();
  readonly #threshold: number;
  readonly #document: Uint8Array;
  readonly #log: Log;
  readonly #meter: (holder: string) => Meter;
  readonly #scheme: (name: SchemeName) => AnyScheme;
  readonly #heads: ReadonlyMap<string, HeadSigner>;

  /** `policy` is a SigningPolicy spec without `initiators`: the wallet's own, `payments-api`, is added. */
  constructor(options: {
    readonly holders?: readonly SimulatedHolder[];
    readonly threshold?: number;
    readonly policy: Readonly<Record<string, unknown>>;
    readonly clock?: Clock;
    /** In place of `clock`. */
    readonly world?: World;
    /** What is on the holders' disks already: nothing unless given. */
    readonly disks?: ReadonlyMap<string, Disk>;
    readonly log?: Log;
    readonly meter?: (holder: string) => Meter;
    readonly scheme?: (name: FrostScheme) => Scheme;
    readonly ecdsa?: EcdsaScheme;
    /** What signs a holder's audit heads, in place of its identity. */
    readonly heads?: (holder: string, own: HeadSigner) => HeadSigner;
  }) {
    this.holders = options.holders ?? threeHolders;
    this.#threshold = options.threshold ?? 2;
    const world = options.world ?? realWorld(options.clock);
    this.#world = world;
    this.network = new Network((actor, way, run) => world.later(actor, way, run));
    this.initiator = world.identity('initiator').privateKey;
    this.#log = options.log ?? silentLog;
    this.#meter = options.meter ?? (() => silentMeter);
    const random = (length: number): Uint8Array => world.random(length);
    const frost = options.scheme ?? ((name) => toyScheme(name, random));
    const ecdsa = options.ecdsa ?? toyEcdsa(random);
    this.#scheme = (name) => (name === 'ECDSA' ? ecdsa : frost(name));
    this.#identities = new Map(this.holders.map((h) => [h.name, world.identity(h.name)]));
    const heads = options.heads ?? ((_, own) => own);
    this.#heads = new Map(this.holders.map((h) => [h.name, heads(h.name, identityHeads(this.identity(h.name)))]));
    this.#disks = new Map(this.holders.map((h) => [h.name, options.disks?.get(h.name) ?? new Disk()]));
    const initiators = [{ name: 'payments-api', key: formatSshPublicKey(sshKeyOf(this.initiator)) }];
    this.#document = canonicalize(policyDocument({ ...options.policy, initiators }));
  }

  get clock(): Clock {
    return this.#world.clock('');
  }

  get genesis(): Uint8Array {
    const statement: GenesisStatement = {
      type: 'holdfast/genesis/v1',
      wallet: 'payments/treasury',
      threshold: String(this.#threshold),
      holders: this.holders.map(({ name, role }, i) => {
        const { spki, nonce } = this.identity(name);
        const auditKey = hex(this.heads(name).publicKey);
        return { name, role, identifier: String(i + 1), identity: hex(spki), auditKey, nonce: hex(nonce) };
      }),
      policy: digestOf(this.#document),
    };
    return encodeStatement(statement);
  }

  get policyDocument(): Uint8Array {
    return this.#document;
  }

  signer(name: string): Signer {
    const running = this.#running.get(name);
    if (running === undefined) throw new Error(`${name} is not running`);
    return running.signer;
  }

  store(name: string): MemoryStore {
    const running = this.#running.get(name);
    if (running === undefined) throw new Error(`${name} is not running`);
    return running.store;
  }

  disk(name: string): Disk {
    return this.#disks.get(name) as Disk;
  }

  /** Opens a holder's signer over what is on its disk. */
  async open(name: string, ownerAccepts?: (genesis: Uint8Array) => void): Promise<Signer> {
    const world = this.#world;
    const store = new MemoryStore(
      this.disk(name),
      (run) => world.later(name, `disk of ${name}`, run),
      () => world.survives(),
    );
    const env: Omit<Environment, 'peers'> = {
      wallet: 'payments/treasury',
      holder: name,
      version: '0.0.0',
      clock: world.clock(name),
      random: (n) => world.random(n),
      store,
      scheme: this.#scheme,
      identity: this.identity(name),
      heads: this.heads(name),
      shares: plainShares,
      meter: this.#meter(name),
      log: this.#log.with({ holder: name }),
    };
    const signer = await Signer.open(
      env,
      new Uint8Array(),
      this.network.connect(name, () => store.head),
      ownerAccepts,
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running.set(name, { signer, store, gone: promise, killed: resolve });
    return signer;
  }

  /** Opens a holder's signer and provisions it. */
  async start(
    name: string,
    keys: readonly { readonly name: string; readonly scheme: SchemeName }[] = [],
  ): Promise<Signer> {
    const signer = await this.open(name);
    const provisioned = signer.provision({
      genesis: this.genesis,
      policyDocument: this.#document,
      peers: [],
      keys: [...keys],
    });
    await Promise.race([provisioned, this.gone(name)]);
    return signer;
  }

  async startAll(keys: readonly { readonly name: string; readonly scheme: SchemeName }[]): Promise<void> {
    for (const { name } of this.holders) await this.start(name, keys);
  }

  /** Ends a holder's signer as kill -9 does: memory is lost, the disk stays. */
  kill(name: string): void {
    const running = this.#running.get(name);
    running?.store.crash();
    this.#running.delete(name);
    this.#world.killed(name);
    this.network.stop(name);
    running?.killed();
  }

  killAll(): void {
    for (const name of [...this.#running.keys()]) this.kill(name);
  }

  running(name: string): boolean {
    return this.#running.has(name);
  }

  /** Settles when the signer that runs at `name` now is killed. */
  gone(name: string): Promise<void> {
    return this.#running.get(name)?.gone ?? Promise.resolve();
  }

  /** Waits until `key` is active at every holder. */
  async keyActive(key: string, timeout = 20_000): Promise<void> {
    const deadline = Date.now() + timeout;
    const state = (name: string): string =>
      this.#running
        .get(name)
        ?.signer.describe()
        .keys.find((k) => k.name === key)?.state ?? 'not running';
    while (this.holders.some((h) => state(h.name) !== 'Active')) {
      if (Date.now() > deadline)
        throw new Error(`key ${key}: ${this.holders.map((h) => `${h.name} ${state(h.name)}`).join(', ')}`);
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    }
  }

  /** Waits until the link between two holders carries ceremonies: both compared their audit logs. */
  async joined(a: string, b: string, timeout = 20_000): Promise<void> {
    const deadline = Date.now() + timeout;
    const sees = (from: string, to: string): boolean =>
      this.signer(from).peers.some(([name, available]) => name === to && available);
    while (!sees(a, b) || !sees(b, a)) {
      if (Date.now() > deadline) throw new Error(`${a} and ${b} have not joined`);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  /** A request signed by the wallet's initiator; `change` replaces members before it signs. */
  request(
    change: Partial<RequestStatement> & Pick<RequestStatement, 'id'>,
    signWith: KeyObject = this.initiator,
  ): SignRequest {
    const statement = encodeStatement({
      type: 'holdfast/request/v1',
      genesis: digestOf(this.genesis),
      key: 'solana',
      path: '',
      chain: '',
      format: 'Digest',
      data: `0x${'11'.repeat(32)}`,
      initiator: 'payments-api',
      expiresAt: formatTime(this.clock.now() + 3_600_000),
      ...change,
    });
    return {
      statement,
      signature: signSshsig({ namespace: requestNamespace, message: statement, privateKey: signWith }),
      approvals: [],
    };
  }

  sign(at: string, request: SignRequest): Promise<SignReply> {
    return this.signer(at).sign(request);
  }

  heads(name: string): HeadSigner {
    return this.#heads.get(name) as HeadSigner;
  }

  identity(name: string): Identity {
    return this.#identities.get(name) as Identity;
  }
}

/** Shares kept as JSON: sealing is tested where it lives. */
export const plainShares: ShareKeeper = {
  async seal(share) {
    const { identifier, threshold, groupKey, verificationShares } = share;
    return new TextEncoder().encode(
      JSON.stringify({
        identifier,
        threshold,
        share: hex(share.share),
        groupKey: hex(groupKey),
        verificationShares: verificationShares.map(hex),
      }),
    );
  },
  async open(sealed): Promise<KeyShare> {
    const { share, groupKey, verificationShares, ...rest } = JSON.parse(new TextDecoder().decode(sealed)) as {
      identifier: number;
      threshold: number;
      share: string;
      groupKey: string;
      verificationShares: string[];
    };
    const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
    return {
      ...rest,
      share: bytes(share),
      groupKey: bytes(groupKey),
      verificationShares: verificationShares.map(bytes),
    };
  },
};
