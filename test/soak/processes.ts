import { pause, ProcessWallet, type KeySpec } from '../integration/signers/processes.ts';
import { Dice } from '../simulation/dice.ts';
import { inLanes } from './lanes.ts';
import { newRow, type Row } from './row.ts';
import { WalletRounds } from './wallet-rounds.ts';

/** What one wallet goes through before it is ended, so that a run meets fresh and used ones. */
const ROUNDS_PER_WALLET = 100;
const KEYS_PER_WALLET = 10;
const FLOODS_PER_WALLET = 5;
/** Requests under way while a fault happens, and those of a flood. */
const EACH = 4;
const FLOOD = 200;
/** Within this, after requests were sent, a signer is killed: longer than they take. Milliseconds. */
const KILL_WITHIN = 150;

export type Fault = (rounds: WalletRounds) => Promise<void>;

/** Real processes that are killed, stopped and flooded, a wallet a core at once, and what must hold after each round. */
export class ProcessSoak {
  readonly row: Row;
  readonly #seed: number;
  readonly #violated: (seed: number, what: string) => void;
  readonly #progress: () => void;

  /** `violated` gets the seed that the wallet at fault began with. */
  constructor(scenario: string, seed: number, violated: (seed: number, what: string) => void, progress: () => void) {
    this.row = newRow(scenario);
    this.#seed = seed;
    this.#violated = violated;
    this.#progress = progress;
  }

  /** kill -9 of one signer at a random moment of making a key; a wallet serves for several keys. */
  async killsOfKeygen(count: number): Promise<void> {
    const first: readonly KeySpec[] = [{ name: 'first', scheme: 'EdDSA' }];
    await this.#wallets(count, KEYS_PER_WALLET, 1, first, (rounds, keys) => this.#killKeygens(rounds, keys));
  }

  /** A fault at a random moment of signing, again and again. */
  async signing(fault: Fault, kind: string, count: number): Promise<void> {
    await this.#wallets(count, ROUNDS_PER_WALLET, EACH, undefined, async (rounds, faults) => {
      for (let round = 0; round < faults; round++) {
        const requests = rounds.requests(`r${round}`, EACH);
        const asked = rounds.enter(requests);
        await fault(rounds);
        rounds.count(kind);
        await asked;
        await rounds.allSigned(requests);
        await rounds.agree(faults * EACH);
        this.#progress();
      }
      await rounds.exhausted();
      await rounds.agree(faults * EACH);
    });
  }

  /** Valid requests of one initiator by the hundred, among as many that nobody signed; another is served after. */
  async floods(count: number): Promise<void> {
    await this.#wallets(count, FLOODS_PER_WALLET, FLOOD + 1, undefined, async (rounds, floods) => {
      for (let round = 0; round < floods; round++) {
        const requests = rounds.requests(`f${round}`, FLOOD);
        const invalid = requests.map(({ request }) =>
          rounds.wallet.sign(rounds.dice.pick(rounds.names), {
            ...request,
            statement: flipped(request.statement, rounds.dice),
          }),
        );
        const asked = rounds.enter(requests);
        rounds.count('flood');
        for (const reply of await Promise.allSettled(invalid))
          if (reply.status === 'fulfilled' && reply.value.outcome === 'signed')
            rounds.violation('a request that nobody signed is signed');
        await asked;
        await rounds.allSigned(requests);
        await rounds.allSigned(rounds.requests(`after${round}`, 1));
        await rounds.agree(floods * (FLOOD + 1));
        this.#progress();
      }
      await rounds.exhausted();
      await rounds.agree(floods * (FLOOD + 1));
    });
  }

  async #killKeygens(rounds: WalletRounds, count: number): Promise<void> {
    const { wallet, dice, names } = rounds;
    let keys: readonly KeySpec[] = [{ name: 'first', scheme: 'EdDSA' }];
    const certificates = new Map<string, string>();
    for (let i = 0; i < count; i++) {
      const key: KeySpec = { name: `key-${i}`, scheme: dice.pick(['EdDSA', 'Schnorr'] as const) };
      keys = [...keys, key];
      // As an operator goes on doing: a call that the kill cuts off is made again.
      const provisioned = wallet.provision(keys).catch(() => {});
      await kill(rounds);
      rounds.count('kill');
      await provisioned;
      await wallet.provision(keys);
      await wallet.keysActive();
      for (const name of names)
        for (const { name: made, certificate } of (await wallet.describe(name)).keys) {
          const known = certificates.get(made) ?? certificate;
          if (certificate !== known || certificate === '') rounds.violation(`key ${made} is another at ${name}`);
          certificates.set(made, known);
        }
      if (certificates.size !== keys.length) rounds.violation(`${certificates.size} of ${keys.length} keys are there`);
      await rounds.allSigned([
        { id: `after-${i}`, request: wallet.request(`after-${i}`, { key: dice.pick(keys).name }) },
      ]);
      await rounds.agree(count);
      this.#progress();
    }
    await rounds.exhausted();
  }

  /** `count` rounds, so many a wallet, each of which may sign `each` requests; every wallet's dice begin anew. */
  async #wallets(
    count: number,
    most: number,
    each: number,
    keys: readonly KeySpec[] | undefined,
    run: (rounds: WalletRounds, count: number) => Promise<void>,
  ): Promise<void> {
    const started = performance.now();
    const wallets = Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
      seed: (this.#seed + i) >>> 0,
      rounds: Math.min(most, count - i * most),
    }));
    await inLanes(wallets, async ({ seed, rounds }) => {
      const limits = [{ count: rounds * each, per: '24h' }];
      const policy = { rules: [{ name: 'counted', verdict: 'Allow', match: { kinds: ['Digest'] }, limits }] };
      const wallet = await ProcessWallet.start({ policy, ...(keys && { keys }) });
      const walletRounds = new WalletRounds(wallet, new Dice(seed), this.row, (what) => this.#violated(seed, what));
      try {
        await run(walletRounds, rounds);
      } catch (error) {
        walletRounds.violation(error instanceof Error ? (error.stack ?? error.message) : String(error));
      } finally {
        await wallet.close();
      }
    });
    this.row.seconds += (performance.now() - started) / 1000;
  }
}

/** kill -9 of one signer at a random moment of what was asked, after which it is started again at once. */
export async function kill({ wallet, dice, names }: WalletRounds): Promise<void> {
  const victim = wallet.signer(dice.pick(names));
  await pause(dice.next() * KILL_WITHIN);
  await victim.kill();
  await victim.start();
}

/** One signer is cut off from everyone, without a link that breaks: it stands still for up to three seconds. */
export async function stop({ wallet, dice, names }: WalletRounds): Promise<void> {
  const victim = wallet.signer(dice.pick(names));
  await pause(dice.next() * 50);
  process.kill(victim.pid, 'SIGSTOP');
  await pause(dice.next() * 3_000);
  process.kill(victim.pid, 'SIGCONT');
}

/** With one bit the other way: nobody signed that. */
function flipped(statement: Uint8Array, dice: Dice): Uint8Array {
  const bytes = Uint8Array.from(statement);
  const at = dice.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ 1;
  return bytes;
}
