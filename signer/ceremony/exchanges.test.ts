import { describe, expect, it } from 'vitest';
import { fastClock } from '../../test/simulation/fast-clock.ts';
import type { PeerBody } from '../peers/peers.ts';
import { Exchanges } from './exchanges.ts';
import type { Member } from './roster.ts';
import type { Wallet } from './wallet.ts';

const session = new Uint8Array(32).fill(9);
const member = (name: string, identifier: number): Member =>
  ({ name, identifier, role: 'Client' }) as unknown as Member;
const one = member('one', 2);
const two = member('two', 3);

function exchanges(): { readonly exchanges: Exchanges; readonly sent: [string, PeerBody][] } {
  const sent: [string, PeerBody][] = [];
  const wallet = {
    env: { clock: fastClock(100), peers: { send: (peer: string, body: PeerBody) => sent.push([peer, body]) > 0 } },
    roster: { get: (name: string) => (name === 'one' ? one : two) },
  } as unknown as Wallet;
  return { exchanges: new Exchanges(wallet), sent };
}

const step = (input: number, number: number, byte: number, of = session) => ({
  session: of,
  input,
  step: number,
  payload: Uint8Array.of(byte),
});

describe('an exchange', () => {
  it('gives each member its message, and takes one of each', async () => {
    const { exchanges: all, sent } = exchanges();
    const exchange = all.open(session, [one, two], 2);
    exchange.of(1).send(1, new Map([[2, Uint8Array.of(20)], [3, Uint8Array.of(30)]])); // prettier-ignore
    expect(sent.map(([peer, body]) => [peer, body.value])).toEqual([
      ['one', step(1, 1, 20)],
      ['two', step(1, 1, 30)],
    ]);
    expect(exchange.lastSent).toBe(false);
    exchange.of(1).send(2, new Map());
    expect(exchange.lastSent).toBe(true);
    const heard = exchange.of(1).receive(1);
    all.onStep('two', step(1, 1, 3));
    all.onStep('one', step(1, 1, 2));
    expect(await heard).toEqual(new Map([[2, Uint8Array.of(2)], [3, Uint8Array.of(3)]])); // prettier-ignore
    expect(exchange.of(0).session).not.toEqual(exchange.of(1).session);
  });

  it('has heard all once each member’s last message of each input is there', async () => {
    const { exchanges: all } = exchanges();
    const exchange = all.open(session, [one], 2);
    let heard = false;
    void exchange.heard.then(() => (heard = true));
    for (const message of [step(0, 1, 1), step(1, 1, 1), step(0, 2, 1), step(0, 2, 1)]) all.onStep('one', message);
    await new Promise((resolve) => void setImmediate(resolve));
    expect(heard).toBe(false);
    all.onStep('one', step(1, 2, 1));
    await exchange.heard;
  });

  it('keeps the first of two messages, and none of whom it is not with, or of no step or input', async () => {
    const { exchanges: all } = exchanges();
    const exchange = all.open(session, [one], 1);
    all.onStep('two', step(0, 1, 7));
    all.onStep('one', step(0, 3, 7));
    all.onStep('one', step(1, 1, 7));
    all.onStep('one', step(0, 1, 1));
    all.onStep('one', step(0, 1, 2));
    expect(await exchange.of(0).receive(1)).toEqual(new Map([[2, Uint8Array.of(1)]]));
  });

  it('takes a first message that came before it was opened, but no more than a bound, and forgets it', async () => {
    const { exchanges: all } = exchanges();
    all.onStep('one', step(0, 1, 1));
    all.onStep('one', step(0, 2, 1));
    const exchange = all.open(session, [one], 1);
    expect(await exchange.of(0).receive(1)).toEqual(new Map([[2, Uint8Array.of(1)]]));
    const late = exchange.of(0).receive(2);
    exchange.close('over');
    await expect(late).rejects.toThrow('over');
    const other = new Uint8Array(32).fill(8);
    for (let i = 0; i < 300; i++) all.onStep('one', step(0, 1, 1, new Uint8Array(32).fill(i)));
    all.onStep('one', step(0, 1, 1, other.map((b) => b + 1))); // prettier-ignore
    const flooded = all.open(new Uint8Array(32).fill(200), [one], 1);
    const never = flooded.of(0).receive(1);
    flooded.close('not kept');
    await expect(never).rejects.toThrow('not kept');
  });

  it.each([
    ['its link goes down', (all: Exchanges) => all.onDown('one'), 'the link to one went down'],
    ['the other ends it', (all: Exchanges) => all.onEnd('one', session, 'enough'), 'one ended the session: enough'],
    ['nothing comes', () => {}, 'no answer of one within 15 s'],
  ])('ends when %s', async (_, happens, why) => {
    const { exchanges: all } = exchanges();
    const exchange = all.open(session, [one], 1);
    const waiting = exchange.of(0).receive(1);
    all.onEnd('two', session, 'is not in it');
    happens(all);
    await expect(waiting).rejects.toThrow(why);
    await expect(exchange.heard).rejects.toThrow(why);
    await expect(exchange.of(0).receive(2)).rejects.toThrow(why);
    expect(() => exchange.of(0).send(2, new Map())).toThrow(why);
  });
});
