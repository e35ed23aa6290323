import type { PeerBody } from '../../signer/peers/peers.ts';
import type { SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import type { Disk } from '../simulation/memory-store.ts';
import { copyOf } from '../simulation/network.ts';
import type { SimulatedWallet } from '../simulation/simulated-wallet.ts';
import type { VirtualWorld } from '../simulation/virtual-world.ts';
import { FalseCoordinator } from './false-coordinator.ts';
import { Liar } from './liar.ts';
import { LostRecords } from './lost-records.ts';
import { noFaults, type FaultCounts, type Scenario } from './scenarios.ts';
import type { WireRecord } from './wire-record.ts';

const MOST_FAULTS = 7;
/** Effects (messages and writes) between one fault and the next. */
const MOST_APART = 60;
/** Attacks of a false coordinator, and within what time. Milliseconds. */
const MOST_ATTACKS = 8;
const ATTACKS_WITHIN = 30_000;
/** What is lost with a disk that is put back: heads are signed, and told, once a second. Milliseconds. */
const SHORTEST_LOSS = 3_000;
/** What a link begins with: nothing overtakes it there, as nothing does on a stream. */
const NOT_OVERTAKEN: ReadonlySet<string> = new Set(['headQuestion', 'headAnswer', 'joined']);
/** What a liar that withholds keeps to itself. */
const WITHHELD = new Set<PeerBody['$case']>(['outcome', 'spend', 'forwardReply']);

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
  readonly #wire: WireRecord;
  readonly #false: FalseCoordinator | undefined;
  readonly #withholding = new Set<string>();
  /** Holders whose disk was put back: fewer than a quorum. */
  readonly restored = new Set<string>();
  readonly lost: LostRecords;
  readonly #snapshots = new Map<string, Disk>();
  readonly #starting = new Set<Promise<void>>();
  #left: number;
  #next: number;
  #ended = false;

  constructor(
    scenario: Scenario,
    wallet: SimulatedWallet,
    world: VirtualWorld,
    wire: WireRecord,
    start: (name: string) => Promise<void>,
    requestOf: (id: number, variant: number) => SignRequest,
  ) {
    const { dice } = world;
    this.#wire = wire;
    this.#wallet = wallet;
    this.#world = world;
    this.#start = start;
    this.#names = wallet.holders.map((h) => h.name);
    this.lost = new LostRecords(wallet);
    this.#left = dice.below(MOST_FAULTS + 1);
    this.#next = dice.below(MOST_APART);
    for (let pool = [...this.#names]; this.#lying.size < scenario.liars;) {
      const name = scenario.falseCoordinator === true && this.#lying.size === 0 ? (pool[0] ?? '') : dice.pick(pool);
      pool = pool.filter((other) => other !== name);
      this.#lying.set(name, new Liar(dice));
      if (dice.chance(0.3)) this.#withholding.add(name);
    }
    this.liars = [...this.#lying.keys()];
    const [first = ''] = this.liars;
    if (scenario.falseCoordinator === true) this.#false = this.#falseCoordinator(first, requestOf);
    if (scenario.restores === true) this.#restores(1 + dice.below(scenario.threshold - 1 - scenario.liars));
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
    // Whose commitments it used up it does not know of: it is honest again from its disk on.
    if (this.#false !== undefined) this.#wallet.kill(this.#false.name);
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
    if (liar === undefined) this.#wire.sent(from, body);
    else if (body.$case === 'signRound') this.#wire.round(body.value);
    if (to === this.#false?.name) this.#false.sees(from, body);
    if (this.#withholding.has(from) && WITHHELD.has(body.$case)) {
      this.counts.lie++;
      return 'held';
    }
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
        if (NOT_OVERTAKEN.has(body.$case)) return true;
        this.counts.reorder++;
        this.#forge(from, to, body, 5 + dice.below(dice.pick([20, 500, 20_000])));
        return 'held';
    }
  }

  /** Takes copies of `count` holders' disks, and puts each back some time later. */
  #restores(count: number): void {
    const { dice } = this.#world;
    for (let i = 0; i < count; i++) {
      const name = dice.pick(this.#names.filter((other) => !this.#lying.has(other)));
      const taken = dice.below(dice.pick([1, 20_000]));
      this.#world.at(taken, () => this.#snapshots.set(name, this.#wallet.disk(name).copy()));
      this.#world.at(taken + SHORTEST_LOSS + dice.below(20_000), () => this.#restore(name));
    }
  }

  #restore(name: string): void {
    const snapshot = this.#snapshots.get(name);
    if (this.#ended || snapshot === undefined || !this.#wallet.running(name)) return;
    this.counts.restore++;
    this.restored.add(name);
    this.#wallet.kill(name);
    this.lost.note(name);
    this.#wallet.disk(name).restore(snapshot);
    this.#restart(name);
  }

  #falseCoordinator(name: string, requestOf: (id: number, variant: number) => SignRequest): FalseCoordinator {
    const { dice } = this.#world;
    const coordinator = new FalseCoordinator(name, this.#wallet, dice, requestOf, (to, round) => {
      this.counts.attack++;
      this.#wire.round(round);
      this.#forge(name, to, { $case: 'signRound', value: round }, dice.below(5));
    });
    for (let i = dice.below(MOST_ATTACKS + 1); i > 0; i--)
      this.#world.at(dice.below(dice.pick([1_000, ATTACKS_WITHIN])), () => {
        if (!this.#ended) coordinator.attack();
      });
    return coordinator;
  }

  #forge(from: string, to: string, body: PeerBody, ms: number): void {
    // As it is now: its sender may erase what it sent.
    const copy = copyOf(body);
    // What a process sent ends with it: nothing of it arrives once its links are gone.
    this.#world.at(ms, () => {
      if (this.#wallet.running(from)) this.#wallet.network.forge(from, to, copy);
    });
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
