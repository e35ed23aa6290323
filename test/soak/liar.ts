import { PeerMessage } from '../../proto/gen/signer/v1/peer.ts';
import type { PeerBody } from '../../signer/peers/peers.ts';
import type { Dice } from '../simulation/dice.ts';
import { copyOf } from '../simulation/network.ts';

/** Messages a liar remembers of itself and of others. */
const MEMORY = 64;

/** What a holder that was taken over sends in place of what its signer says: garbled, of another time or session, or nothing. */
export class Liar {
  readonly #dice: Dice;
  readonly #seen: PeerBody[] = [];

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  /** What goes in the place of `body`: itself, something else, or nothing. */
  twist(body: PeerBody): PeerBody | 'held' {
    const copy = copyOf(body);
    if (this.#seen.push(copy) > MEMORY) this.#seen.shift();
    switch (this.#dice.below(5)) {
      case 0:
        return 'held';
      case 1:
        return this.#dice.pick(this.#seen);
      case 2:
        return this.#ofAnother(copy);
      default:
        return this.#garbled(copy);
    }
  }

  /** A bit or a length of it wrong, where that still decodes. */
  #garbled(body: PeerBody): PeerBody {
    const bytes = PeerMessage.encode({ head: undefined, body }).finish();
    for (let i = 1 + this.#dice.below(3); i > 0; i--) {
      const at = this.#dice.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << this.#dice.below(8));
    }
    try {
      return PeerMessage.decode(bytes).body ?? body;
    } catch {
      return body;
    }
  }

  /** One member of it as another message of its kind has it: another session, request, share or signature. */
  #ofAnother(body: PeerBody): PeerBody {
    const others = this.#seen.filter((seen) => seen.$case === body.$case);
    const other = this.#dice.pick(others);
    const name = this.#dice.pick(Object.keys(body.value));
    const value = { ...body.value, [name]: (other.value as unknown as Record<string, unknown>)[name] };
    return { $case: body.$case, value } as PeerBody;
  }
}
