import { expect, it } from 'vitest';
import { equal } from '../../common/bytes.ts';
import { formatTime } from '../../common/clock.ts';
import { chainRecord } from '../../statement/audit.ts';
import { Dice } from './dice.ts';
import { SimulatedWallet } from './simulated-wallet.ts';
import { VirtualWorld } from './virtual-world.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];
const names = ['infrastructure', 'client', 'backup'] as const;

/** One wallet of which one holder's disk is set back at a moment that the dice choose, while others may restart too. */
class Restoration {
  readonly dice: Dice;
  readonly world: VirtualWorld;
  readonly wallet: SimulatedWallet;
  readonly victim: string;
  readonly others: readonly string[];
  #asked = 0;

  constructor(seed: number) {
    this.dice = new Dice(seed);
    this.world = new VirtualWorld(this.dice);
    this.wallet = new SimulatedWallet({ policy, world: this.world });
    this.victim = this.dice.pick(names);
    this.others = names.filter((name) => name !== this.victim);
  }

  async done<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const watched = work.finally(() => {
      settled = true;
    });
    watched.catch(() => {});
    if (!(await this.world.until(() => settled, 120_000))) throw new Error('not done within two minutes');
    return watched;
  }

  async signSome(times: number): Promise<readonly string[]> {
    const outcomes: string[] = [];
    for (let i = 0; i < times; i++) {
      const at = this.dice.pick(['infrastructure', 'client']);
      const { outcome } = await this.done(this.wallet.sign(at, this.wallet.request({ id: `r${this.#asked++}` })));
      outcomes.push(outcome);
      await this.world.pass(this.dice.below(this.dice.pick([5, 3_000])));
    }
    return outcomes;
  }

  async run(): Promise<void> {
    const { dice, world, wallet, victim } = this;
    await this.done(wallet.startAll(keys));
    const active = (): boolean => names.every((n) => wallet.disk(n).keys.get('solana')?.state === 'Active');
    if (!(await world.until(active, 60_000))) throw new Error('no key');
    await this.signSome(1 + dice.below(3));
    await world.pass(dice.below(3_000));
    const copy = wallet.disk(victim).copy();
    await this.signSome(dice.below(4));
    for (const name of names) if (name === victim || dice.chance(0.3)) wallet.kill(name);
    wallet.disk(victim).restore(copy);
    for (let more = dice.below(3) * dice.below(12); more > 0; more--) {
      const { head, audit, lastTime } = wallet.disk(victim);
      audit.push(chainRecord(head, formatTime(lastTime * 1000), { type: 'Denied', id: `other-${more}` }));
    }
    for (const name of names) if (!wallet.running(name)) await this.done(wallet.start(name));
    await world.pass(15_000);
  }

  fence(name: string) {
    return this.wallet.signer(name).wallet!.wallet.fence;
  }

  /** What a peer remembers of the victim that is not in its log. */
  lost(peer: string): { readonly told: boolean; readonly signed: boolean } {
    const { head, signed } = this.wallet.signer(peer).wallet!.wallet.peer(this.victim);
    const has = (of: typeof head): boolean => {
      const record = this.wallet.disk(this.victim).audit[Number(of.sequence) - 1];
      return of.sequence === 0n || (record !== undefined && equal(record.hash, of.hash));
    };
    return { told: !has(head), signed: signed !== undefined && !has(signed.head) };
  }
}

const seeds = Array.from({ length: 60 }, (_, i) => i + 1);

it('a signer on a restored disk is stopped by what it signed and refused for what it told, and else goes on', async () => {
  const seen = { stopped: 0, refused: 0, unnoticed: 0 };
  for (const seed of seeds) {
    const run = new Restoration(seed);
    await run.run();
    const { wallet, victim, others } = run;
    const lost = others.map((peer) => ({ peer, ...run.lost(peer) }));
    const stopped = run.fence(victim).stopped !== '';
    const why = `seed ${seed}: ${victim} ${JSON.stringify(lost)}`;
    expect(stopped, why).toBe(lost.some(({ signed }) => signed));
    for (const { peer, told } of lost) {
      expect(run.fence(peer).refusals.has(victim), why).toBe(told);
      expect(run.fence(peer).stopped, why).toBe('');
      if (told) expect(run.fence(peer).joined(victim), why).toBe(false);
    }
    const { head } = wallet.disk(victim);
    const released = wallet.disk(victim).releases.length;
    const outcomes = await run.signSome(2);
    const noticed = lost.some(({ told }) => told);
    if (stopped) {
      expect(wallet.disk(victim).head, why).toEqual(head);
      expect(wallet.disk(victim).releases.length, why).toBe(released);
    }
    // The Backup signs nothing: without one of the others there is no signature.
    if (victim !== 'backup')
      expect(outcomes.includes('signed'), why).toBe(
        !stopped && !lost.some(({ peer, told }) => told && peer !== 'backup'),
      );
    else expect(outcomes, why).toEqual(['signed', 'signed']);
    seen[stopped ? 'stopped' : noticed ? 'refused' : 'unnoticed']++;
    wallet.killAll();
  }
  // Every way that it can end was seen.
  expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(0);
}, 120_000);
