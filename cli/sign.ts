import { randomBytes } from 'node:crypto';
import { clientOptions } from '../client/connection.ts';
import type { VerifiedConnection } from '../client/connection.ts';
import { encodeRequest } from '../client/request.ts';
import type { NotSigned, SignResult, Signed } from '../client/sign-result.ts';
import { WalletClient } from '../client/wallet-client.ts';
import { hex } from '../common/bytes.ts';
import { formatTime } from '../common/clock.ts';
import { Refused, UserError, messageOf } from '../common/errors.ts';
import { reasons } from '../common/reasons.ts';
import type { Reason } from '../common/reasons.ts';
import { keyAt } from '../policy/child-key.ts';
import { decode } from '../policy/decode/decode.ts';
import { parsePolicy } from '../policy/document.ts';
import { parseCanonical } from '../statement/canonical.ts';
import { requestNamespace } from '../statement/holder-signature.ts';
import { parseStatement, statementDigest } from '../statement/statements.ts';
import type { RequestStatement } from '../statement/statements.ts';
import { childPath, parentOf } from './child-path.ts';
import { exitCodes } from './exit-codes.ts';
import { chooseInitiator, namedInitiator } from './initiator.ts';
import type { ChosenInitiator, InitiatorOptions } from './initiator.ts';
import { readManifestFile } from './manifest-file.ts';
import type { NamespaceOptions } from './namespace.ts';
import { operatorHint } from './operator-hint.ts';
import { readPayload } from './payload.ts';
import type { PayloadOptions } from './payload-options.ts';
import { expiryOf, formatManifest, manifestOf, statementOf } from './request-manifest.ts';
import type { Session } from './session.ts';
import { targetOf } from './target.ts';
import type { Target, TargetOptions } from './target.ts';
import { certificateOf, connectionIn, connectionTo } from './wallet-connection.ts';

export type SignOptions = TargetOptions &
  NamespaceOptions &
  PayloadOptions &
  InitiatorOptions & {
    readonly wallet?: string;
    readonly connection?: string;
    readonly key?: string;
    readonly path?: string;
    readonly filename?: string;
    readonly id?: string;
    readonly expires: string;
    readonly wait?: true;
    readonly dryRun?: true;
    readonly output?: 'yaml' | 'json';
  };

/** As far ahead as signers take a request, PROTOCOL.md 4. */
const mostAheadMs = 30 * 86_400_000;

/** A request ready to be submitted. */
type Prepared = {
  readonly connection: VerifiedConnection;
  readonly client: WalletClient;
  readonly statement: Uint8Array;
  readonly signature: string;
};

/** Makes a request or takes one from a file, hands it to the signers and prints what they make of it. */
export async function sign(session: Session, options: SignOptions): Promise<void> {
  if (options.output === 'yaml' && options.dryRun !== true)
    throw new UserError('-o yaml: only with --dry-run', ['-o json prints the result as JSON'], exitCodes.usage);
  if (options.connection !== undefined) return signUnasked(session, options, options.connection);
  const prepared =
    options.filename === undefined ? await prepare(session, options) : await load(session, options, options.filename);
  const { connection, client, statement, signature } = prepared;
  try {
    const request = parseStatement('holdfast/request/v1', statement);
    session.note(`request: ${request.id}, expires ${request.expiresAt}, ${statementDigest(statement)}`);
    if (options.dryRun === true)
      return session.print(formatManifest(manifestOf(request, signature, connection.wallet), options.output ?? 'yaml'));
    const result = await client.sign(statement, signature, {
      wait: options.wait ?? false,
      onProgress: ({ reason, message }, ms) =>
        session.note(`${reason}: ${message}; asking again in ${(ms / 1000).toFixed(1)} s`),
      signal: session.signal,
    });
    report(session, request, result, options);
  } catch (error) {
    if (session.signal.aborted)
      session.note(
        `hint: signers may still sign it; ask again with the same bytes: ${again(parseStatement('holdfast/request/v1', statement))}`,
      );
    throw error;
  } finally {
    client.close();
  }
}

async function prepare(session: Session, options: SignOptions): Promise<Prepared> {
  needs(options, 'wallet', 'key');
  const expiresAt = checkedExpiry(options);
  const target = targetOf(session, options);
  const connection = await connectionTo(session, target, options.wallet ?? '', options);
  const request = await requestOf(session, options, connection, expiresAt);

  const client = await connect(session, target, connection);
  try {
    const { initiators } = parsePolicy(parseCanonical(client.wallet.policyDocument));
    const initiator = await chooseInitiator(session, initiators, options);
    return { connection, client, ...(await signedBy(session, request, initiator)) };
  } catch (error) {
    client.close();
    throw error;
  }
}

/**
 * Prints a request for a wallet of a cluster, whose signers are not reached from here: nobody says whether its policy knows the
 * initiator before the manifest is applied.
 */
async function signUnasked(session: Session, options: SignOptions, file: string): Promise<void> {
  if (options.dryRun !== true || options.wallet !== undefined || options.filename !== undefined)
    throw new UserError(
      '--connection: only with --dry-run, and without --wallet and --filename',
      ["it makes a manifest to apply to the wallet's cluster: holdfast sign --help shows how"],
      exitCodes.usage,
    );
  needs(options, 'key', 'initiator', 'sshKey');
  const expiresAt = checkedExpiry(options);
  const connection = await connectionIn(session, file);
  const request = await requestOf(session, options, connection, expiresAt);
  const { statement, signature } = await signedBy(session, request, await namedInitiator(session, options));
  session.print(
    formatManifest(
      manifestOf(parseStatement('holdfast/request/v1', statement), signature, connection.wallet),
      options.output ?? 'yaml',
    ),
  );
}

function needs(options: SignOptions, ...names: readonly ('wallet' | 'key' | 'initiator' | 'sshKey')[]): void {
  const missing = names.filter((name) => options[name] === undefined);
  if (missing.length > 0)
    throw new UserError(
      `missing: ${missing.map((name) => `--${name === 'sshKey' ? 'ssh-key' : name}`).join(' and ')}`,
      ['holdfast sign --help shows how'],
      exitCodes.usage,
    );
}

function checkedExpiry(options: SignOptions): number {
  const now = Date.now();
  const expiresAt = expiryOf(options.expires, now);
  if (expiresAt <= now || expiresAt > now + mostAheadMs)
    throw new UserError(
      `--expires: want a time ahead, by at most 30 days, got ${formatTime(expiresAt)}`,
      ['signers take no other'],
      exitCodes.usage,
    );
  return expiresAt;
}

type Unsigned = Omit<Parameters<typeof encodeRequest>[0], 'initiator'>;

/** What is asked for, as the options say; tells what the payload does. */
async function requestOf(
  session: Session,
  options: SignOptions,
  connection: VerifiedConnection,
  expiresAt: number,
): Promise<Unsigned> {
  const path = childPath(options.path);
  const certificate = certificateOf(connection, options.key ?? '');
  const publicKey = keyAt(parentOf(certificate, path), path);
  const payload = await readPayload(options, publicKey, session.signal);
  explain(session, () => decode(payload, publicKey).effects.map(({ text }) => text), payload.chain);
  const id =
    options.id ?? `cli-${new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}-${hex(randomBytes(4))}`;
  return { ...payload, genesis: connection.genesis, id, key: certificate.key, path, expiresAt };
}

async function signedBy(
  session: Session,
  request: Unsigned,
  { name, signer }: ChosenInitiator,
): Promise<{ readonly statement: Uint8Array; readonly signature: string }> {
  session.note(`initiator: ${name}`);
  const statement = encodeRequest({ ...request, initiator: name });
  if (signer.key.application !== '') session.note('touch the security key to sign');
  return { statement, signature: await signer.sign(requestNamespace, statement, session.signal) };
}

async function connect(session: Session, target: Target, connection: VerifiedConnection): Promise<WalletClient> {
  try {
    return await WalletClient.connect(clientOptions(connection), session.signal);
  } catch (error) {
    session.signal.throwIfAborted();
    throw new UserError(messageOf(error), await operatorHint(session, target));
  }
}

/** Says what a payload does before anyone signs it; what is not understood here is by no signer either. */
function explain(session: Session, effects: () => readonly string[], chain: string): void {
  try {
    for (const text of effects()) session.note(`effect: ${text}`);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new UserError(`${error.reason}: ${error.message}`, [reasons[error.reason].meaning], exitCodes.denied);
  }
  if (chain !== '') session.note(`chain: ${chain}`);
}

/** A request signed before, which needs no key. */
async function load(session: Session, options: SignOptions, file: string): Promise<Prepared> {
  const manifest = await readManifestFile('SigningRequest', file);
  const { namespace } = manifest.metadata;
  const target = targetOf(session, options);
  const connection = await connectionTo(session, target, `${namespace}/${manifest.spec.walletRef.name}`, {});
  const statement = statementOf(manifest, connection.genesis);
  const client = await connect(session, target, connection);
  return { connection, client, statement, signature: manifest.spec.initiator.signature };
}

function report(session: Session, request: RequestStatement, result: SignResult, options: SignOptions): void {
  for (const warning of result.warnings ?? []) session.note(`warning: ${warning}`);
  if (options.output === 'json') session.print(JSON.stringify(jsonOf(request, result), undefined, 2));
  if (result.outcome !== 'signed') throw refusal(request, result, options);
  if (options.output !== 'json')
    for (const line of result.transaction === undefined
      ? result.signatures.map(({ signature }) => signature)
      : [result.transaction.bytes])
      session.print(hex(line));
  session.note(
    `signed by ${result.participants.join(' and ')}${result.rule === '' ? '' : ` under rule ${result.rule}`} in ` +
      `${(result.durations['total'] ?? 0).toFixed(0)} ms; every signature verified`,
  );
  if (result.transaction !== undefined) session.note(`transaction: ${result.transaction.id}`);
}

/** Reasons whose message is the policy's own explanation. */
const judged: readonly Reason[] = ['PolicyDenied', 'LimitExceeded', 'FeeTooHigh'];

function refusal(request: RequestStatement, result: NotSigned, options: SignOptions): UserError {
  const { outcome, reason, message, rule } = result;
  const text = `${outcome}: ${reason}: ${message}`;
  if (outcome === 'denied')
    return new UserError(
      text,
      rule === '' ? (judged.includes(reason) ? [] : [reasons[reason].meaning]) : [`rule ${rule} decided`],
      exitCodes.denied,
    );
  return new UserError(
    text,
    options.filename === undefined
      ? [
          `ask again with the same bytes: ${again(request)}`,
          ...(options.wait === true ? [] : ['or let it do so: --wait']),
        ]
      : ['ask again with the same command; --wait does so by itself'],
    exitCodes.needsMore,
  );
}

/** What makes the same statement again: everything else in it comes from the same options. */
const again = ({ id, expiresAt }: RequestStatement): string => `--id ${id} --expires ${expiresAt}`;

function jsonOf(request: RequestStatement, result: SignResult): unknown {
  const { id, key, path, format, initiator, expiresAt } = request;
  const { digest, outcome, rule, policyDigest, coordinator, durations } = result;
  const common = {
    id,
    key,
    path,
    kind: format,
    initiator,
    expiresAt,
    digest,
    outcome,
    rule,
    policyDigest,
    coordinator,
    durations,
  };
  return result.outcome === 'signed'
    ? { ...common, reason: '', ...signedJson(result) }
    : { ...common, reason: result.reason, message: result.message, waitsFor: result.waitsFor };
}

const signedJson = ({ participants, effects, signatures, transaction }: Signed): object => ({
  participants,
  effects: effects.map(({ amount, ...effect }) => ({
    ...effect,
    ...(amount !== undefined && { amount: String(amount) }),
  })),
  signatures: signatures.map(({ message, signature }) => ({ message: hex(message), signature: hex(signature) })),
  transaction: transaction === undefined ? '' : hex(transaction.bytes),
  transactionId: transaction?.id ?? '',
});
