import { digest as digestOf, hex } from '../../common/bytes.ts';
import type { SignRound } from '../../proto/gen/signer/v1/peer.ts';
import type { PeerBody } from '../../signer/peers/peers.ts';
import { parseStatement } from '../../statement/statements.ts';

type Round = { readonly digest: string; readonly id: string; readonly round: SignRound };
type LetGo = { readonly ids: Map<string, string>; readonly nonces: Map<string, string>; readonly digests: Set<string> };

/**
 * What honest holders' shares on the wire say, whatever their disks remember: each leaves after its spend is on disk,
 * an id's shares are for one digest, a nonce is of one session, and no more requests get shares than the limit allows.
 */
export class WireRecord {
  readonly violations: string[] = [];
  readonly #limit: number;
  readonly #onDisk: (holder: string, digest: string) => boolean;
  readonly #rounds = new Map<string, Round>();
  readonly #letGo = new Map<string, LetGo>();

  constructor(limit: number, onDisk: (holder: string, digest: string) => boolean) {
    this.#limit = limit;
    this.#onDisk = onDisk;
  }

  /** A round as its maker made it: a session says which. */
  round(round: SignRound): void {
    if (round.request === undefined) return;
    const { statement } = round.request;
    const { id } = parseStatement('holdfast/request/v1', statement);
    this.#rounds.set(hex(round.session), { digest: digestOf(statement), id, round });
  }

  /** An honest holder sends `body`. */
  sent(from: string, body: PeerBody): void {
    if (body.$case === 'signRound') return this.round(body.value);
    if (body.$case !== 'signShares') return;
    const session = hex(body.value.session);
    const known = this.#rounds.get(session);
    if (known === undefined) return this.#wrong(`${from} lets shares go for a session that nobody made`);
    const { digest, id, round } = known;
    const { ids, nonces, digests } = this.#of(from);
    if (!this.#onDisk(from, digest)) this.#wrong(`a share of ${from} for ${digest} left before its spend was on disk`);
    const bound = ids.get(id) ?? digest;
    ids.set(id, bound);
    if (bound !== digest) this.#wrong(`${from} lets shares go for ${id} as ${bound} and as ${digest}`);
    for (const { contributions } of round.inputs)
      for (const { holder, boot, index } of contributions) {
        if (holder !== from) continue;
        const nonce = `${round.key}/${hex(boot)}/${index}`;
        const first = nonces.get(nonce) ?? session;
        nonces.set(nonce, first);
        if (first !== session) this.#wrong(`${from} uses nonce ${nonce} in two sessions`);
      }
    digests.add(digest);
    if (digests.size > this.#limit)
      this.#wrong(`${from} lets shares go for ${digests.size} requests, the limit is ${this.#limit}`);
  }

  /** The window of the limit is over. */
  newWindow(): void {
    for (const { digests } of this.#letGo.values()) digests.clear();
  }

  #of(holder: string): LetGo {
    const known = this.#letGo.get(holder) ?? { ids: new Map(), nonces: new Map(), digests: new Set() };
    this.#letGo.set(holder, known);
    return known;
  }

  #wrong(what: string): void {
    if (!this.violations.includes(what)) this.violations.push(what);
  }
}
