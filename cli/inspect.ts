import { fromHex, quote } from '../common/bytes.ts';
import { UserError, messageOf } from '../common/errors.ts';
import { nearest } from '../common/nearest.ts';
import { conditionOf } from '../operator/api/conditions.ts';
import type { ResourceOf, SigningRequest } from '../operator/api/resource.ts';
import { openFolderView } from '../operator/store/folder-view.ts';
import type { FolderView } from '../operator/store/folder-view.ts';
import { chainOf, nativeAsset } from '../policy/caip.ts';
import { formatAmount } from '../policy/amount.ts';
import { rootKeyOf } from '../policy/child-key.ts';
import { decodeAt } from '../policy/decode-at.ts';
import { parsePolicy, policyDocument } from '../policy/document.ts';
import type { Policy } from '../policy/document.ts';
import { requestNamespace } from '../statement/holder-signature.ts';
import { verifySshsig } from '../statement/sshsig.ts';
import { parseStatement, statementDigest } from '../statement/statements.ts';
import { since } from './age.ts';
import { judge } from './judgement.ts';
import type { Judgement } from './judgement.ts';
import { readManifestFile } from './manifest-file.ts';
import { splitName } from './namespace.ts';
import type { NamespaceOptions } from './namespace.ts';
import { statementOf } from './request-manifest.ts';
import type { RequestManifest } from './request-manifest.ts';
import { oneLine } from './one-line.ts';
import type { Session } from './session.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';
import { certificateOf, connectionTo } from './wallet-connection.ts';

export type InspectOptions = TargetOptions & NamespaceOptions & { readonly statement?: true; readonly output?: 'json' };

/** Shows what a request does, what the policy says of it, or the bytes that are signed. */
export async function inspect(session: Session, word: string, options: InspectOptions): Promise<void> {
  const target = targetOf(session, options);
  const view = await openFolderView(target.folder, { stateDir: target.stateDir });
  const request = await requestNamed(view, word, options);
  const wallet = `${request.metadata.namespace}/${request.spec.walletRef.name}`;
  const connection = await connectionTo(session, target, wallet, {});
  const bytes = statementOf(request, connection.genesis);
  if (options.statement === true) return session.write(bytes);

  const statement = parseStatement('holdfast/request/v1', bytes);
  const { chain, format, data, path } = statement;
  const certificate = certificateOf(connection, statement.key);
  const policy = await policyOf(view, request);
  const signature = verdictOnSignature(policy, request, bytes);
  const judgement = judge({
    policy,
    decode: () => decodeAt({ chain, format, data: fromHex(data.slice(2)) }, rootKeyOf(certificate), path),
    key: statement.key,
    initiator: statement.initiator,
  });
  const digest = statementDigest(bytes);
  if (options.output === 'json') {
    const status = 'status' in request ? request.status : undefined;
    return session.print(
      JSON.stringify(
        { wallet, ...statement, digest, signature, ...judgement, ...(status !== undefined && { status }) },
        undefined,
        2,
      ),
    );
  }
  const facts: readonly (readonly [string, string])[] = [
    ['request', statement.id],
    ['wallet', `${wallet} ${connection.genesis}`],
    ['key', `${statement.key} (${certificate.scheme})`],
    ...(path === '' ? [] : [['path', path] as const]),
    ['payload', `${format}${chain === '' ? '' : ` on ${chain}`}, ${(data.length - 2) / 2} bytes`],
    [
      'initiator',
      `${statement.initiator}, ${signature === '' ? 'signature verified' : session.paint('red', signature)}`,
    ],
    ['expires', `${statement.expiresAt} (${expiry(statement.expiresAt)})`],
    ['digest', digest],
    ...judgementLines(session, judgement),
    ...('status' in request ? [['status', statusOf(request)] as const] : []),
  ];
  for (const [name, text] of facts) session.print(`${name.padEnd(10)} ${text}`);
}

async function requestNamed(
  view: FolderView,
  word: string,
  options: InspectOptions,
): Promise<RequestManifest | SigningRequest> {
  if (/\.(?:ya?ml|json)$/.test(word)) return readManifestFile('SigningRequest', word);
  const { namespace, name } = splitName(word, options);
  const request = await view.get({ kind: 'SigningRequest', namespace, name });
  if (request !== undefined) return request;
  const known = (await view.list('SigningRequest')).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  const meant = known.find((other) => other.endsWith(`/${name}`)) ?? nearest(`${namespace}/${name}`, known);
  throw new UserError(`no request ${quote(name)} in namespace ${namespace}`, [
    ...(meant === undefined ? [] : [`did you mean ${meant}?`]),
    'a manifest can be given as a file: holdfast inspect FILE.yaml',
  ]);
}

async function policyOf(
  view: FolderView,
  { metadata: { namespace }, spec }: RequestManifest | SigningRequest,
): Promise<Policy> {
  const wallet = await view.get({ kind: 'Wallet', namespace, name: spec.walletRef.name });
  if (wallet === undefined) throw new UserError(`no wallet ${spec.walletRef.name} in namespace ${namespace}`);
  const { name } = wallet.spec.policyRef;
  const policy: ResourceOf<'SigningPolicy'> | undefined = await view.get({ kind: 'SigningPolicy', namespace, name });
  if (policy === undefined) throw new UserError(`no policy ${name} in namespace ${namespace}, which the wallet names`);
  return parsePolicy(policyDocument(policy.spec));
}

/** Why the initiator's signature does not count; "" where it does. */
function verdictOnSignature(
  policy: Policy,
  { spec: { initiator } }: RequestManifest | SigningRequest,
  message: Uint8Array,
): string {
  const known = policy.initiators.find(({ name }) => name === initiator.name);
  if (known === undefined) return 'not in the policy';
  try {
    verifySshsig({ armored: initiator.signature, namespace: requestNamespace, message, key: known.key });
    return '';
  } catch (error) {
    return messageOf(error);
  }
}

/** The verdict, then each effect with what was made of it. */
export function judgementLines(session: Session, judgement: Judgement): readonly (readonly [string, string])[] {
  const { verdict, reason, rule, message, effects, fees } = judgement;
  const word = session.paint(verdict === 'Allow' ? 'green' : 'red', verdict);
  return [
    ...effects.map(({ text }) => ['effect', text] as const),
    ...fees.map(({ amount, asset }) => ['fee', `at most ${amountInWords(asset, BigInt(amount))}`] as const),
    ['policy', `${word}${rule === '' ? '' : ` by rule ${rule}`}${reason === '' ? '' : ` (${reason})`}: ${message}`],
  ];
}

/** An amount of a chain's own asset as people write it, of others in base units. */
function amountInWords(asset: string, amount: bigint): string {
  const native = nativeAsset(chainOf(asset).chain);
  return native?.id === asset
    ? `${formatAmount(amount, native.decimals)} ${native.symbol}`
    : `${amount} base units of ${asset}`;
}

const expiry = (time: string): string =>
  Date.parse(time) > Date.now() ? since(time, Date.now()) : `${since(time, Date.now())} ago`;

function statusOf({ status }: SigningRequest): string {
  const finished = conditionOf(status?.conditions, 'Finished');
  return finished === undefined ? 'not looked at yet' : `${finished.reason}: ${oneLine(finished.message)}`;
}
