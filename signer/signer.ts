import { setImmediate } from 'node:timers/promises';
import { digest as digestOf, equal, fromHex, hex, quote } from '../common/bytes.ts';
import { messageOf, Refused, UserError } from '../common/errors.ts';
import { parsePolicy } from '../policy/document.ts';
import type { Hello } from '../proto/gen/signer/v1/peer.ts';
import {
  ProvisionRequest,
  type Description,
  type PruneAuditRequest,
  type KeyRequest,
  type PeerAddress,
  type SchemeState,
  type SignReply,
  type SignRequest,
  type WalletFacts,
} from '../proto/gen/signer/v1/signer.ts';
import { parseCanonical } from '../statement/canonical.ts';
import { encodeStatement, parseStatement } from '../statement/statements.ts';
import type { Environment } from './ceremony/environment.ts';
import type { Keygen } from './ceremony/keygen.ts';
import { Wallet } from './ceremony/wallet.ts';
import { WalletSigner } from './ceremony/wallet-signer.ts';
import { AuditPruning } from './audit-pruning.ts';
import type { PeerHandlers, PeerLinks } from './peers/peers.ts';
import type { SchemeName } from './scheme/scheme.ts';

/** Starts links to the peers that genesis pins. */
export type Connect = (
  pins: ReadonlyMap<string, Uint8Array>,
  genesis: string,
  handlers: PeerHandlers,
) => Promise<PeerLinks>;

/** As the statement forms have it, and as the kind Wallet bounds it. */
const KEY_NAME = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const MOST_KEYS = 16;
const SCHEMES = ['EdDSA', 'Schnorr', 'ECDSA'] as const satisfies readonly SchemeName[];
const isScheme = (name: string): name is SchemeName => SCHEMES.some((scheme) => scheme === name);

/** Where provisioned facts lie in the store. */
const META = { genesis: 'genesis', policy: 'policyDocument', peers: 'peers' } as const;

/**
 * One signer process: before genesis it only says who it is; from genesis on, which it accepts once in its life,
 * it is a {@link WalletSigner} with links to its peers. PROTOCOL.md 2.
 */
export class Signer {
  readonly #env: Environment;
  readonly #certificate: Uint8Array;
  readonly #connect: Connect;
  readonly #ownerAccepts: (genesis: Uint8Array) => void;
  /** What it waits for before genesis. */
  #waitsFor = 'waits for its genesis: the operator has not provisioned it yet';
  #wallet: WalletSigner | undefined;
  #links: PeerLinks | undefined;
  readonly #pruning: AuditPruning;
  #provisioning: Promise<unknown> = Promise.resolve();
  /** Peers as last provisioned, in the bytes that are on disk. */
  #addresses: Uint8Array = new Uint8Array();

  private constructor(
    env: Omit<Environment, 'peers'>,
    certificate: Uint8Array,
    connect: Connect,
    ownerAccepts: (genesis: Uint8Array) => void,
  ) {
    // Links exist from genesis on; ceremonies see none until then.
    this.#env = {
      ...env,
      peers: {
        send: (peer, body) => this.#links?.send(peer, body) ?? false,
        available: (peer) => this.#links?.available(peer) ?? false,
      },
    };
    this.#certificate = certificate;
    this.#connect = connect;
    this.#ownerAccepts = ownerAccepts;
    this.#pruning = new AuditPruning(env.store);
  }

  /** Goes on where the signer stopped. `ownerAccepts` throws on a first genesis that its owner did not accept. */
  static async open(
    env: Omit<Environment, 'peers'>,
    certificate: Uint8Array,
    connect: Connect,
    ownerAccepts: (genesis: Uint8Array) => void = () => {},
  ): Promise<Signer> {
    const signer = new Signer(env, certificate, connect, ownerAccepts);
    const { meta } = env.store.load();
    const genesis = meta.get(META.genesis);
    const policy = meta.get(META.policy);
    if (genesis !== undefined && policy !== undefined) await signer.#start(genesis, policy);
    const peers = meta.get(META.peers);
    if (peers !== undefined) {
      signer.#addresses = peers;
      const addresses = attempt(
        () => ProvisionRequest.decode(peers).peers,
        (message) => {
          throw new Error(`the signer's state holds no ${META.peers} as expected: ${message}`);
        },
      );
      signer.#links?.setPeers(addresses);
    }
    return signer;
  }

  /** Of its identity, as peers and clients pin it. */
  get fingerprint(): string {
    return digestOf(this.#env.identity.spki);
  }

  get wallet(): WalletSigner | undefined {
    return this.#wallet;
  }

  /** Peers by name with whether their link is up. */
  get peers(): readonly (readonly [string, boolean])[] {
    const others = this.#wallet?.wallet.roster.others ?? [];
    return others.map((m) => [m.name, this.#wallet?.wallet.env.peers.available(m.name) ?? false] as const);
  }

  /** This signer stopped, or refuses a peer. */
  get rollbackDetected(): boolean {
    const fence = this.#wallet?.wallet.fence;
    return fence !== undefined && (fence.stopped !== '' || fence.refusals.size > 0);
  }

  describe(): Description {
    const { wallet, holder, version, identity, heads, store } = this.#env;
    const facts = this.#wallet?.wallet;
    const sealProblem = this.#env.sealProblem?.();
    return {
      version,
      wallet,
      holder,
      identity: identity.spki,
      auditKey: heads.publicKey,
      nonce: identity.nonce,
      certificate: this.#certificate,
      genesis: facts?.genesisDigest ?? '',
      policyDigest: facts?.policyDigest ?? '',
      keys: this.#wallet?.keygen.states() ?? [],
      peers: this.peers.map(([name, available]) => {
        const { fenced, head, signed } = facts?.peer(name) ?? {};
        return {
          name,
          available,
          fenced: fenced !== '',
          refused: facts?.fence.refusals.get(name) ?? '',
          head: head?.sequence === 0n ? undefined : head,
          signedHead: signed && { ...signed },
        };
      }),
      problems: [
        ...(facts === undefined ? [this.#waitsFor] : []),
        ...(facts === undefined || facts.fence.stopped === '' ? [] : [facts.fence.stopped]),
        // Without a quorum to compare with, what keeps it from one.
        ...(facts === undefined || facts.fence.witnessed ? [] : facts.fence.doubts.values()),
        ...(store.problem === '' ? [] : [store.problem]),
        ...(sealProblem === undefined ? [] : [sealProblem.message]),
      ],
      sealState: sealProblem?.state ?? '',
      schemes: SCHEMES.map((name) => this.#schemeState(name)),
      head: store.head,
      signedHead: this.#wallet?.heads.signed && { ...this.#wallet.heads.signed },
    };
  }

  #schemeState(name: SchemeName): SchemeState {
    try {
      return { name, engine: this.#env.scheme(name).engine, problem: '' };
    } catch (error) {
      return { name, engine: '', problem: messageOf(error) };
    }
  }

  facts(): WalletFacts {
    const { genesis, policyStatement, policyDocument, keys } = this.#provisioned().wallet;
    return {
      genesis: encodeStatement(genesis),
      policyStatement,
      policyDocument,
      certificates: [...keys.values()].map((k) => ({ statement: k.certificate, signatures: [...k.signatures] })),
    };
  }

  async sign(request: SignRequest): Promise<SignReply> {
    return this.#provisioned().sign(request);
  }

  request(initiator: string, id: string): SignReply | undefined {
    return this.#provisioned().request(initiator, id);
  }

  /** Takes the bodies of an exported segment off the disk; gives the last record without one. */
  pruneAudit(request: PruneAuditRequest): Promise<bigint> {
    const { wallet } = this.#provisioned();
    return this.#pruning.prune(request, (change) => wallet.write(change));
  }

  /** Accepts genesis once, addresses any number of times, keys as they are added. One call at a time. */
  provision(request: ProvisionRequest): Promise<string> {
    const done = this.#provisioning.then(() => this.#provision(request));
    this.#provisioning = done.catch(() => {});
    return done;
  }

  async close(): Promise<void> {
    this.#wallet?.close();
    await this.#links?.close();
  }

  #provisioned(): WalletSigner {
    if (this.#wallet === undefined) throw new Refused('Unprovisioned', `${this.#env.holder} has no genesis yet`);
    return this.#wallet;
  }

  async #provision({ genesis, policyDocument, peers, keys }: ProvisionRequest): Promise<string> {
    if (this.#wallet === undefined) await this.#accept(genesis, policyDocument);
    const signer = this.#provisioned();
    const { wallet } = signer;
    if (digestOf(genesis) !== wallet.genesisDigest)
      throw new Refused(
        'WrongWallet',
        `this signer has accepted genesis ${wallet.genesisDigest} for good and refuses ${digestOf(genesis)}`,
      );
    if (!equal(policyDocument, wallet.policyDocument))
      throw new Refused(
        'PolicyMismatch',
        'the policy is not the one that genesis pins; policy changes are not in this version',
      );
    await this.#address(
      wallet,
      peers.filter((p) => p.name !== wallet.roster.me.name),
    );
    const asked = keys.map((k) => wantedKey(k, signer.keygen, this.#env));
    for (const { name, scheme } of asked) await signer.keygen.want(name, scheme);
    return wallet.genesisDigest;
  }

  /** Where peers are, from now on and after a restart. */
  async #address(wallet: Wallet, peers: readonly PeerAddress[]): Promise<void> {
    attempt(
      () => this.#links?.setPeers(peers),
      (message) => {
        throw new Refused('Malformed', message);
      },
    );
    const bytes = ProvisionRequest.encode({
      genesis: new Uint8Array(),
      policyDocument: new Uint8Array(),
      peers: [...peers],
      keys: [],
    }).finish();
    if (equal(bytes, this.#addresses)) return;
    await wallet.write({ meta: { [META.peers]: bytes } });
    this.#addresses = bytes;
  }

  /** Checks a first genesis against what this signer knows itself, and keeps it. */
  async #accept(bytes: Uint8Array, policyDocument: Uint8Array): Promise<void> {
    const { wallet, holder, identity, heads, store, clock } = this.#env;
    const refuse = (message: string): never => {
      throw new Refused('Malformed', `genesis refused: ${message}`);
    };
    const genesis = attempt(() => parseStatement('holdfast/genesis/v1', bytes), refuse);
    if (genesis.wallet !== wallet) refuse(`it is of wallet ${genesis.wallet}, this signer serves ${wallet}`);
    const mine = genesis.holders.find((h) => h.name === holder) ?? refuse(`it has no holder ${holder}`);
    if (mine.identity !== hex(identity.spki)) refuse(`it gives ${holder} another identity than this signer's`);
    if (mine.auditKey !== hex(heads.publicKey)) refuse(`it gives ${holder} another audit key than this signer's`);
    if (mine.nonce !== hex(identity.nonce)) refuse(`it does not carry the nonce that ${holder} made`);
    if (genesis.policy !== digestOf(policyDocument))
      refuse(`it pins policy ${genesis.policy}, given is ${digestOf(policyDocument)}`);
    attempt(() => parsePolicy(parseCanonical(policyDocument)), refuse);
    try {
      this.#ownerAccepts(bytes);
    } catch (error) {
      this.#waitsFor = messageOf(error);
      throw error;
    }
    await store.write({
      meta: { [META.genesis]: bytes, [META.policy]: policyDocument },
      audit: [{ type: 'GenesisAccepted', genesis: digestOf(bytes), policy: genesis.policy }],
      now: Math.floor(clock.now() / 1000),
    });
    await this.#start(bytes, policyDocument);
  }

  async #start(bytes: Uint8Array, policyDocument: Uint8Array): Promise<void> {
    const genesis = parseStatement('holdfast/genesis/v1', bytes);
    const genesisDigest = digestOf(bytes);
    const { holder, heads } = this.#env;
    if (genesis.holders.find((h) => h.name === holder)?.auditKey !== hex(heads.publicKey))
      throw new UserError(`genesis gives ${holder} another audit key than this signer has now`, [
        'start it with the seal, and where that is an HSM with the token, that it was founded with',
      ]);
    const policyStatement = encodeStatement({
      type: 'holdfast/policy/v1',
      genesis: genesisDigest,
      height: '0',
      parent: '',
      policy: genesis.policy,
    });
    const policy = parsePolicy(parseCanonical(policyDocument));
    // Derived ahead, or the first payment to a token account would hold up all others.
    for (const _ of policy.addressBook.prepare()) await setImmediate();
    const snapshot = this.#env.store.load();
    const wallet = new Wallet(this.#env, { genesis, genesisDigest, policy, policyDocument, policyStatement }, snapshot);
    const signer = await WalletSigner.start(wallet, snapshot, this.#env.peers);
    this.#wallet = signer;
    const pins = new Map(genesis.holders.map((h) => [h.name, fromHex(h.identity, 'identity')]));
    this.#links = await this.#connect(pins, genesisDigest, {
      hello: (peer): Hello => signer.hello(peer),
      onUp: (peer, hello) => signer.onUp(peer, hello),
      onDown: (peer) => signer.onDown(peer),
      onMessage: (peer, message) => signer.onMessage(peer, message),
    });
    this.#env.log.info('provisioned', { genesis: genesisDigest, policy: wallet.policyDigest });
  }
}

/** A key to have, in a form that its certificate may have. */
function wantedKey(
  { name, scheme }: KeyRequest,
  keygen: Keygen,
  env: Pick<Environment, 'scheme'>,
): { readonly name: string; readonly scheme: SchemeName } {
  const title = `key ${quote(name)}`;
  if (!isScheme(scheme))
    throw new Refused(
      'Unsupported',
      `${title}: scheme ${quote(scheme)} is not in this version; it has ${SCHEMES.join(', ')}`,
    );
  attempt(
    () => env.scheme(scheme),
    (message) => {
      throw new Refused('Unsupported', `${title}: ${message}`);
    },
  );
  if (!KEY_NAME.test(name))
    throw new Refused('Malformed', `${title}: want at most 63 lowercase letters, digits and inner hyphens`);
  const known = keygen.states().find((k) => k.name === name);
  if (known !== undefined && known.scheme !== scheme)
    throw new Refused('Malformed', `${title} is of scheme ${known.scheme} for good`);
  if (known === undefined && keygen.states().length >= MOST_KEYS)
    throw new Refused('Malformed', `${title}: a wallet has at most ${MOST_KEYS} keys`);
  return { name, scheme };
}

const attempt = <T>(run: () => T, refuse: (message: string) => never): T => {
  try {
    return run();
  } catch (error) {
    return refuse(messageOf(error));
  }
};
