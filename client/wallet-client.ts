import { digest, fromHex, quote } from '../common/bytes.ts';
import { parseTime, systemClock } from '../common/clock.ts';
import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Reason } from '../common/reasons.ts';
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
/** Other signers may contradict a denial within this. */
const doubtMs = 2_000;

/** What a signer says of a request that others may hold a signature of. */
const underWay: readonly Reason[] = ['SignatureMayExist', 'Unknown'];

/** A signer answered, and its answer is not proven. */
class Unverified extends Error {
  override readonly name = 'Unverified';
}

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
   * no reply verifies; that no signer answered is the outcome `failed` with reason `Unknown`.
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
    const answer = await this.#firstAnswer(async (signer, endpoint) => {
      const reply = await signer.sign(message, signal);
      try {
        return { result: await this.#verified(reply, asked, request, signal), endpoint };
      } catch (error) {
        throw new Unverified(`${endpoint.address}: ${messageOf(error)}`);
      }
    }, signal);
    const unverified = answer.failures.filter((error) => error instanceof Unverified).map(messageOf);
    if (answer.value === undefined) {
      const why = answer.failures.map(messageOf);
      if (unverified.length > 0) throw new Error(why.join('; '));
      return this.#unknown(asked, why);
    }
    const { result, endpoint } = answer.value;
    const { warnings = [], ...told } =
      result.outcome === 'denied' ? await this.#doubted(result, endpoint, request, signal) : result;
    const all = [...unverified, ...warnings];
    return { ...told, ...(all.length > 0 && { warnings: all }) };
  }

  /**
   * A denial, or what another signer knows against it: that the request is signed, or that shares of it were let go.
   * So one signer alone cannot have a request signed and pass it off as denied.
   */
  async #doubted(
    denied: NotSigned,
    by: Endpoint,
    request: RequestStatement,
    signal: AbortSignal | undefined,
  ): Promise<SignResult> {
    const limit = AbortSignal.any([AbortSignal.timeout(doubtMs), ...(signal === undefined ? [] : [signal])]);
    const asked = { initiator: request.initiator, id: request.id };
    const ask = async (endpoint: Endpoint): Promise<SignResult | undefined> => {
      try {
        const reply = await (await this.#signer(endpoint, limit)).getRequest(asked, limit);
        // Of a request that is under way there is no outcome yet.
        const known = reply.outcome === 'unknown' ? { ...reply, outcome: 'failed' } : reply;
        return await this.#verified(known, denied.digest, request, limit);
      } catch {
        return undefined;
      }
    };
    const others = this.#options.endpoints.filter((endpoint) => endpoint !== by);
    const known = await Promise.all(others.map(ask));
    signal?.throwIfAborted();
    const contrary =
      known.find((result) => result?.outcome === 'signed') ??
      known.find((result) => result?.outcome === 'failed' && underWay.includes(result.reason));
    if (contrary === undefined) return denied;
    return { ...contrary, warnings: [`${by.address} says that it is denied: ${denied.reason}: ${denied.message}`] };
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
    const { value, failures } = await this.#firstAnswer(
      async (signer) => verifyWalletFacts(await signer.getWallet(signal), expected),
      signal,
    );
    if (value === undefined)
      throw new Error(`wallet: no signer gave facts that verify: ${failures.map(messageOf).join('; ')}`);
    this.#wallet = value;
    return value;
  }

  /** What the first endpoint answers for which `ask` resolves, and why those before it did not, or none. */
  async #firstAnswer<T>(
    ask: (signer: SignerClient, endpoint: Endpoint) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly value: T | undefined; readonly failures: readonly unknown[] }> {
    const failures: unknown[] = [];
    for (const endpoint of this.#options.endpoints) {
      try {
        return { value: await ask(await this.#signer(endpoint, signal), endpoint), failures };
      } catch (error) {
        signal?.throwIfAborted();
        failures.push(error);
      }
    }
    return { value: undefined, failures };
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
