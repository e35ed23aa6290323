import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { digest as digestOf, fromHex, hex } from '../../../common/bytes.ts';
import { selfSignedCertificate } from '../../../common/certificate.ts';
import { formatTime, systemClock } from '../../../common/clock.ts';
import { silentLog } from '../../../common/log.ts';
import type { SignedRequest } from '../../../client/request.ts';
import type { Commitment, Contribution, SignRound } from '../../../proto/gen/signer/v1/peer.ts';
import type { ProvisionRequest } from '../../../proto/gen/signer/v1/signer.ts';
import { effectsDigest } from '../../../policy/effects-json.ts';
import { decode } from '../../../policy/decode/decode.ts';
import type { Environment } from '../../../signer/ceremony/environment.ts';
import { identityHeads } from '../../../signer/ceremony/identity-heads.ts';
import { silentMeter } from '../../../signer/ceremony/meter.ts';
import { sessionId } from '../../../signer/ceremony/session.ts';
import { openPeerLinks } from '../../../signer/peers/peer-links.ts';
import type { PeerBody, PeerLinks } from '../../../signer/peers/peers.ts';
import { frostScheme, inlineEngine } from '../../../signer/scheme/frost-scheme.ts';
import type { FrostScheme, SchemeName } from '../../../signer/scheme/scheme.ts';
import { Signer } from '../../../signer/signer.ts';
import { parseStatement } from '../../../statement/statements.ts';
import { Disk, MemoryStore } from '../../simulation/memory-store.ts';
import { plainShares } from '../../simulation/simulated-wallet.ts';
import type { PlayedHolder } from './processes.ts';

/** A member's answer to a forged round. */
export type Answer = Extract<PeerBody, { $case: 'signShares' | 'refusal' }>;

/**
 * A holder in an attacker's hands: its true identity, its true share (it took part in key generation honestly), real
 * links over mutual TLS, and from then on whatever the attacker likes to send.
 */
export class TakenOverHolder {
  readonly name: string;
  readonly played: PlayedHolder;
  /** What it hears besides its own ceremonies. */
  readonly heard: { readonly peer: string; readonly body: PeerBody }[] = [];
  readonly #env: Omit<Environment, 'peers'>;
  readonly #certificate: Uint8Array;
  readonly #commitments = new Map<string, { boot: Uint8Array; ready: Commitment[] }>();
  readonly #answers = new Map<string, (answer: Answer) => void>();
  #signer: Signer | undefined;
  #links: PeerLinks | undefined;

  constructor(name: string, peerPort: number) {
    this.name = name;
    const { privateKey } = generateKeyPairSync('ed25519');
    const spki = Uint8Array.from(createPublicKey(privateKey).export({ format: 'der', type: 'spki' }));
    const nonce = Uint8Array.from(randomBytes(32));
    const engine = inlineEngine();
    this.#certificate = selfSignedCertificate({ commonName: `payments/treasury/${name}`, privateKey });
    this.#env = {
      wallet: 'payments/treasury',
      holder: name,
      version: '0.0.0',
      clock: systemClock,
      random: (n) => Uint8Array.from(randomBytes(n)),
      store: new MemoryStore(new Disk()),
      scheme: (scheme) => frostScheme(frost(scheme), engine),
      identity: { privateKey, spki, nonce },
      heads: identityHeads({ privateKey, spki }),
      shares: plainShares,
      meter: silentMeter,
      log: silentLog,
    };
    const buffer = (bytes: Uint8Array): Buffer<ArrayBuffer> => Buffer.from(bytes);
    this.played = {
      holder: name,
      identity: buffer(spki),
      auditKey: buffer(spki),
      nonce: buffer(nonce),
      certificate: buffer(this.#certificate),
      peerPort,
    };
  }

  /** Takes its part in the wallet, as an honest signer would. */
  async join(provisioning: ProvisionRequest): Promise<void> {
    const tls = { certificate: this.#certificate, privateKey: this.#env.identity.privateKey };
    this.#signer = await Signer.open(this.#env, this.#certificate, async (pins, _genesis, handlers) => {
      this.#links = await openPeerLinks({
        listen: `127.0.0.1:${this.played.peerPort}`,
        identity: tls,
        pins,
        head: () => this.#env.store.head,
        log: silentLog,
        handlers: {
          ...handlers,
          onMessage: (peer, message) => {
            this.#listen(peer, message.body);
            handlers.onMessage(peer, message);
          },
        },
      });
      return this.#links;
    });
    await this.#signer.provision(provisioning);
  }

  get state(): readonly { readonly name: string; readonly state: string }[] {
    return this.#signer?.describe().keys ?? [];
  }

  send(peer: string, body: PeerBody): void {
    if (this.#links?.send(peer, body) !== true) throw new Error(`no link to ${peer}`);
  }

  /**
   * A round for `request` that `peer` cannot tell from an honest coordinator's: true commitments of both, the right
   * session id. `change` alters it first; the session id is that of what is sent unless `change` says otherwise.
   */
  round(peer: string, request: SignedRequest, change: Partial<SignRound> = {}): SignRound {
    const facts = this.#signer?.wallet?.wallet;
    if (facts === undefined) throw new Error('not provisioned');
    const statement = parseStatement('holdfast/request/v1', request.statement);
    const key = facts.key(statement.key);
    if (key === undefined) throw new Error(`no key ${statement.key}`);
    const payload = { chain: statement.chain, format: statement.format, data: fromHex(statement.data.slice(2)) };
    const quorum = facts.roster.members.filter((m) => m.name === peer || m.name === this.name).map((m) => m.name);
    const inputs = [
      {
        contributions: quorum.map((name) =>
          name === peer ? this.#contribution(peer, key.name) : ours(name, frost(key.scheme)),
        ),
      },
    ];
    const round: SignRound = {
      session: new Uint8Array(),
      request: { statement: Buffer.from(request.statement), signature: request.signature, approvals: [] },
      policyDigest: facts.policyDigest,
      effectsDigest: effectsDigest(decode(payload, key.publicKey).effects),
      time: formatTime(Date.now()),
      epoch: key.epoch,
      quorum,
      inputs,
      key: key.name,
      ...change,
    };
    const session = sessionId({
      genesis: facts.genesisDigest,
      key: round.key,
      epoch: round.epoch,
      request: digestOf(round.request?.statement ?? new Uint8Array()),
      policy: round.policyDigest,
      quorum: round.quorum,
      inputs: round.inputs,
    });
    return { ...round, session: change.session ?? session };
  }

  /** Sends a round and waits for what comes back. */
  async ask(peer: string, round: SignRound): Promise<Answer> {
    const answered = new Promise<Answer>((resolve, reject) => {
      setTimeout(() => reject(new Error(`${peer} gave no answer`)), 10_000).unref();
      this.#answers.set(hex(round.session), resolve);
    });
    this.send(peer, { $case: 'signRound', value: round });
    return answered;
  }

  async close(): Promise<void> {
    await this.#signer?.close();
  }

  #listen(peer: string, body: PeerBody): void {
    this.heard.push({ peer, body });
    if (body.$case === 'commitments') {
      const { key, boot, replace, commitments } = body.value;
      const known = replace ? undefined : this.#commitments.get(`${peer}/${key}`);
      this.#commitments.set(`${peer}/${key}`, { boot, ready: [...(known?.ready ?? []), ...commitments] });
    }
    if (body.$case === 'signShares' || body.$case === 'refusal') this.#answers.get(hex(body.value.session))?.(body);
  }

  #contribution(peer: string, key: string): Contribution {
    const pool = this.#commitments.get(`${peer}/${key}`);
    const next = pool?.ready.shift();
    if (pool === undefined || next === undefined) throw new Error(`${peer} has given no commitment for ${key}`);
    return { holder: peer, boot: pool.boot, ...next };
  }
}

/** A contribution of the attacker's: real points, whose nonces it would know. */
/** This one plays no part in ECDSA. */
function frost(scheme: SchemeName): FrostScheme {
  if (scheme === 'ECDSA') throw new Error('want a scheme of FROST');
  return scheme;
}

function ours(holder: string, scheme: 'EdDSA' | 'Schnorr'): Contribution {
  // Generators of the two groups: points like any other to whoever receives them.
  const point = fromHex(
    scheme === 'EdDSA' ? `58${'66'.repeat(31)}` : '0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798',
  );
  return { holder, boot: Uint8Array.from(randomBytes(16)), index: 1n, hiding: point, binding: point };
}
