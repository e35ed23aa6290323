import { encodeRequest } from '../client/request.ts';
import { fromHex } from '../common/bytes.ts';
import { parseTime } from '../common/clock.ts';
import { apiVersion } from '../operator/api/resource.ts';
import type { DraftOf } from '../operator/api/resource.ts';
import type { RequestStatement } from '../statement/statements.ts';
import { defaultNamespace } from '../operator/store/manifest-key.ts';
import { notATime, parseSpan } from './age.ts';
import { toYaml } from './yaml.ts';

/** A request as a manifest: what `sign --dry-run` writes and `kubectl apply` takes. */
export type RequestManifest = DraftOf<'SigningRequest'>;

/** The manifest of a signed statement, for wallet `namespace/name`. */
export function manifestOf(statement: RequestStatement, signature: string, wallet: string): RequestManifest {
  const [namespace = defaultNamespace, name = ''] = wallet.split('/');
  return {
    apiVersion,
    kind: 'SigningRequest',
    metadata: { name: objectName(statement.id), namespace },
    spec: {
      id: statement.id,
      walletRef: { name },
      key: statement.key,
      ...(statement.path !== '' && { path: statement.path }),
      payload: {
        ...(statement.chain !== '' && { chain: statement.chain }),
        format: statement.format,
        data: statement.data,
      },
      initiator: { name: statement.initiator, signature },
      expiresAt: statement.expiresAt,
    },
  };
}

/** What Kubernetes takes as a name, as near to the id as can be. */
function objectName(id: string): string {
  const last = id.split('/').at(-1) ?? '';
  const name = last
    .toLowerCase()
    .replaceAll(/[^-.a-z0-9]+/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '')
    .slice(0, 200);
  return name === '' ? 'request' : name;
}

export const formatManifest = (manifest: RequestManifest, output: 'yaml' | 'json'): string =>
  output === 'json' ? JSON.stringify(manifest, undefined, 2) : toYaml(manifest);

/** The bytes that the initiator of a manifest signed, for a wallet with this genesis. Throws where they have no form. */
export function statementOf({ metadata, spec }: RequestManifest, genesis: string): Uint8Array {
  return encodeRequest({
    genesis,
    id: spec.id ?? `${metadata.namespace}/${metadata.name}`,
    key: spec.key,
    ...(spec.path !== undefined && { path: spec.path }),
    chain: spec.payload.chain ?? '',
    format: spec.payload.format,
    data: fromHex(spec.payload.data.slice(2), 'data'),
    initiator: spec.initiator.name,
    expiresAt: parseTime(spec.expiresAt),
  });
}

/** A time ahead: a span like 90s, 15m, 1h or 7d from `now`, or an RFC 3339 time in UTC. Milliseconds. */
export function expiryOf(text: string, now: number): number {
  const ahead = parseSpan(text);
  if (ahead !== undefined) return now + ahead;
  try {
    return parseTime(text);
  } catch {
    throw notATime('--expires', text);
  }
}
