import { fromUtf8, hex } from '../../common/bytes.ts';
import type { SignedRequest } from '../../client/request.ts';
import type { SignReply } from '../../proto/gen/signer/v1/signer.ts';
import { verifyChain } from '../../statement/audit.ts';
import { pause, ProcessWallet, threeHolders, type KeySpec } from '../integration/signers/processes.ts';
import { Dice } from '../simulation/dice.ts';
import { newRow, type Row } from './row.ts';

const names = threeHolders.map((h) => h.name);
/** What one wallet goes through before the next begins, so that a run meets fresh and used ones. */
const ROUNDS_PER_WALLET = 100;
const KEYS_PER_WALLET = 10;
/** Requests under way while a fault happens, and those of a flood. */
const EACH = 4;
const FLOOD = 200;
const SETTLE_TIMEOUT = 60_000;

type Entry = Readonly<Record<string, string>>;
type Requests = readonly { readonly id: string; readonly request: SignedRequest }[];

/** Real processes that are killed, stopped and flooded, and what must hold after each round. */
export class ProcessSoak {
  readonly row: Row;
  readonly #dice: Dice;
  readonly #violated: (line: string) => void;
  readonly #signed = new Map<string, string>();

  constructor(scenario: string, seed: number, violated: (line: string) => void) {
    this.row = newRow(scenario);
    this.#dice = new Dice(seed);
    this.#violated = violated;
  }

  /** kill -9 of one signer at a random moment of making a key; a wallet serves for several keys. */
  async killsOfKeygen(count: number, progress: () => void): Promise<void> {
    await this.#timed(async () => {
      for (let done = 0; done < count; done += KEYS_PER_WALLET)
        await this.#withWallet({ keys: [{ name: 'first', scheme: 'EdDSA' }], limit: 1_000 }, (wallet) =>
          this.#killKeygens(wallet, Math.min(KEYS_PER_WALLET, count - done), progress),
        );
    });
  }

  /** A fault at a random moment of signing, again and again. */
  async signing(
    fault: (wallet: ProcessWallet, dice: Dice) => Promise<void>,
    kind: string,
    count: number,
    progress: () => void,
  ): Promise<void> {
    await this.#timed(async () => {
      for (let done = 0; done < count; done += ROUNDS_PER_WALLET) {
        const rounds = Math.min(ROUNDS_PER_WALLET, count - done);
        await this.#withWallet({ limit: rounds * EACH }, async (wallet) => {
          for (let round = 0; round < rounds; round++) {
            const requests = this.#requests(wallet, `r${round}`, EACH);
            const asked = this.#enter(wallet, requests);
            await fault(wallet, this.#dice);
            this.#count(kind);
            await asked;
            await this.#allSigned(wallet, requests);
            progress();
          }
          await this.#exhausted(wallet);
          await this.#agree(wallet, rounds * EACH);
        });
      }
    });
  }

  /** Valid requests of one initiator by the hundred, among as many that nobody signed; another is served meanwhile. */
  async floods(count: number, progress: () => void): Promise<void> {
    await this.#timed(async () => {
      await this.#withWallet({ limit: count * (FLOOD + 1) }, async (wallet) => {
        for (let round = 0; round < count; round++) {
          const requests = this.#requests(wallet, `f${round}`, FLOOD);
          const invalid = requests.map(({ request }) =>
            wallet.sign(this.#dice.pick(names), { ...request, statement: this.#flipped(request.statement) }),
          );
          const asked = this.#enter(wallet, requests);
          this.#count('flood');
          for (const reply of await Promise.allSettled(invalid))
            if (reply.status === 'fulfilled' && reply.value.outcome === 'signed')
              this.#violation('a request that nobody signed is signed');
          await asked;
          await this.#allSigned(wallet, requests);
          await this.#allSigned(wallet, this.#requests(wallet, `after${round}`, 1));
          progress();
        }
        await this.#exhausted(wallet);
        await this.#agree(wallet, count * (FLOOD + 1));
      });
    });
  }

  async #killKeygens(wallet: ProcessWallet, count: number, progress: () => void): Promise<void> {
    await wallet.keysActive();
    let keys: readonly KeySpec[] = [{ name: 'first', scheme: 'EdDSA' }];
    const certificates = new Map<string, string>();
    for (let i = 0; i < count; i++) {
      const key: KeySpec = { name: `key-${i}`, scheme: this.#dice.pick(['EdDSA', 'Schnorr'] as const) };
      keys = [...keys, key];
      // As an operator goes on doing: a call that the kill cuts off is made again.
      const provisioned = wallet.provision(keys).catch(() => {});
      await kill(wallet, this.#dice);
      this.#count('kill');
      await provisioned;
      await wallet.provision(keys);
      await wallet.keysActive();
      for (const name of names)
        for (const { name: made, certificate } of (await wallet.describe(name)).keys) {
          const known = certificates.get(made) ?? certificate;
          if (certificate !== known || certificate === '') this.#violation(`key ${made} is another at ${name}`);
          certificates.set(made, known);
        }
      if (certificates.size !== keys.length) this.#violation(`${certificates.size} of ${keys.length} keys are there`);
      await this.#allSigned(wallet, [
        { id: `after-${i}`, request: wallet.request(`after-${i}`, { key: this.#dice.pick(keys).name }) },
      ]);
      progress();
    }
    await this.#agree(wallet, 1_000);
  }

  #requests(wallet: ProcessWallet, prefix: string, count: number): Requests {
    return Array.from({ length: count }, (_, i) => {
      const id = `${prefix}-${i}`;
      const key = this.#dice.pick(['solana', 'bitcoin']);
      return { id, request: wallet.request(id, { key, data: this.#dice.bytes(32) }) };
    });
  }

  /** Each enters at two signers at once; what a fault cuts off gives no answer. */
  async #enter(wallet: ProcessWallet, requests: Requests): Promise<void> {
    await Promise.all(
      requests.flatMap(({ id, request }) =>
        [this.#dice.pick(names), this.#dice.pick(names)].map((at) =>
          wallet.sign(at, request).then(
            (reply) => this.#note(id, reply),
            () => {},
          ),
        ),
      ),
    );
  }

  /** Every request is signed in the end, over the bytes it was signed over before, and its id takes no others. */
  async #allSigned(wallet: ProcessWallet, requests: Requests): Promise<void> {
    for (const { id, request } of requests) {
      const reply = await this.#settled(wallet, request);
      if (reply.outcome !== 'signed') this.#violation(`${id}: ${reply.outcome} ${reply.reason} ${reply.message}`);
      this.#note(id, reply);
    }
    const first = requests[0];
    if (first === undefined) return;
    const other = await this.#settled(wallet, wallet.request(first.id, { data: this.#dice.bytes(32) }));
    if (other.reason !== 'IdReused') this.#violation(`${first.id} with other bytes: ${other.outcome} ${other.reason}`);
  }

  /** What a limit allows is used to the last: nothing was counted twice, nothing lost. */
  async #exhausted(wallet: ProcessWallet): Promise<void> {
    await wallet.connected();
    const reply = await this.#settled(wallet, wallet.request('over', { data: this.#dice.bytes(32) }));
    if (reply.reason !== 'LimitExceeded') this.#violation(`beyond the limit: ${reply.outcome} ${reply.reason}`);
  }

  /** Audits are whole, and every signature that any holder knows is counted by all. */
  async #agree(wallet: ProcessWallet, limit: number): Promise<void> {
    const deadline = performance.now() + SETTLE_TIMEOUT;
    for (;;) {
      const audits = await Promise.all(names.map((name) => auditOf(wallet, name)));
      const counted = audits.map(
        (entries) => new Set(entries.filter((e) => e['type'] !== 'Denied').map((e) => e['digest'] ?? '')),
      );
      const spent = new Set(
        audits.flat().flatMap((e) => (['Released', 'Signed'].includes(e['type'] ?? '') ? [e['digest'] ?? ''] : [])),
      );
      if (spent.size > limit) return this.#violation(`${spent.size} requests were released, the limit is ${limit}`);
      const missing = names.flatMap((name, i) =>
        [...spent].filter((digest) => counted[i]?.has(digest) !== true).map((digest) => `${name} lacks ${digest}`),
      );
      if (missing.length === 0) return;
      if (performance.now() > deadline) return this.#violation(`ledgers differ: ${missing.slice(0, 3).join(', ')}`);
      await pause(100);
    }
  }

  /** Asks until it is no longer only `failed`. An RPC that fails says nothing: the request is asked again. */
  async #settled(wallet: ProcessWallet, request: SignedRequest): Promise<SignReply> {
    const deadline = performance.now() + SETTLE_TIMEOUT;
    for (;;) {
      const at = this.#dice.pick(names);
      const reply = await wallet.sign(at, request).catch(() => undefined);
      this.row.requests++;
      if (reply?.outcome === 'signed' || reply?.outcome === 'denied') return reply;
      if (performance.now() > deadline) throw new Error(`${at} does not settle: ${reply?.reason} ${reply?.message}`);
      await pause(50);
    }
  }

  #note(id: string, reply: SignReply): void {
    if (reply.reason === 'SignatureMayExist') this.row.mayExist++;
    else if (reply.outcome !== 'signed') this.row.refused++;
    if (reply.outcome !== 'signed') return;
    this.row.signed++;
    const bytes = hex(reply.signatures[0]?.message ?? new Uint8Array());
    const known = this.#signed.get(id) ?? bytes;
    if (known !== bytes) this.#violation(`${id} is signed over ${known} and ${bytes}`);
    this.#signed.set(id, known);
  }

  #flipped(statement: Uint8Array): Uint8Array {
    const bytes = Uint8Array.from(statement);
    const at = this.#dice.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ 1;
    return bytes;
  }

  async #withWallet(
    { keys, limit }: { readonly keys?: readonly KeySpec[]; readonly limit: number },
    run: (wallet: ProcessWallet) => Promise<void>,
  ): Promise<void> {
    const policy = {
      rules: [
        { name: 'counted', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: limit, per: '24h' }] },
      ],
    };
    this.#signed.clear();
    const wallet = await ProcessWallet.start({ policy, ...(keys && { keys }) });
    try {
      await run(wallet);
    } catch (error) {
      this.#violation(error instanceof Error ? (error.stack ?? error.message) : String(error));
    } finally {
      await wallet.close();
    }
  }

  async #timed(run: () => Promise<void>): Promise<void> {
    const started = performance.now();
    await run();
    this.row.seconds += (performance.now() - started) / 1000;
  }

  #count(kind: string): void {
    this.row.runs++;
    this.row.faults[kind] = (this.row.faults[kind] ?? 0) + 1;
  }

  #violation(what: string): void {
    this.row.violations++;
    this.#violated(what);
  }
}

/** kill -9 of one signer at a random moment of the next, after which it is started again at once. */
export async function kill(wallet: ProcessWallet, dice: Dice): Promise<void> {
  const victim = wallet.signer(dice.pick(names));
  await pause(dice.next() * 150);
  await victim.kill();
  await victim.start();
}

/** One signer is cut off from everyone, without a link that breaks: it stands still for up to three seconds. */
export async function stop(wallet: ProcessWallet, dice: Dice): Promise<void> {
  const victim = wallet.signer(dice.pick(names));
  await pause(dice.next() * 50);
  process.kill(victim.pid, 'SIGSTOP');
  await pause(dice.next() * 3_000);
  process.kill(victim.pid, 'SIGCONT');
}

async function auditOf(wallet: ProcessWallet, name: string): Promise<readonly Entry[]> {
  const records = await wallet.audit(name);
  verifyChain(records);
  return records.map((r) => JSON.parse(fromUtf8(r.record)) as Entry);
}
