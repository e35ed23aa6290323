import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { silentLog } from '../../common/log.ts';
import { Link, type Wire } from './link.ts';

type Name = 'a' | 'b';
const otherOf = (name: Name): Name => (name === 'a' ? 'b' : 'a');

/** What a stream of the simulation has under way in one direction. */
type Item = { readonly kind: 'open' | 'end' } | { readonly kind: 'batch'; readonly bytes: Uint8Array };

/** One end of a simulated stream: what is written waits in `sent` until the simulation delivers it. */
class End extends EventEmitter {
  readonly owner: Name;
  readonly sent: Item[] = [];
  paused = false;
  /** Will hear of no more: aborted here, or told of the break. */
  done = false;
  #onAbort: () => void;

  constructor(owner: Name, onAbort: () => void) {
    super();
    this.owner = owner;
    this.#onAbort = onAbort;
  }

  write(bytes: Uint8Array): boolean {
    this.sent.push({ kind: 'batch', bytes });
    return true;
  }
  end(): void {
    this.sent.push({ kind: 'end' });
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }

  wire(): Wire {
    return {
      stream: this as unknown as Duplex,
      abort: () => {
        this.done = true;
        this.#onAbort();
      },
    };
  }
}

class Stream {
  readonly client: End;
  readonly server: End;
  broken = false;

  constructor(dialler: Name) {
    const onAbort = (): void => void (this.broken = true);
    this.client = new End(dialler, onAbort);
    this.server = new End(otherOf(dialler), onAbort);
    this.client.sent.push({ kind: 'open' });
  }
}

/** A process with a link: numbers what it sends within each time it is up, notes what it receives. */
class Side {
  readonly name: Name;
  readonly link: Link;
  dialling = false;
  session = 0;
  up = false;
  #sent = 0;
  /** Of the current session: sender's session and number of each message. */
  received: (readonly [number, number])[] = [];
  readonly faults: string[] = [];

  constructor(name: Name) {
    this.name = name;
    this.link = new Link({
      peer: otherOf(name),
      head: () => ({ sequence: 0n, hash: new Uint8Array(32) }),
      clock: { ...systemClock, after: () => () => {} },
      log: silentLog,
      onGreeted: () => {},
      onDialledGone: () => void (this.dialling = false),
      handlers: {
        hello: () => ({
          genesis: 'g',
          holder: name,
          boot: new Uint8Array(16).fill(name.charCodeAt(0)),
          version: '',
          remembered: undefined,
          signed: undefined,
          spendsSeen: 0n,
        }),
        onUp: () => {
          if (this.up) this.faults.push('up while up');
          this.up = true;
          this.session++;
          this.#sent = 0;
          this.received = [];
        },
        onDown: () => {
          if (!this.up) this.faults.push('down while down');
          this.up = false;
        },
        onMessage: (_, { body }) => {
          if (!this.up) this.faults.push('a message while down');
          if (body.$case === 'spendAck') this.#note(body.value.sequence);
        },
      },
    });
  }

  send(): void {
    const sequence = (BigInt(this.session) << 32n) | BigInt(this.#sent);
    const sent = this.link.send({ $case: 'spendAck', value: { sequence } });
    if (sent !== this.up) this.faults.push(`send said ${sent} while up is ${this.up}`);
    if (sent) this.#sent++;
  }

  #note(sequence: bigint): void {
    const [session, number] = [Number(sequence >> 32n), Number(sequence & 0xffffffffn)];
    const previous = this.received.at(-1);
    const follows = previous === undefined ? number === 0 : session === previous[0] && number === previous[1] + 1;
    if (!follows) this.faults.push(`got ${session}.${number} after ${previous?.join('.') ?? 'nothing'}`);
    this.received.push([session, number]);
  }
}

class Simulation {
  readonly sides: Record<Name, Side> = { a: new Side('a'), b: new Side('b') };
  readonly #streams: Stream[] = [];

  dial(name: Name): void {
    const side = this.sides[name];
    if (side.dialling) return;
    side.dialling = true;
    const stream = new Stream(name);
    this.#streams.push(stream);
    side.link.attach('dialled', stream.client.wire());
  }

  /** Delivers the next item of the direction that `choice` picks; false where nothing can move. */
  deliver(choice: number): boolean {
    const ready = this.#streams
      .flatMap(({ client, server }) => [
        { from: client, to: server },
        { from: server, to: client },
      ])
      .filter(({ from, to }) => from.sent.length > 0 && !to.done && !to.paused);
    const pick = ready[choice % Math.max(1, ready.length)];
    if (pick === undefined) return false;
    const { from, to } = pick;
    const item = from.sent.shift()!;
    if (item.kind === 'open') this.sides[to.owner].link.attach('accepted', to.wire());
    else if (item.kind === 'batch') to.emit('data', item.bytes);
    else to.emit('end');
    return true;
  }

  break(choice: number): void {
    const alive = this.#streams.filter((s) => !s.broken);
    const pick = alive[choice % Math.max(1, alive.length)];
    if (pick !== undefined) pick.broken = true;
  }

  /** Tells one end of a broken stream; what is still under way to it is lost. */
  notice(choice: number): boolean {
    const unaware = this.#streams
      .flatMap((s) => (s.broken ? [s.client, s.server] : []))
      .filter((e) => !e.done && e.listenerCount('error') > 0);
    const pick = unaware[choice % Math.max(1, unaware.length)];
    if (pick === undefined) return false;
    pick.done = true;
    pick.emit('error', new Error('broken'));
    return true;
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 50; round++) {
      while (this.notice(0) || this.deliver(0)) await turn();
      this.dial('a');
      this.dial('b');
      await turn();
    }
  }

  get faults(): string[] {
    return [...this.sides.a.faults, ...this.sides.b.faults];
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const name = fc.constantFrom<Name[]>('a', 'b');
const action = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('dial' as const), name }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), name }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('deliver' as const), choice: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), choice: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('notice' as const), choice: fc.nat(7) }) },
);

describe('a link over streams that come, cross and break at any moment', () => {
  it('delivers without gap, double or disorder between up and down, and recovers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 120 }), async (actions) => {
        const simulation = new Simulation();
        for (const step of actions) {
          if (step.do === 'dial') simulation.dial(step.name);
          else if (step.do === 'send') simulation.sides[step.name].send();
          else simulation[step.do](step.choice);
          await turn();
        }
        await simulation.settle();
        const { a, b } = simulation.sides;
        expect([a.up, b.up]).toEqual([true, true]);
        const before = [a.received.length, b.received.length];
        a.send();
        b.send();
        await turn();
        await simulation.settle();
        expect([a.received.length, b.received.length]).toEqual(before.map((n) => n + 1));
        expect(simulation.faults).toEqual([]);
      }),
      { numRuns: 400 },
    );
  }, 60_000);
});
