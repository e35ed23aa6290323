import { hex } from '../../common/bytes.ts';
import { messageOf } from '../../common/errors.ts';
import type { SignedRequest } from '../../client/request.ts';
import type { SignReply } from '../../proto/gen/signer/v1/signer.ts';
import { pause, type ProcessWallet } from '../integration/signers/processes.ts';
import type { Dice } from '../simulation/dice.ts';
import { Audits } from './audits.ts';
import type { Row } from './row.ts';

const SETTLE_TIMEOUT = 60_000;

export type Requests = readonly { readonly id: string; readonly request: SignedRequest }[];

/** One wallet of processes: what is asked of it, what it answered, and what must hold. */
export class WalletRounds {
  readonly wallet: ProcessWallet;
  readonly dice: Dice;
  readonly names: readonly string[];
  readonly #row: Row;
  readonly #violated: (what: string) => void;
  readonly #audits: Audits;
  /** Bytes signed under each id. */
  readonly #signed = new Map<string, string>();
  /** Certificates by key. */
  readonly #certificates = new Map<string, string>();

  constructor(wallet: ProcessWallet, dice: Dice, row: Row, violated: (what: string) => void) {
    this.wallet = wallet;
    this.dice = dice;
    this.names = wallet.holders.map((h) => h.name);
    this.#row = row;
    this.#violated = violated;
    this.#audits = new Audits(wallet);
  }

  /** Faults that happened to this wallet. */
  done = 0;

  /** A fault of `kind` happened. */
  count(kind: string): void {
    this.done++;
    this.#row.runs++;
    this.#row.faults[kind] = (this.#row.faults[kind] ?? 0) + 1;
  }

  violation(what: string): void {
    this.#row.violations++;
    this.#violated(what);
  }

  requests(prefix: string, count: number): Requests {
    return Array.from({ length: count }, (_, i) => {
      const id = `${prefix}-${i}`;
      const key = this.dice.pick(['solana', 'bitcoin']);
      return { id, request: this.wallet.request(id, { key, data: this.dice.bytes(32) }) };
    });
  }

  /** Each enters at two signers at once; what a fault cuts off gives no answer. */
  async enter(requests: Requests): Promise<void> {
    await Promise.all(
      requests.flatMap(({ id, request }) =>
        [this.dice.pick(this.names), this.dice.pick(this.names)].map((at) =>
          this.wallet.sign(at, request).then(
            (reply) => this.#note(id, reply),
            () => {},
          ),
        ),
      ),
    );
  }

  /** Every request is signed in the end, over the bytes it was signed over before, and an id takes no others. */
  async allSigned(requests: Requests): Promise<void> {
    const first = requests[0];
    const other = first && this.wallet.request(first.id, { data: this.dice.bytes(32) });
    await Promise.all(
      requests.map(async ({ id, request }) => {
        const reply = await this.settled(request);
        if (reply.outcome !== 'signed') this.violation(`${id}: ${reply.outcome} ${reply.reason} ${reply.message}`);
        this.#note(id, reply);
        if (other === undefined || id !== first?.id) return;
        const { outcome, reason } = await this.settled(other);
        if (reason !== 'IdReused') this.violation(`${id} with other bytes: ${outcome} ${reason}`);
      }),
    );
  }

  /** What a limit allows is used to the last: nothing was counted twice, nothing lost. */
  async exhausted(): Promise<void> {
    await this.wallet.connected();
    const reply = await this.settled(this.wallet.request('over', { data: this.dice.bytes(32) }));
    if (reply.reason !== 'LimitExceeded') this.violation(`beyond the limit: ${reply.outcome} ${reply.reason}`);
  }

  /** Every holder has `count` keys, each the same as all others have and as it was before. */
  async keysAgree(count: number): Promise<void> {
    for (const name of this.names)
      for (const { name: made, certificate } of (await this.wallet.describe(name)).keys) {
        const known = this.#certificates.get(made) ?? certificate;
        if (certificate !== known || certificate === '') this.violation(`key ${made} is another at ${name}`);
        this.#certificates.set(made, known);
      }
    if (this.#certificates.size !== count) this.violation(`${this.#certificates.size} of ${count} keys are there`);
  }

  /** Audits are whole, and every signature that any holder knows is counted by all. */
  async agree(limit: number): Promise<void> {
    const deadline = performance.now() + SETTLE_TIMEOUT;
    for (;;) {
      try {
        await this.#audits.read();
      } catch (error) {
        return this.violation(`an audit log: ${messageOf(error)}`);
      }
      const { spent, missing } = this.#audits;
      if (spent.size > limit) return this.violation(`${spent.size} requests were released, the limit is ${limit}`);
      if (missing.length === 0) return;
      if (performance.now() > deadline) return this.violation(`ledgers differ: ${missing.slice(0, 3).join(', ')}`);
      await pause(20);
    }
  }

  /** Asks until it is no longer only `failed`. An RPC that fails says nothing: the request is asked again. */
  async settled(request: SignedRequest): Promise<SignReply> {
    const deadline = performance.now() + SETTLE_TIMEOUT;
    for (;;) {
      const at = this.dice.pick(this.names);
      const reply = await this.wallet.sign(at, request).catch(() => undefined);
      this.#row.requests++;
      if (reply?.outcome === 'signed' || reply?.outcome === 'denied') return reply;
      if (performance.now() > deadline) throw new Error(`${at} does not settle: ${reply?.reason} ${reply?.message}`);
      await pause(20);
    }
  }

  #note(id: string, reply: SignReply): void {
    if (reply.reason === 'SignatureMayExist') this.#row.mayExist++;
    else if (reply.outcome !== 'signed') this.#row.refused++;
    if (reply.outcome !== 'signed') return;
    this.#row.signed++;
    const bytes = hex(reply.signatures[0]?.message ?? new Uint8Array());
    const known = this.#signed.get(id) ?? bytes;
    if (known !== bytes) this.violation(`${id} is signed over ${known} and ${bytes}`);
    this.#signed.set(id, known);
  }
}
