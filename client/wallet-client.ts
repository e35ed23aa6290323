import { digest, fromHex, quote } from '../common/bytes.ts';
import { parseTime, systemClock } from '../common/clock.ts';
import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { SignReply } from '../proto/gen/signer/v1/signer.ts';
import { parseStatement, statementDigest } from '../statement/statements.ts';
import type { RequestStatement } from '../statement/statements.ts';
import { readNotSigned, verifySigned } from './sign-result.ts';
import type { SignResult, NotSigned } from './sign-result.ts';
import { SignerClient } from './signer-client.ts';
import type { Endpoint } from './signer-client.ts';
import { verifyWalletFacts } from './wallet-facts.ts';
import type { VerifiedCertificate, Wallet } from './wallet-facts.ts';

export type WalletClientOptions = {
  /** Sign ports with the pins of their signers, Infrastructure first: asked in this order. */
  readonly endpoints: readonly Endpoint[];
  /** Digest of the wallet's genesis, where it is known. */
  readonly genesis?: string;
  /** Longest wait for one signer's answer, in milliseconds. */
  readonly deadlineMs?: number;
  readonly clock?: Clock;
};

export type SignOptions = {
  /** Ask again, with the same bytes, while the outcome is `failed` and the request has not expired. */
  readonly wait?: boolean;
  /** Called before each time that it waits, with what it waits for. */
  readonly onProgress?: (result: NotSigned, retryInMs: number) => void;
  readonly signal?: AbortSignal;
};

const firstBackoffMs = 200;
const mostBackoffMs = 5_000;

/** A wallet as a service sees it. Believes nothing that does not follow from its pins and the holders' signatures. */
export class WalletClient {
  readonly #options: WalletClientOptions;
  readonly #clock: Clock;
  readonly #signers = new Map<string, SignerClient>();
  #wallet: Wallet | undefined;

  private constructor(options: WalletClientOptions) {
    if (options.endpoints.length === 0) throw new Error('wallet: want at least one endpoint, got none');
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Resolves once one signer has given facts of the wallet that verify. */
  static async connect(options: WalletClientOptions, signal?: AbortSignal): Promise<WalletClient> {
    const client = new WalletClient(options);
    try {
      await client.#learn(signal);
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /** The wallet's facts as last learnt. */
  get wallet(): Wallet {
    if (this.#wallet === undefined) throw new Error('wallet: not connected');
    return this.#wallet;
  }

  /** The certificates of all its keys, fetched anew and verified. */
  async certificates(signal?: AbortSignal): Promise<readonly VerifiedCertificate[]> {
    const { certificates } = await this.#learn(signal);
    return [...certificates.values()];
  }

  /**
   * Has a request signed: its bytes and its initiator's armored signature. Repeating it is always safe. Throws where
   * a reply does not verify; that no signer answered is the outcome `failed` with reason `Unknown`.
   */
  async sign(statement: Uint8Array, signature: string, options: SignOptions = {}): Promise<SignResult> {
    const { wait = false, onProgress, signal } = options;
    const request = parseStatement('holdfast/request/v1', statement);
    if (request.genesis !== this.wallet.genesisDigest)
      throw new Error(`request: want genesis ${this.wallet.genesisDigest}, got ${request.genesis}`);
    const expiresAt = parseTime(request.expiresAt);
    for (let backoff = firstBackoffMs; ; backoff = Math.min(2 * backoff, mostBackoffMs)) {
      const result = await this.#signOnce(request, statement, signature, signal);
      const pause = Math.round(backoff * (0.5 + Math.random() / 2));
      if (!wait || result.outcome !== 'failed' || this.#clock.now() + pause >= expiresAt) return result;
      onProgress?.(result, pause);
      await sleep(this.#clock, pause, signal);
    }
  }

  close(): void {
    for (const signer of this.#signers.values()) signer.close();
    this.#signers.clear();
  }

  async #signOnce(
    request: RequestStatement,
    statement: Uint8Array,
    signature: string,
    signal: AbortSignal | undefined,
  ): Promise<SignResult> {
    const asked = statementDigest(statement);
    const message = { statement: Buffer.from(statement), signature, approvals: [] };
    const reply = await this.#firstAnswer((signer) => signer.sign(message, signal), signal);
    if ('unreachable' in reply) return this.#unknown(asked, reply.unreachable);
    try {
      return await this.#verified(reply.value, asked, request, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw new Error(`${reply.endpoint.address}: ${messageOf(error)}`);
    }
  }

  async #verified(
    reply: SignReply,
    asked: string,
    request: RequestStatement,
    signal: AbortSignal | undefined,
  ): Promise<SignResult> {
    if (reply.outcome !== 'signed') return readNotSigned(reply, asked);
    // A key may be younger than what was last learnt.
    const known =
      this.wallet.certificates.get(request.key) ?? (await this.#learn(signal)).certificates.get(request.key);
    if (known === undefined) throw new Error(`reply: signed with key ${quote(request.key)}, which has no certificate`);
    return verifySigned(reply, asked, request, known.certificate);
  }

  #unknown(asked: string, unreachable: readonly string[]): NotSigned {
    return {
      digest: asked,
      outcome: 'failed',
      reason: 'Unknown',
      message: `no signer answered (${unreachable.join('; ')}); whether one acts on the request is not known`,
      waitsFor: this.#holders(),
      rule: '',
      policyDigest: '',
      coordinator: '',
      durations: {},
    };
  }

  /** Names of the holders whose endpoints are known. */
  #holders(): readonly string[] {
    const pins = new Set(this.#options.endpoints.map(({ fingerprint }) => fingerprint));
    return this.wallet.genesis.holders
      .filter((h) => pins.has(digest(fromHex(h.identity, 'identity'))))
      .map((h) => h.name);
  }

  async #learn(signal: AbortSignal | undefined): Promise<Wallet> {
    const { endpoints, genesis } = this.#options;
    const pins = {
      fingerprints: endpoints.map(({ fingerprint }) => fingerprint),
      ...(genesis !== undefined && { genesis }),
    };
    // Once learnt, a wallet's genesis never changes.
    const expected = this.#wallet === undefined ? pins : { ...pins, genesis: this.#wallet.genesisDigest };
    const answer = await this.#firstAnswer(
      async (signer) => verifyWalletFacts(await signer.getWallet(signal), expected),
      signal,
    );
    if ('unreachable' in answer)
      throw new Error(`wallet: no signer gave facts that verify: ${answer.unreachable.join('; ')}`);
    this.#wallet = answer.value;
    return answer.value;
  }

  /** What the first endpoint that answers says, or why none did. */
  async #firstAnswer<T>(
    ask: (signer: SignerClient) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly value: T; readonly endpoint: Endpoint } | { readonly unreachable: readonly string[] }> {
    const unreachable: string[] = [];
    for (const endpoint of this.#options.endpoints) {
      try {
        return { value: await ask(await this.#signer(endpoint, signal)), endpoint };
      } catch (error) {
        signal?.throwIfAborted();
        unreachable.push(messageOf(error));
      }
    }
    return { unreachable };
  }

  async #signer(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<SignerClient> {
    const known = this.#signers.get(endpoint.address);
    if (known !== undefined) return known;
    const { deadlineMs } = this.#options;
    const signer = await SignerClient.connect({ ...endpoint, ...(deadlineMs !== undefined && { deadlineMs }) }, signal);
    // Of two that connected at once the first stays.
    const first = this.#signers.get(endpoint.address);
    if (first === undefined) this.#signers.set(endpoint.address, signer);
    else signer.close();
    return first ?? signer;
  }
}

async function sleep(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  const abort = () => reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    await promise;
  } finally {
    cancel();
    signal?.removeEventListener('abort', abort);
  }
}
