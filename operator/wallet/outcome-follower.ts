import { parseTime } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Log } from '../../common/log.ts';
import type { SignerClient } from '../../client/signer-client.ts';
import type { OutcomeEvent } from '../../proto/gen/signer/v1/signer.ts';
import type { Key } from '../api/resource.ts';
import type { SignerId } from '../fleet/fleet.ts';
import type { ResourceStore } from '../store/resource-store.ts';
import type { OutcomeSeries } from './outcome-series.ts';
import { outcomeWords } from './outcome-words.ts';

/** Up to which audit record a signer's outcomes were told, kept beyond the operator's life. */
export interface OutcomeCursors {
  get(id: SignerId): bigint | undefined;
  set(id: SignerId, sequence: bigint): void;
}

/** Records about one ceremony come from every holder; as many are remembered to tell them once. */
const mostSeen = 4096;

type Stream = { readonly client: SignerClient; readonly stop: AbortController };

/** Tells the outcomes that signers record as events of their wallet. Requests that are objects are told of by their own controller. */
export class OutcomeFollower {
  readonly #store: ResourceStore;
  readonly #series: OutcomeSeries;
  readonly #cursors: OutcomeCursors;
  readonly #log: Log;
  readonly #streams = new Map<string, Stream>();
  readonly #seen = new Set<string>();

  constructor(options: {
    readonly store: ResourceStore;
    readonly series: OutcomeSeries;
    readonly cursors: OutcomeCursors;
    readonly log: Log;
  }) {
    this.#store = options.store;
    this.#series = options.series;
    this.#cursors = options.cursors;
    this.#log = options.log;
  }

  /** Follows a signer, whose last record is `head`, over `client`; does nothing where that is so already. */
  follow(wallet: Key<'Wallet'>, id: SignerId, client: SignerClient, head: bigint): void {
    const name = nameOf(id);
    const known = this.#streams.get(name);
    if (known?.client === client) return;
    known?.stop.abort();
    const stream: Stream = { client, stop: new AbortController() };
    this.#streams.set(name, stream);
    // A signer that was never followed begins now: its past was told, or nobody was there to hear it.
    const cursor = this.#cursors.get(id) ?? head;
    this.#follow(wallet, id, stream, cursor < head ? cursor : head)
      .catch((error: unknown) => {
        if (!stream.stop.signal.aborted)
          this.#log.debug('outcome stream ended', { wallet: id.wallet, holder: id.holder, error: messageOf(error) });
      })
      .finally(() => {
        if (this.#streams.get(name) === stream) this.#streams.delete(name);
      });
  }

  /** Ends the streams of a wallet, or all. */
  end(wallet?: string): void {
    for (const [name, { stop }] of this.#streams)
      if (wallet === undefined || name.startsWith(`${wallet}/`)) stop.abort();
  }

  async #follow(wallet: Key<'Wallet'>, id: SignerId, { client, stop }: Stream, after: bigint): Promise<void> {
    for await (const event of client.outcomes(after, stop.signal)) {
      await this.#tell(wallet, event);
      this.#cursors.set(id, event.sequence);
    }
  }

  async #tell(wallet: Key<'Wallet'>, event: OutcomeEvent): Promise<void> {
    const words = outcomeWords(event);
    if (words === undefined) return;
    const same = `${wallet.namespace}/${wallet.name} ${words.same}`;
    if (this.#seen.has(same)) return;
    this.#seen.add(same);
    const [oldest] = this.#seen;
    if (this.#seen.size > mostSeen && oldest !== undefined) this.#seen.delete(oldest);
    this.#log[words.type === 'Normal' ? 'info' : 'warn'](words.message, {
      wallet: `${wallet.namespace}/${wallet.name}`,
      recorded: event.time,
      ...(event.digest !== '' && { digest: event.digest }),
    });
    if (event.id !== '' && (await this.#isObject(wallet, event))) return;
    // Holders are heard in any order: what was signed in the end is no failure.
    if (event.type === 'Signed')
      for (const failure of ['CeremonyFailed', 'ClockSkew'] as const)
        this.#series.withdraw(wallet, failure, event.digest);
    if (event.type === 'Failed' && this.#seen.has(`${wallet.namespace}/${wallet.name} Signed ${event.digest}`)) return;
    const about = event.digest === '' ? words.same : event.digest;
    this.#series.add(wallet, { ...words, at: timeOf(event), about });
  }

  async #isObject(wallet: Key<'Wallet'>, { id, initiator }: OutcomeEvent): Promise<boolean> {
    const requests = await this.#store.list('SigningRequest', wallet);
    return requests.some(
      ({ metadata, spec }) =>
        spec.initiator.name === initiator && (spec.id ?? `${wallet.namespace}/${metadata.name}`) === id,
    );
  }
}

/** When a signer recorded it; it cannot make that later than now. */
function timeOf({ time }: OutcomeEvent): number {
  try {
    return parseTime(time);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

const nameOf = ({ wallet, holder }: SignerId): string => `${wallet}/${holder}`;
