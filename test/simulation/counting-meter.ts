import { silentMeter, type Meter } from '../../signer/ceremony/meter.ts';

/** What each holder's meter was told, by holder: `failure keygen CulpritFound client`, in order. */
export class CountingMeter {
  readonly #told = new Map<string, string[]>();

  told(holder: string, what: string): readonly string[] {
    return (this.#told.get(holder) ?? []).filter((line) => line === what || line.startsWith(`${what} `));
  }

  readonly of = (holder: string): Meter => {
    const lines = this.#told.get(holder) ?? [];
    this.#told.set(holder, lines);
    return {
      ...silentMeter,
      ceremony: (key, _scheme, kind, outcome) => void lines.push(`ceremony ${kind} ${key} ${outcome}`),
      failure: (kind, reason, culprit) => void lines.push(`failure ${kind} ${reason} ${culprit}`.trimEnd()),
      badHead: (peer) => void lines.push(`badHead ${peer}`),
      decision: (rule, verdict, reason) => void lines.push(`decision ${verdict} ${reason} ${rule}`.trimEnd()),
    };
  };
}
