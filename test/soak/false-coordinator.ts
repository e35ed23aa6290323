import { hex } from '../../common/bytes.ts';
import { formatTime } from '../../common/clock.ts';
import type { Commitment, Contribution, SignRound } from '../../proto/gen/signer/v1/peer.ts';
import type { SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { sessionId } from '../../signer/ceremony/session.ts';
import type { PeerBody } from '../../signer/peers/peers.ts';
import { COMMITMENT_BYTES } from '../../signer/scheme/scheme.ts';
import type { Dice } from '../simulation/dice.ts';
import type { SimulatedWallet } from '../simulation/simulated-wallet.ts';

/** Requests that an initiator signed: six ids, each over two byte strings. */
const IDS = 6;
type Pool = { readonly boot: Uint8Array; readonly unused: Commitment[] };

/**
 * A coordinator that was taken over and opens rounds of its own, well-formed in all that members can check: two
 * statements under one id, more requests than the limit allows, other commitment lists for each member, and nonces again.
 */
export class FalseCoordinator {
  readonly name: string;
  readonly #wallet: SimulatedWallet;
  readonly #dice: Dice;
  readonly #requestOf: (id: number, variant: number) => SignRequest;
  readonly #send: (to: string, round: SignRound) => void;
  readonly #pools = new Map<string, Pool>();
  readonly #used: { readonly member: string; readonly contribution: Contribution }[] = [];

  constructor(
    name: string,
    wallet: SimulatedWallet,
    dice: Dice,
    requestOf: (id: number, variant: number) => SignRequest,
    send: (to: string, round: SignRound) => void,
  ) {
    this.name = name;
    this.#wallet = wallet;
    this.#dice = dice;
    this.#requestOf = requestOf;
    this.#send = send;
  }

  /** A member's message on its way here. */
  sees(from: string, body: PeerBody): void {
    if (body.$case !== 'commitments' || body.value.commitments.length === 0) return;
    const { boot, replace, commitments } = body.value;
    const known = this.#pools.get(from);
    const goesOn = known !== undefined && !replace && hex(known.boot) === hex(boot);
    this.#pools.set(from, { boot, unused: [...(goesOn ? known.unused : []), ...commitments] });
  }

  /** One attack, all in one turn. */
  attack(): void {
    const dice = this.#dice;
    const id = dice.below(IDS);
    switch (dice.below(3)) {
      case 0:
        // One id over two byte strings, at whichever members.
        this.#ask(id, 0);
        return this.#ask(id, 1);
      case 1:
        for (let other = 0; other < IDS; other++) this.#ask(other, dice.below(2));
        return;
      default:
        this.#ask(id, dice.below(2), true);
    }
  }

  /** Asks members for their shares; `apart` gives each another list of commitments, else all get the same. */
  #ask(id: number, variant: number, apart = false): void {
    const wallet = this.#wallet.running(this.name) ? this.#wallet.signer(this.name).wallet?.wallet : undefined;
    const key = wallet?.key('solana');
    if (wallet === undefined || key === undefined) return;
    const { roster } = wallet;
    const others = roster.signing.filter((m) => m.name !== this.name && this.#pools.has(m.name));
    const members = this.#some(others, roster.threshold - 1);
    if (members.length < roster.threshold - 1) return;
    const quorum = [roster.me, ...members].toSorted((a, b) => a.identifier - b.identifier).map((m) => m.name);
    const request = this.#requestOf(id, variant);
    const verified = wallet.verify(request);
    const [hiding, binding] = COMMITMENT_BYTES[key.scheme];
    const roundWith = (contributions: readonly Contribution[]): SignRound => {
      const inputs = [{ contributions: [...contributions] }];
      const binding = {
        genesis: wallet.genesisDigest,
        key: key.name,
        epoch: key.epoch,
        request: verified.digest,
        policy: wallet.policyDigest,
      };
      return {
        session: sessionId({ ...binding, quorum, inputs }),
        request,
        policyDigest: wallet.policyDigest,
        effectsDigest: wallet.recent.read(verified, key.publicKey).effectsDigest,
        time: formatTime(wallet.time.seconds() * 1000),
        epoch: key.epoch,
        quorum,
        inputs,
        key: key.name,
      };
    };
    const list = (): readonly Contribution[] =>
      quorum.map((holder) =>
        holder === this.name
          ? {
              holder,
              boot: this.#dice.bytes(16),
              index: 1n,
              hiding: this.#dice.bytes(hiding),
              binding: this.#dice.bytes(binding),
            }
          : this.#contribution(holder),
      );
    const same = roundWith(list());
    for (const { name } of members) this.#send(name, apart ? roundWith(list()) : same);
  }

  /** Mostly the next unused one, now and then one that was used. */
  #contribution(member: string): Contribution {
    const used = this.#used.filter((u) => u.member === member).map((u) => u.contribution);
    if (used.length > 0 && this.#dice.chance(0.15)) return this.#dice.pick(used);
    const pool = this.#pools.get(member);
    const next = pool?.unused.shift();
    if (pool === undefined || next === undefined) return used.at(-1) ?? emptyContribution(member);
    const contribution = { holder: member, boot: pool.boot, ...next };
    this.#used.push({ member, contribution });
    return contribution;
  }

  #some<T>(items: readonly T[], count: number): readonly T[] {
    const left = [...items];
    const chosen: T[] = [];
    while (chosen.length < count && left.length > 0) chosen.push(...left.splice(this.#dice.below(left.length), 1));
    return chosen;
  }
}

const emptyContribution = (holder: string): Contribution => ({
  holder,
  boot: new Uint8Array(16),
  index: 0n,
  hiding: new Uint8Array(32),
  binding: new Uint8Array(32),
});
