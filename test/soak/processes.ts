import { hex } from '../../common/bytes.ts';
import type { SignedRequest } from '../../client/request.ts';
import { SoftToken } from '../../hsm/testing/soft-token.ts';
import { bothKeys, pause, ProcessWallet, type KeySpec } from '../integration/signers/processes.ts';
import { Dice } from '../simulation/dice.ts';
import { kill, type Fault } from './faults.ts';
import { inLanes, LANES } from './lanes.ts';
import { newRow, type Row } from './row.ts';
import { SmallDisk } from './small-disk.ts';
import { WalletRounds } from './wallet-rounds.ts';

/** What one wallet goes through before it is ended, so that a run meets fresh and used ones. */
const ROUNDS_PER_WALLET = 100;
const KEYS_PER_WALLET = 10;
const FLOODS_PER_WALLET = 5;
/** Requests under way while a fault happens, and those of a flood. */
const EACH = 4;
const FLOOD = 200;
/** What surrounds one wallet, where the kind of fault needs it: each signer's disk, the token of {@link TOKEN_HOLDER}. */
type Own = { readonly disks: ReadonlyMap<string, SmallDisk>; readonly token: SoftToken | undefined };
const noDisks: ReadonlyMap<string, SmallDisk> = new Map();
/** The holder whose shares are sealed by a token, how long its sidecar waits for that, and a key's way there. Milliseconds. */
const TOKEN_HOLDER = 'backup';
const TOKEN_DEADLINE = 1_000;
const KEYGEN_WITHIN = 400;

/** Real processes that are killed, stopped and flooded, a wallet a core at once, and what must hold after each round. */
export class ProcessSoak {
  readonly row: Row;
  readonly #seed: number;
  readonly #violated: (seed: number, what: string) => void;
  readonly #progress: () => void;
  readonly #late: () => boolean;

  /** `violated` gets the seed that the wallet at fault began with; no round begins once it is `late`. */
  constructor(
    scenario: string,
    seed: number,
    violated: (seed: number, what: string) => void,
    progress: () => void,
    late: () => boolean,
  ) {
    this.row = newRow('processes', scenario);
    this.#seed = seed;
    this.#violated = violated;
    this.#progress = progress;
    this.#late = late;
  }

  /** kill -9 of one signer at a random moment of making a key; a wallet serves for several keys. */
  async killsOfKeygen(count: number): Promise<void> {
    const first: readonly KeySpec[] = [{ name: 'first', scheme: 'EdDSA' }];
    await this.#wallets(count, { most: KEYS_PER_WALLET, each: 1, keys: first }, (rounds, keys) =>
      this.#killKeygens(rounds, keys),
    );
  }

  /** The token that seals one holder's shares answers nothing for a while, at a random moment of making a key. */
  async slowTokens(count: number): Promise<void> {
    await this.#wallets(count, { most: KEYS_PER_WALLET, each: EACH + 1, token: true }, (rounds, faults, { token }) =>
      this.#slowTokens(rounds, faults, token as SoftToken),
    );
  }

  /** A fault at a random moment of signing, again and again. */
  async signing({ kind, happen, disks, extra = 0 }: Fault, count: number): Promise<void> {
    const each = EACH + extra;
    await this.#wallets(count, { most: ROUNDS_PER_WALLET, each, disks }, async (rounds, faults, own) => {
      for (let round = 0; round < faults; round++) {
        if (this.#late()) return;
        const requests = rounds.requests(`r${round}`, EACH);
        const asked = rounds.enter(requests);
        await happen(rounds, own.disks);
        rounds.count(kind);
        await asked;
        await rounds.allSigned(requests);
        await rounds.agree(faults * each);
        this.#progress();
      }
      await rounds.exhausted();
      await rounds.agree(faults * each);
    });
  }

  /** Valid requests of one initiator by the hundred, among as many that nobody signed; another is served after. */
  async floods(count: number): Promise<void> {
    await this.#wallets(count, { most: FLOODS_PER_WALLET, each: FLOOD + 1 }, async (rounds, floods) => {
      for (let round = 0; round < floods; round++) {
        if (this.#late()) return;
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

  /** Requests by the hundred that no signer may sign, some of them signed by the initiator; others are served meanwhile. */
  async invalidFloods(count: number): Promise<void> {
    await this.#wallets(count, { most: FLOODS_PER_WALLET, each: EACH }, async (rounds, floods) => {
      const { wallet, dice, names } = rounds;
      for (let round = 0; round < floods; round++) {
        if (this.#late()) return;
        const requests = rounds.requests(`v${round}`, EACH);
        const invalid = Array.from({ length: FLOOD }, (_, i) => invalidRequest(rounds, `i${round}-${i}`));
        const refused = invalid.map(async (request) => {
          const reply = await wallet.sign(dice.pick(names), request).catch(() => undefined);
          if (reply?.outcome === 'signed') rounds.violation(`signed, and nobody may: ${hex(request.statement)}`);
        });
        rounds.count('invalid flood');
        await rounds.allSigned(requests);
        await Promise.all(refused);
        await rounds.agree(floods * EACH);
        this.#progress();
      }
      await rounds.exhausted();
    });
  }

  async #killKeygens(rounds: WalletRounds, count: number): Promise<void> {
    const { wallet, dice } = rounds;
    let keys: readonly KeySpec[] = [{ name: 'first', scheme: 'EdDSA' }];
    for (let i = 0; i < count; i++) {
      if (this.#late()) return;
      const key: KeySpec = { name: `key-${i}`, scheme: dice.pick(['EdDSA', 'Schnorr'] as const) };
      keys = [...keys, key];
      // As an operator goes on doing: a call that the kill cuts off is made again.
      const provisioned = wallet.provision(keys).catch(() => {});
      await kill.happen(rounds, noDisks);
      rounds.count('kill');
      await provisioned;
      await wallet.provision(keys);
      await wallet.keysActive();
      await rounds.keysAgree(keys.length);
      await rounds.allSigned([
        { id: `after-${i}`, request: wallet.request(`after-${i}`, { key: dice.pick(keys).name }) },
      ]);
      await rounds.agree(count);
      this.#progress();
    }
    await rounds.exhausted();
  }

  async #slowTokens(rounds: WalletRounds, count: number, token: SoftToken): Promise<void> {
    const { wallet, dice } = rounds;
    const each = EACH + 1;
    let keys = bothKeys;
    const sealState = async (): Promise<string> => (await wallet.describe(TOKEN_HOLDER)).sealState;
    const untilSaid = (state: string): Promise<void> =>
      wallet.until(async () => {
        const said = await sealState();
        return said === state ? '' : `it is "${said}"`;
      }, `the HSM of ${TOKEN_HOLDER} is not "${state}"`);
    for (let i = 0; i < count; i++) {
      if (this.#late()) return;
      const name = `key-${i}`;
      keys = [...keys, { name, scheme: dice.pick(['EdDSA', 'Schnorr'] as const) }];
      const requests = rounds.requests(`t${i}`, EACH);
      // Asked for before, it may be there in time; asked for meanwhile, it must wait.
      const before = dice.chance(0.5);
      const asked = rounds.enter(requests);
      if (before) await wallet.provision(keys);
      await pause(dice.next() * KEYGEN_WITHIN);
      const mend = token.slow();
      try {
        rounds.count('slow token');
        await untilSaid('TokenSlow');
        if (!before) await wallet.provision(keys);
        await asked;
        await rounds.allSigned(requests);
        if (!before) await this.#waits(rounds, name);
        if ((await sealState()) !== 'TokenSlow') rounds.violation('the token serves, and nobody mended it');
      } finally {
        mend();
      }
      await untilSaid('');
      await wallet.provision(keys);
      await wallet.keysActive();
      await rounds.keysAgree(keys.length);
      const id = `after-${i}`;
      await rounds.allSigned([{ id, request: wallet.request(id, { key: name }) }]);
      await rounds.agree(count * each);
      this.#progress();
    }
    await rounds.exhausted();
  }

  /** A key that was asked for while its share cannot be sealed is tried, and not made. */
  async #waits(rounds: WalletRounds, name: string): Promise<void> {
    const { wallet } = rounds;
    let state = '';
    await wallet.until(async () => {
      const key = (await wallet.describe(TOKEN_HOLDER)).keys.find((of) => of.name === name);
      state = key?.state ?? '';
      return state === 'Active' || key?.message.startsWith('TokenSlow: ') ? '' : `${state}: ${key?.message}`;
    }, `${name} is not tried`);
    if (state === 'Active') rounds.violation(`${name} is there, and no token sealed its share`);
  }

  /** `count` rounds, `most` a wallet, each of which may sign `each` requests; every wallet's dice begin anew. */
  async #wallets(
    count: number,
    {
      most,
      each,
      keys,
      disks,
      token: behindToken,
    }: {
      readonly most: number;
      readonly each: number;
      readonly keys?: readonly KeySpec[];
      readonly disks?: true | undefined;
      readonly token?: true;
    },
    run: (rounds: WalletRounds, count: number, own: Own) => Promise<void>,
  ): Promise<void> {
    const started = performance.now();
    // A short run has no fewer lanes.
    const per = Math.min(most, Math.ceil(count / LANES));
    const wallets = Array.from({ length: Math.ceil(count / per) }, (_, i) => ({
      seed: (this.#seed + i) >>> 0,
      rounds: Math.min(per, count - i * per),
    }));
    await inLanes(wallets, async ({ seed, rounds }) => {
      if (this.#late()) return;
      const limits = [{ count: rounds * each, per: '24h' }];
      const policy = { rules: [{ name: 'counted', verdict: 'Allow', match: { kinds: ['Digest'] }, limits }] };
      const disksOf = new Map<string, SmallDisk>();
      const ends: (() => void)[] = [];
      try {
        const token = behindToken && new SoftToken((clean) => ends.unshift(clean));
        await token?.start({
          wallet: 'payments/treasury',
          holder: TOKEN_HOLDER,
          'deadline-ms': String(TOKEN_DEADLINE),
        });
        const wallet = await ProcessWallet.start({
          policy,
          ...(keys && { keys }),
          ...(disks && { prepare: ({ name, data }) => void disksOf.set(name, new SmallDisk(data)) }),
          ...(token && { hsmSockets: new Map([[TOKEN_HOLDER, token.socket]]) }),
        });
        const walletRounds = new WalletRounds(wallet, new Dice(seed), this.row, (what) => this.#violated(seed, what));
        try {
          await run(walletRounds, rounds, { disks: disksOf, token });
        } catch (error) {
          walletRounds.violation(error instanceof Error ? (error.stack ?? error.message) : String(error));
        } finally {
          for (const disk of disksOf.values()) disk.close();
          await wallet.close();
        }
      } finally {
        for (const end of ends) end();
      }
    });
    this.row.seconds += (performance.now() - started) / 1000;
  }
}

/** One that no policy or protocol lets through: mostly the initiator's own, so that nothing before its content stops it. */
function invalidRequest({ wallet, dice }: WalletRounds, id: string): SignedRequest {
  const data = dice.bytes(32);
  switch (dice.below(7)) {
    case 0:
      return wallet.request(id, { data, expiresAt: Date.now() - 1_000 });
    case 1:
      return wallet.request(id, { data, key: 'none' });
    case 2:
      return wallet.request(id, {
        data,
        chain: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
        format: 'Transaction',
      });
    case 3:
      return wallet.request(id, { data, initiator: 'nobody' });
    case 4:
      return wallet.request(id, { data: dice.bytes(33) });
    case 5:
      return { ...wallet.request(id, { data }), signature: '' };
    default: {
      const request = wallet.request(id, { data });
      return { ...request, statement: flipped(request.statement, dice) };
    }
  }
}

/** With one bit the other way: nobody signed that. */
function flipped(statement: Uint8Array, dice: Dice): Uint8Array {
  const bytes = Uint8Array.from(statement);
  const at = dice.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ 1;
  return bytes;
}
