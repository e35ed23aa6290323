import type { SignResult } from '../../client/sign-result.ts';
import { hex } from '../../common/bytes.ts';
import type { Format, SchemeName } from '../../policy/effect.ts';
import { table } from '../table.ts';

export type DemoKey = {
  readonly name: string;
  readonly scheme: SchemeName;
  readonly publicKey: Uint8Array;
  /** By network. */
  readonly addresses: Readonly<Record<string, string>>;
};

/** One request with its final outcome. */
export type DemoRequest = {
  readonly id: string;
  readonly key: string;
  readonly kind: Format;
  readonly result: SignResult;
};

export type DemoAudit = { readonly verified: boolean; readonly records: number };

const steps = ['queue', 'policy', 'ledger', 'round', 'aggregate', 'verify', 'total'] as const;

/** The whole demo as the one object that `--json` prints: hex without prefix, durations in milliseconds. */
export const jsonOf = (keys: readonly DemoKey[], requests: readonly DemoRequest[], audit: DemoAudit): unknown => ({
  keys: keys.map(({ name, scheme, publicKey, addresses }) => ({ name, scheme, publicKey: hex(publicKey), addresses })),
  requests: requests.map(({ id, key, kind, result }) => {
    const signed = result.outcome === 'signed' ? result : undefined;
    return {
      id,
      key,
      kind,
      outcome: result.outcome,
      reason: result.outcome === 'signed' ? '' : result.reason,
      participants: signed?.participants ?? [],
      durations: result.durations,
      signatures: (signed?.signatures ?? []).map(({ message, signature }) => ({
        message: hex(message),
        signature: hex(signature),
      })),
      transaction: hex(signed?.transaction?.bytes ?? new Uint8Array()),
    };
  }),
  audit,
});

/** Milliseconds that each signed request spent in each step at its coordinator. */
export function latencyTable(requests: readonly DemoRequest[]): readonly string[] {
  const rows = requests.flatMap(({ id, result }) =>
    result.outcome === 'signed'
      ? [[id, ...steps.map((step) => (result.durations[step] === undefined ? '-' : result.durations[step].toFixed(1)))]]
      : [],
  );
  return table(['request', ...steps], rows);
}
