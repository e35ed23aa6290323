import { clip, digest as digestOf } from '../../common/bytes.ts';
import { messageOf, Refused } from '../../common/errors.ts';
import type { Policy } from '../../policy/document.ts';
import type { RootKey } from '../../policy/child-key.ts';
import type { HolderSignature, SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { emptyHead } from '../../statement/audit.ts';
import { isSignedHead } from '../../statement/head-signature.ts';
import type { GenesisStatement } from '../../statement/statements.ts';
import type { AnyScheme, SchemeName, SigningKey } from '../scheme/scheme.ts';
import type { Change, PeerRow, Snapshot } from '../state/store.ts';
import { CounterpartyBanned } from './counterparty-banned.ts';
import type { Environment, ShareLabel } from './environment.ts';
import type { VerifiedRequest } from './judge.ts';
import { Ledger } from './ledger.ts';
import { RecentRequests } from './recent-requests.ts';
import { Requests } from './requests.ts';
import { Roster } from './roster.ts';
import { RollbackFence } from './rollback-fence.ts';
import { SignerTime } from './time.ts';

/** A key this holder may sign with: certified by all holders. */
export type ActiveKey = {
  readonly name: string;
  readonly scheme: SchemeName;
  readonly epoch: string;
  readonly publicKey: RootKey;
  readonly certificate: Uint8Array;
  readonly certificateDigest: string;
  readonly signatures: readonly HolderSignature[];
  readonly engine: AnyScheme;
  /** The opened share; absent at a Backup, which opens its share for ceremonies of recovery alone. */
  readonly signing: SigningKey | undefined;
};

/**
 * One wallet at one of its holders, from genesis on: what ceremonies share. Facts are fixed by genesis;
 * `keys`, `ledger`, `requests` and `peers` mirror the store and change in the same turn as what is written.
 */
export class Wallet {
  readonly env: Environment;
  readonly genesis: GenesisStatement;
  readonly genesisDigest: string;
  readonly roster: Roster;
  readonly policy: Policy;
  readonly policyDocument: Uint8Array;
  readonly policyStatement: Uint8Array;
  readonly policyDigest: string;
  readonly time: SignerTime;
  readonly ledger: Ledger;
  readonly requests: Requests;
  readonly recent: RecentRequests;
  readonly keys = new Map<string, ActiveKey>();
  /** Names of keys that are to be generated or are. */
  readonly wanted = new Set<string>();
  /** 16 random bytes of this process start: nonces of another boot are gone. */
  readonly boot: Uint8Array;
  readonly fence: RollbackFence;
  /** Called when records came to the audit log and are on disk. */
  onAppended: () => void = () => {};
  /** Called when a peer is left out, before that is on disk: what is under way with it ends. */
  onLeftOut: (peer: string, why: string) => void = () => {};
  readonly #peers: Map<string, PeerRow>;
  readonly #dirtyPeers = new Set<string>();
  /** Why this holder never signs with a peer under a key, by key and peer. */
  readonly #bans: Map<string, string>;

  constructor(
    env: Environment,
    facts: {
      readonly genesis: GenesisStatement;
      readonly genesisDigest: string;
      readonly policy: Policy;
      readonly policyDocument: Uint8Array;
      readonly policyStatement: Uint8Array;
    },
    snapshot: Snapshot,
  ) {
    // No ceremony sees a link before both sides compared their audit logs.
    const { peers } = env;
    this.env = {
      ...env,
      peers: {
        send: (peer, body) => this.fence.joined(peer) && peers.send(peer, body),
        available: (peer) => this.fence.joined(peer) && peers.available(peer),
      },
    };
    this.genesis = facts.genesis;
    this.genesisDigest = facts.genesisDigest;
    this.policy = facts.policy;
    this.policyDocument = facts.policyDocument;
    this.policyStatement = facts.policyStatement;
    this.policyDigest = digestOf(facts.policyStatement);
    this.roster = new Roster(facts.genesis, env.holder);
    this.time = new SignerTime(env.clock, snapshot.lastTime);
    this.ledger = new Ledger(facts.policy, env.store.ledgerRows(), (digest) => env.store.ledger(digest));
    this.requests = new Requests(env.store);
    this.recent = new RecentRequests(facts.genesisDigest, facts.policy);
    this.boot = env.random(16);
    this.fence = new RollbackFence({
      threshold: Number(facts.genesis.threshold),
      own: () => env.store.head,
      hashAt: (sequence) => env.store.auditAfter(sequence - 1n, 1).find((r) => r.sequence === sequence)?.hash,
      signedHere: (signed) =>
        isSignedHead({ genesis: facts.genesisDigest, holder: this.roster.me.name }, signed, this.roster.me.auditKey),
      remembered: (name) => this.peer(name).head,
    });
    this.#peers = new Map(snapshot.peers.map((p) => [p.name, p]));
    this.#bans = new Map(snapshot.bans.map((b) => [banId(b.key, b.peer), b.why]));
  }

  /** Writes durably; what peers told us of their heads since travels along. */
  async write(change: Omit<Change, 'now'>): Promise<void> {
    const why = this.whyHeld();
    if (why !== undefined && (this.fence.stopped !== '' || (change.audit?.length ?? 0) > 0)) throw why;
    const dirty = [...this.#dirtyPeers].filter((name) => change.peers?.every((p) => p.name !== name) ?? true);
    this.#dirtyPeers.clear();
    const peers = [...(change.peers ?? []), ...dirty.map((name) => this.peer(name))];
    try {
      await this.env.store.write({ ...change, peers, now: this.time.seconds() });
    } catch (error) {
      for (const { name } of peers) this.#dirtyPeers.add(name);
      throw error;
    }
    if ((change.audit?.length ?? 0) > 0) this.onAppended();
  }

  /** What is remembered of a peer. */
  peer(name: string): PeerRow {
    return this.#peers.get(name) ?? { name, head: emptyHead, signed: undefined, spends: 0n, fenced: '', strikes: 0 };
  }

  /** Changes what is remembered of a peer; durable with a write that carries the result or the next one. */
  remember(name: string, change: Partial<Omit<PeerRow, 'name'>>): PeerRow {
    const next = { ...this.peer(name), ...change };
    this.#peers.set(name, next);
    this.#dirtyPeers.add(name);
    return next;
  }

  /** Something is remembered of peers that is not on its way to disk. */
  get unsaved(): boolean {
    return this.#dirtyPeers.size > 0;
  }

  /** Why nothing may be appended to the audit log now; undefined where it may. */
  whyHeld(): Refused | undefined {
    if (this.fence.stopped !== '') return new Refused('RollbackDetected', this.fence.stopped);
    if (this.fence.witnessed) return undefined;
    const refused = [...this.fence.refusals.values(), ...this.fence.doubts.values()]
      .map((text) => `; ${text}`)
      .join('');
    return new Refused(
      'QuorumUnavailable',
      `since its start ${this.roster.me.name} has not compared its audit log with a quorum: waits for ${this.roster.others.map((m) => m.name).join(' or ')}${refused}`,
    );
  }

  /** Reachable and trusted, with `key` where one is named. */
  usable(name: string, key?: string): boolean {
    if (name === this.roster.me.name) return true;
    return this.env.peers.available(name) && this.whyLeftOut(name, key) === '';
  }

  /** Why a peer is never asked again, with `key` where one is named, in words; "" while it is trusted. */
  whyLeftOut(name: string, key?: string): string {
    const { fenced } = this.peer(name);
    if (fenced !== '') return `${name} is left out since a check failed: ${fenced}`;
    return key === undefined ? '' : this.ban(key, name);
  }

  /** Why this holder never signs with `peer` under `key` again, in words; "" where it does. */
  ban(key: string, peer: string): string {
    const why = this.#bans.get(banId(key, peer));
    return why === undefined ? '' : `${this.roster.me.name} never signs with ${peer} under key ${key} again: ${why}`;
  }

  /** A check failed on messages of `peers`: on disk when it resolves, they are left out until cleared. */
  async leaveOut(peers: readonly string[], key: string, why: string, digest: string): Promise<void> {
    for (const name of peers) {
      this.env.meter.failure('sign', 'CulpritFound', name);
      this.env.log.error('culprit found', { culprit: name, digest, error: why });
    }
    const { policyDigest: policy } = this;
    const changed = peers.map((name) => this.remember(name, { fenced: `key ${key}: ${why}` }));
    for (const name of peers) this.onLeftOut(name, this.whyLeftOut(name));
    await this.write({
      peers: changed,
      audit: peers.map((culprit) => ({ type: 'CulpritFound' as const, culprit, digest, key, policy })),
    });
  }

  /** Never again with `peer` under `key`: in force at once, on disk when it resolves. */
  async banForGood(key: string, peer: string, why: string, digest: string): Promise<Refused> {
    const text = clip(why, MOST_WHY);
    const id = banId(key, peer);
    const known = this.#bans.has(id);
    if (!known) this.#bans.set(id, text);
    this.onLeftOut(peer, this.ban(key, peer));
    this.env.meter.failure('sign', 'CounterpartyBanned', peer);
    this.env.log.error('counterparty banned', { peer, key, digest, error: text });
    const audit = { type: 'CounterpartyBanned' as const, culprit: peer, digest, key, policy: this.policyDigest };
    await this.write({ bans: [{ key, peer, why: text }], ...(!known && { audit: [audit] }) });
    return new CounterpartyBanned(peer, this.ban(key, peer));
  }

  /**
   * Something failed that one of `peers` caused. Of one it is on disk when it resolves, and too often fences; of several
   * nobody can say which, and a liar must not have the honest left out with it.
   */
  async strike(peers: readonly string[], why: string): Promise<void> {
    if (peers.length > 1) return this.env.log.warn('ceremony failed without a culprit', { peers, error: why });
    const changed = peers.map((name) => {
      const strikes = this.peer(name).strikes + 1;
      this.env.log.warn('ceremony failed without a culprit', { peer: name, strikes, error: why });
      return this.remember(name, {
        strikes,
        ...(strikes >= MOST_STRIKES && { fenced: `${strikes} failures that only it or others could cause: ${why}` }),
      });
    });
    await this.write({
      peers: changed,
      audit: changed
        .filter((p) => p.strikes === MOST_STRIKES)
        .map(({ name }) => ({ type: 'CulpritFound' as const, culprit: name, policy: this.policyDigest })),
    });
  }

  /** As {@link RecentRequests.verify}; of what is refused nothing stays but a count. PROTOCOL.md 4. */
  verify(request: SignRequest): VerifiedRequest {
    try {
      return this.recent.verify(request);
    } catch (error) {
      const refused = error instanceof Refused ? error : new Refused('Internal', messageOf(error));
      this.env.meter.decision('', 'Deny', refused.reason);
      throw refused;
    }
  }

  /** The key named `name`, or undefined while it is not generated here. */
  key(name: string): ActiveKey | undefined {
    return this.keys.get(name);
  }
}

/** Failures without a name after which a peer is left out. PROTOCOL.md 3. */
const MOST_STRIKES = 3;
/** Characters of what is kept of a failure. */
const MOST_WHY = 300;

const banId = (key: string, peer: string): string => `${key}\n${peer}`;

/** How a share is labelled under its seal. */
export const shareLabel = (
  wallet: { readonly genesisDigest: string; readonly roster: Roster },
  key: string,
  scheme: SchemeName,
  attempt: number,
): ShareLabel => ({ genesis: wallet.genesisDigest, holder: wallet.roster.me.name, key, scheme, attempt, epoch: 0 });
