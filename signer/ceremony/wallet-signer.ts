import { clip, digest as digestOf } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import { rootKeyOf } from '../../policy/child-key.ts';
import type { Hello } from '../../proto/gen/signer/v1/peer.ts';
import type { SignReply, SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { parseStatement } from '../../statement/statements.ts';
import type { PeerBody, Peers, Received } from '../peers/peers.ts';
import type { KeyShare, SchemeName, SigningKey } from '../scheme/scheme.ts';
import type { KeyRow, Snapshot } from '../state/store.ts';
import { SealUnavailable } from './environment.ts';
import { Exchanges } from './exchanges.ts';
import { Forwarding } from './forward.ts';
import { HeadExchange } from './head-exchange.ts';
import { signaturesOf } from './key-signatures.ts';
import { Keygen } from './keygen.ts';
import { Outcomes } from './outcomes.ts';
import { NonceKeeper } from './own-nonces.ts';
import { refusalReply, rowReply } from './reply.ts';
import { SignCoordinator } from './sign-coordinator.ts';
import { SignMember } from './sign-member.ts';
import { SignSessions } from './sign-sessions.ts';
import { Spends } from './spends.ts';
import { shareLabel, type Wallet } from './wallet.ts';

/** Between two tries of a seal that does not serve. */
const SEAL_PAUSE_MS = 1_000;

/**
 * A provisioned signer: its ceremonies, and which message goes to which. Everything it does comes from a call,
 * a message, a link that comes or goes, or its clock; what it touches is in its {@link Wallet}'s environment.
 */
export class WalletSigner {
  readonly wallet: Wallet;
  readonly keygen: Keygen;
  readonly #nonces: NonceKeeper;
  readonly #spends: Spends;
  readonly #outcomes: Outcomes;
  readonly #exchanges: Exchanges;
  readonly #sessions: SignSessions;
  readonly #coordinator: SignCoordinator;
  readonly #member: SignMember;
  readonly #forwarding: Forwarding;
  readonly heads: HeadExchange;
  /** Spends that peers said they have, until they are joined. */
  readonly #greeted = new Map<string, bigint>();

  constructor(wallet: Wallet, rows: readonly KeyRow[], links: Peers) {
    this.wallet = wallet;
    this.heads = new HeadExchange(wallet, links, {
      joined: (peer) => this.#join(peer),
      left: (peer) => this.#leave(peer),
    });
    this.keygen = new Keygen(wallet, rows, (row) => this.#open(row));
    this.#nonces = new NonceKeeper(wallet);
    this.#spends = new Spends(wallet);
    this.#outcomes = new Outcomes(wallet);
    this.#exchanges = new Exchanges(wallet);
    wallet.onLeftOut = (peer, why) => this.#exchanges.onLeftOut(peer, why);
    this.#sessions = new SignSessions(wallet, this.#nonces, this.#exchanges);
    this.#coordinator = new SignCoordinator(wallet, this.#sessions, this.#spends, this.#outcomes);
    this.#member = new SignMember(wallet, this.#nonces, this.#spends, this.#exchanges);
    this.#forwarding = new Forwarding(wallet, (request) => this.#coordinator.sign(request));
  }

  /** Opens the shares of active keys and settles what was unfinished when the signer stopped. */
  static async start(wallet: Wallet, snapshot: Snapshot, links: Peers): Promise<WalletSigner> {
    const signer = new WalletSigner(wallet, snapshot.keys, links);
    signer.heads.start(snapshot);
    for (const row of snapshot.keys) if (row.state === 'Active') await signer.#open(row);
    if (wallet.fence.stopped === '') await signer.#settleUnfinished(snapshot);
    return signer;
  }

  /** Judges and signs, here or at the holder that coordinates. Never throws. */
  async sign(request: SignRequest): Promise<SignReply> {
    const digest = digestOf(request.statement);
    const held = this.wallet.whyHeld();
    if (held !== undefined) return refusalReply(held, { digest });
    return { ...(await this.#forwarding.sign(request)), digest };
  }

  /** What is on disk here of a request; undefined where nothing is. */
  request(initiator: string, id: string): SignReply | undefined {
    const row = this.wallet.env.store.requestById(initiator, id);
    return row === undefined ? undefined : rowReply(this.wallet, row);
  }

  get requestsUnderWay(): number {
    return this.#coordinator.running;
  }

  limitUse(): ReturnType<Wallet['ledger']['limitUse']> {
    return this.wallet.ledger.limitUse(this.wallet.time.seconds());
  }

  hello(peer: string): Hello {
    return {
      genesis: this.wallet.genesisDigest,
      holder: this.wallet.roster.me.name,
      boot: this.wallet.boot,
      version: this.wallet.env.version,
      spendsSeen: this.wallet.peer(peer).spends,
      ...this.heads.remembered(peer),
    };
  }

  onUp(peer: string, hello: Hello): void {
    this.#greeted.set(peer, hello.spendsSeen);
    this.heads.onUp(peer, hello);
  }

  onDown(peer: string): void {
    this.#greeted.delete(peer);
    this.heads.onDown(peer);
  }

  onMessage(peer: string, message: Received): void {
    if (this.heads.onMessage(peer, message)) return;
    if (!this.keygen.onMessage(peer, message.body)) this.#route(peer, message.body);
  }

  close(): void {
    this.heads.close();
  }

  #join(peer: string): void {
    this.#sessions.onUp(peer);
    this.#spends.onUp(peer, this.#greeted.get(peer) ?? 0n);
    this.#nonces.offer(peer);
    this.keygen.onUp(peer);
  }

  #leave(peer: string): void {
    this.#exchanges.onDown(peer);
    this.#sessions.onDown(peer);
    this.#spends.onDown(peer);
    this.#outcomes.onDown(peer);
    this.#forwarding.onDown(peer);
    this.keygen.onDown(peer);
  }

  #route(peer: string, body: PeerBody): void {
    switch (body.$case) {
      case 'heartbeat':
        return;
      case 'commitments':
        return this.#sessions.onCommitments(peer, body.value);
      case 'signRound':
        return this.#background(peer, this.#member.onSignRound(peer, body.value));
      case 'signStep':
        return this.#exchanges.onStep(peer, body.value);
      case 'signShares':
        return this.#sessions.onShares(peer, body.value);
      case 'refusal':
        if (this.#sessions.onRefusal(peer, body.value)) return;
        this.#exchanges.onEnd(peer, body.value.session, clip(body.value.message));
        if (body.value.reason === 'Unknown')
          this.#outcomes.onUnknown(peer, `sha256:${Buffer.from(body.value.session).toString('hex')}`);
        return;
      case 'outcome':
        return this.#background(peer, this.#outcomes.onOutcome(peer, body.value));
      case 'spend':
        return this.#background(peer, this.#spends.onSpend(peer, body.value));
      case 'spendAck':
        return this.#spends.onAck(peer, body.value.sequence);
      case 'ask':
        return this.#outcomes.onAsk(peer, body.value);
      case 'forward':
        return this.#background(peer, this.#forwarding.onForward(peer, body.value));
      case 'forwardReply':
        return this.#forwarding.onReply(peer, body.value);
      default:
        this.wallet.env.log.warn('message not understood', { peer, type: body.$case });
    }
  }

  /** A key is certified: its share opens, except at a Backup, which opens its own for recovery alone. */
  async #open(row: KeyRow): Promise<void> {
    const { wallet } = this;
    const { env, roster } = wallet;
    const certificate = parseStatement('holdfast/certificate/v1', row.certificate);
    const { scheme } = row;
    const engine = env.scheme(scheme);
    let signing: SigningKey | undefined;
    if (roster.me.role !== 'Backup') {
      const share = await this.#openShare(row, scheme);
      // The engine has a copy of its own.
      signing = await engine.open(share).finally(() => share.share.fill(0));
    }
    wallet.keys.set(row.name, {
      name: row.name,
      scheme,
      epoch: certificate.epoch,
      publicKey: rootKeyOf(certificate),
      certificate: row.certificate,
      certificateDigest: digestOf(row.certificate),
      signatures: signaturesOf(row),
      engine,
      signing,
    });
    const active = wallet.key(row.name);
    for (const m of roster.coordinators)
      if (active !== undefined && (m === roster.me || env.peers.available(m.name)))
        this.#nonces.offer(m.name, [active]);
    this.#spends.onKeyActive();
  }

  /** Waits for a seal that does not serve now: the key is certified, so nothing is gained by giving up. */
  async #openShare(row: KeyRow, scheme: SchemeName): Promise<KeyShare> {
    const { env } = this.wallet;
    for (;;)
      try {
        return await env.shares.open(row.sealed, shareLabel(this.wallet, row.name, scheme, row.attempt));
      } catch (error) {
        if (!(error instanceof SealUnavailable)) throw error;
        await new Promise<void>((resolve) => {
          env.clock.after(SEAL_PAUSE_MS, resolve);
        });
      }
  }

  /**
   * Reserved rows are of requests that this holder coordinated when it stopped: members may have released their
   * shares, so they count as spends, and asking again with the same id completes them.
   */
  async #settleUnfinished({ unfinished, reserved }: Snapshot): Promise<void> {
    const { wallet } = this;
    if (unfinished.length === 0) return;
    await wallet.write({
      requests: unfinished.map((row) => ({ ...row, state: 'Released', reason: 'SignatureMayExist' })),
      ledger: reserved.map((row) => wallet.ledger.put({ ...row, state: 'Spent' })),
    });
    for (const { digest } of unfinished) wallet.ledger.settle(digest);
  }

  #background(peer: string, work: Promise<void>): void {
    work.catch((error: unknown) => this.wallet.env.log.error('message not handled', { peer, error: messageOf(error) }));
  }
}
