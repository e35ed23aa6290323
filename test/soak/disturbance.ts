import { digest as digestOf, hex } from '../../common/bytes.ts';
import type { PeerBody } from '../../signer/peers/peers.ts';
import type { SimulatedWallet } from '../simulation/simulated-wallet.ts';
import type { VirtualWorld } from '../simulation/virtual-world.ts';
import { Liar } from './liar.ts';
import { noFaults, type FaultCounts, type Scenario } from './scenarios.ts';

const MOST_FAULTS = 7;
/** Effects (messages and writes) between one fault and the next. */
const MOST_APART = 60;

/** Draws faults from a world's dice and lets them happen to a wallet until `end`. Whoever is killed is started again. */
export class Disturbance {
  readonly counts: FaultCounts = noFaults();
  readonly liars: readonly string[];
  readonly #wallet: SimulatedWallet;
  readonly #world: VirtualWorld;
  readonly #start: (name: string) => Promise<void>;
  readonly #names: readonly string[];
  readonly #lying = new Map<string, Liar>();
  readonly #cut = new Set<string>();
  /** Requests by session. */
  readonly #rounds = new Map<string, string>();
  /** Shares that left an honest holder before it had their spend on disk. */
  readonly early: string[] = [];
  readonly #starting = new Set<Promise<void>>();
  #left: number;
  #next: number;
  #ended = false;

  constructor(
    scenario: Scenario,
    wallet: SimulatedWallet,
    world: VirtualWorld,
    start: (name: string) => Promise<void>,
  ) {
    const { dice } = world;
    this.#wallet = wallet;
    this.#world = world;
    this.#start = start;
    this.#names = wallet.holders.map((h) => h.name);
    this.#left = dice.below(MOST_FAULTS + 1);
    this.#next = dice.below(MOST_APART);
    for (let pool = [...this.#names]; this.#lying.size < scenario.liars;) {
      const name = dice.pick(pool);
      pool = pool.filter((other) => other !== name);
      this.#lying.set(name, new Liar(dice));
    }
    this.liars = [...this.#lying.keys()];
    world.onEffect = (actor) => this.#onEffect(actor);
    wallet.network.onSend = (from, to, body) => this.#onSend(from, to, body);
  }

  /** No more faults; links are mended, clocks right, everyone runs and is honest. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#world.onEffect = () => {};
    this.#wallet.network.onSend = () => true;
    this.#world.calm();
    for (const pair of this.#cut) this.#heal(pair);
    for (const name of this.#names) if (!this.#wallet.running(name) && this.#starting.size === 0) this.#restart(name);
    await this.#world.until(() => this.#starting.size === 0, 60_000);
    for (const name of this.#names) if (!this.#wallet.running(name)) this.#restart(name);
    await this.#world.until(() => this.#starting.size === 0, 60_000);
  }

  /** A fault is due once so many effects have passed. */
  #due(): boolean {
    if (this.#ended || this.#left === 0 || --this.#next > 0) return false;
    this.#left--;
    this.#next = 1 + this.#world.dice.below(MOST_APART);
    return true;
  }

  #onEffect(actor: string): void {
    if (!this.#due()) return;
    const { dice } = this.#world;
    switch (dice.below(8)) {
      case 0:
        return this.#partition();
      case 1:
        return this.#moveClock();
      case 2:
        this.counts.slow++;
        return this.#world.slow(`${dice.pick(this.#names)}>${dice.pick(this.#names)}`, dice.below(20_000));
      case 3:
        this.counts.slow++;
        return this.#world.slow(`disk of ${dice.pick(this.#names)}`, dice.below(3_000));
      case 4:
        // Somebody else dies: not within this turn of the one that acts.
        return void this.#world.at(0, () => this.#kill(dice.pick(this.#names)));
      default:
        return this.#kill(actor);
    }
  }

  #onSend(from: string, to: string, body: PeerBody): boolean | PeerBody | 'held' {
    const { dice } = this.#world;
    const liar = this.#lying.get(from);
    if (liar === undefined) this.#watch(from, body);
    if (liar !== undefined && dice.chance(0.2)) {
      this.counts.lie++;
      return liar.twist(body);
    }
    if (!this.#due()) return true;
    switch (dice.below(3)) {
      case 0:
        this.counts.lose++;
        return false;
      case 1:
        this.counts.repeat++;
        this.#forge(from, to, body, 0);
        this.#forge(from, to, body, dice.below(5_000));
        return true;
      default:
        this.counts.reorder++;
        this.#forge(from, to, body, 5 + dice.below(dice.pick([20, 500, 20_000])));
        return 'held';
    }
  }

  #watch(from: string, body: PeerBody): void {
    if (body.$case === 'signRound' && body.value.request !== undefined)
      this.#rounds.set(hex(body.value.session), digestOf(body.value.request.statement));
    if (body.$case !== 'signShares') return;
    const digest = this.#rounds.get(hex(body.value.session));
    if (digest === undefined || this.#wallet.disk(from).releases.some((r) => r.digest === digest)) return;
    this.early.push(`a share of ${from} for ${digest} left before its spend was on disk`);
  }

  #forge(from: string, to: string, body: PeerBody, ms: number): void {
    this.#world.at(ms, () => this.#wallet.network.forge(from, to, body));
  }

  #kill(name: string): void {
    if (this.#ended || !this.#wallet.running(name)) return;
    this.counts.crash++;
    this.#wallet.kill(name);
    this.#world.at(this.#world.dice.below(this.#world.dice.pick([10, 1_000, 20_000])), () => {
      if (!this.#ended) this.#restart(name);
    });
  }

  #restart(name: string): void {
    const started: Promise<void> = this.#start(name).finally(() => this.#starting.delete(started));
    this.#starting.add(started);
  }

  #partition(): void {
    const { dice } = this.#world;
    const alone = dice.pick(this.#names);
    const others = this.#names.filter((name) => name !== alone && (dice.chance(0.3) || dice.chance(0.5)));
    if (others.length === 0) return;
    this.counts.partition++;
    for (const other of others) {
      this.#wallet.network.cut(alone, other);
      this.#cut.add(`${alone}|${other}`);
    }
    this.#world.at(dice.below(dice.pick([100, 5_000, 60_000])), () => {
      for (const other of others) this.#heal(`${alone}|${other}`);
    });
  }

  #heal(pair: string): void {
    if (!this.#cut.delete(pair)) return;
    const [a = '', b = ''] = pair.split('|');
    this.#wallet.network.heal(a, b);
  }

  #moveClock(): void {
    const { dice } = this.#world;
    const name = dice.pick(this.#names);
    const by = dice.below(dice.pick([20_000, 59_000, 120_000, 7_200_000])) * dice.pick([1, -1]);
    this.counts.clock++;
    this.#world.shift(name, by);
    if (dice.chance(0.5)) this.#world.at(dice.below(30_000), () => this.#world.shift(name, 0));
  }
}
