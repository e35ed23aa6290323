import { randomBytes } from 'node:crypto';
import type {
  EcdsaScheme,
  Exchange,
  FreshCommitment,
  Heard,
  KeygenResult,
  RoundsKeygenRun,
  Said,
  SigningInput,
  SigningKey,
} from '../signer/scheme/scheme.ts';

/** One message on its way. `round` of key generation, or `step` of a signature. */
export type Message = { readonly round: number; readonly from: number; readonly to: number };
export type Spoken = { readonly broadcast: Uint8Array; readonly secret: Uint8Array };
/** What arrives instead. */
export type Tamper<T> = (bytes: T, message: Message) => T;

export const random = (length = 32): Uint8Array => Uint8Array.from(randomBytes(length));
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

/** Key generation of all parties of a key in one process. */
export class Parties {
  readonly runs: ReadonlyMap<number, RoundsKeygenRun>;
  /** By round and sender, as they left. */
  readonly said: ReadonlyMap<number, Said>[] = [];
  /** Why parties could not go on, by identifier. */
  readonly failed = new Map<number, unknown>();
  readonly #tamper: Tamper<Spoken>;

  constructor(
    scheme: EcdsaScheme,
    threshold: number,
    parties: number,
    { session = random(), tamper = (bytes) => bytes }: { session?: Uint8Array; tamper?: Tamper<Spoken> } = {},
  ) {
    this.runs = new Map(upTo(parties).map((i) => [i, scheme.keygen(i, threshold, parties, session)]));
    this.#tamper = tamper;
  }

  /** What `to` heard in the last round; nothing before the first. */
  heard(to: number): Heard {
    const round = this.said.length;
    const said = this.said.at(-1) ?? new Map<number, Said>();
    return new Map(
      [...said]
        .filter(([from]) => from !== to)
        .map(([from, { broadcast, secrets }]) => {
          const secret = secrets.get(to) as Uint8Array;
          return [from, this.#tamper({ broadcast, secret }, { round, from, to })];
        }),
    );
  }

  async round(): Promise<void> {
    this.said.push(new Map(await this.#each(async (i, run) => [i, await run.round(this.heard(i))] as const)));
  }

  finish(party: number): Promise<KeygenResult> {
    return (this.runs.get(party) as RoundsKeygenRun).finish(this.heard(party));
  }

  /** All rounds, then what each came to, by identifier - 1. */
  async all(): Promise<KeygenResult[]> {
    for (let round = 1; round <= 3; round++) await this.round();
    return this.#each((i) => this.finish(i));
  }

  /** Throws what the first failed with, once all are done. */
  async #each<T>(step: (party: number, run: RoundsKeygenRun) => Promise<T>): Promise<T[]> {
    const settled = await Promise.allSettled([...this.runs].map(([i, run]) => step(i, run)));
    for (const [i, outcome] of settled.entries())
      if (outcome.status === 'rejected') this.failed.set(i + 1, outcome.reason);
    return settled.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  close(): void {
    for (const run of this.runs.values()) run.close();
  }
}

/** The exchange of one signature in one process. Once a member fails, nobody waits for it. */
export class Talk {
  readonly #session: Uint8Array;
  readonly #quorum: readonly number[];
  readonly #tamper: Tamper<Uint8Array>;
  readonly #arrived = new Map<string, PromiseWithResolvers<Uint8Array>>();
  /** As they left, by step, sender and receiver. */
  readonly sent = new Map<string, Uint8Array>();

  constructor(session: Uint8Array, quorum: readonly number[], tamper: Tamper<Uint8Array> = (bytes) => bytes) {
    this.#session = session;
    this.#quorum = quorum;
    this.#tamper = tamper;
  }

  of(me: number): Exchange {
    const others = this.#quorum.filter((i) => i !== me);
    return {
      session: this.#session,
      send: (step, messages) => {
        for (const [to, bytes] of messages) {
          this.sent.set(`${step} ${me} ${to}`, Uint8Array.from(bytes));
          this.#message(step, me, to).resolve(this.#tamper(bytes, { round: step, from: me, to }));
        }
      },
      receive: async (step) =>
        new Map(
          await Promise.all(others.map(async (from) => [from, await this.#message(step, from, me).promise] as const)),
        ),
    };
  }

  left(party: number): void {
    const why = new Error(`identifier ${party} left`);
    for (const to of this.#quorum) for (const step of [1, 2]) this.#message(step, party, to).reject(why);
  }

  #message(step: number, from: number, to: number): PromiseWithResolvers<Uint8Array> {
    const name = `${step} ${from} ${to}`;
    const known = this.#arrived.get(name) ?? Promise.withResolvers<Uint8Array>();
    known.promise.catch(() => {}); // nobody may wait for it
    this.#arrived.set(name, known);
    return known;
  }
}

export type Keys = ReadonlyMap<number, SigningKey>;

export async function openAll(scheme: EcdsaScheme, results: readonly KeygenResult[]): Promise<Keys> {
  const opened = await Promise.all(results.map(async ({ key }) => [key.identifier, await scheme.open(key)] as const));
  return new Map(opened);
}

/** A fresh contribution of each member. */
export async function contributions(keys: Keys, quorum: readonly number[]): Promise<Map<number, FreshCommitment>> {
  const made = quorum.map(
    async (i) => [i, (await (keys.get(i) as SigningKey).commit(1))[0] as FreshCommitment] as const,
  );
  return new Map(await Promise.all(made));
}

export type Attempt = {
  readonly hash?: Uint8Array;
  readonly path?: string;
  readonly tamper?: Tamper<Uint8Array>;
  readonly session?: Uint8Array;
  readonly fresh?: ReadonlyMap<number, FreshCommitment>;
  /** What one member is told to sign instead. */
  readonly told?: (member: number, input: SigningInput) => SigningInput;
  /** What one member speaks through instead. */
  readonly through?: (member: number, exchange: Exchange) => Exchange;
};

/** One signature as far as it goes: what each member came to, a share or why there is none. */
export async function attempt(keys: Keys, quorum: readonly number[], how: Attempt = {}) {
  const { hash = random(), session = random(), told = (_, input) => input, through = (_, exchange) => exchange } = how;
  const fresh = how.fresh ?? (await contributions(keys, quorum));
  const talk = new Talk(session, quorum, how.tamper);
  const input: SigningInput = {
    message: hash,
    commitments: new Map([...fresh].map(([i, { hiding, binding }]) => [i, { hiding, binding }])),
    ...(how.path === undefined ? {} : { path: how.path }),
  };
  const settled = await Promise.allSettled(
    quorum.map(async (i) => {
      try {
        const { nonce } = fresh.get(i) as FreshCommitment;
        return await (keys.get(i) as SigningKey).sign(nonce, told(i, input), through(i, talk.of(i)));
      } catch (error) {
        talk.left(i);
        throw error;
      }
    }),
  );
  const outcomes = new Map(quorum.map((i, at) => [i, settled[at] as PromiseSettledResult<Uint8Array>]));
  return { input, outcomes, talk };
}

/** The shares of a quorum that all gave one; throws why the first did not. */
export function sharesOf(outcomes: ReadonlyMap<number, PromiseSettledResult<Uint8Array>>): Map<number, Uint8Array> {
  return new Map(
    [...outcomes].map(([i, outcome]) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return [i, outcome.value];
    }),
  );
}

export async function signed(keys: Keys, quorum: readonly number[], how: Attempt = {}): Promise<Uint8Array> {
  const { input, outcomes } = await attempt(keys, quorum, how);
  return (keys.get(quorum[0] as number) as SigningKey).aggregate(input, sharesOf(outcomes));
}
