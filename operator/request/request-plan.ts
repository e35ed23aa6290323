import { digest, fromHex, hex, utf8 } from '../../common/bytes.ts';
import { parseTime } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import { encodeRequest } from '../../client/request.ts';
import type { SignResult } from '../../client/sign-result.ts';
import { rootKeyOf } from '../../policy/child-key.ts';
import { decodeAt } from '../../policy/decode-at.ts';
import { parseStatement } from '../../statement/statements.ts';
import type { Effect } from '../../policy/effect.ts';
import { conditionOf, setCondition } from '../api/conditions.ts';
import type { ConditionType, Finding } from '../api/conditions.ts';
import type { EventReason } from '../api/reasons.ts';
import type { SigningRequest, Wallet } from '../api/resource.ts';
import type { EventType } from '../store/resource-store.ts';
import { failureReason } from '../wallet/outcome-words.ts';

type Status = NonNullable<SigningRequest['status']>;

/** What to do about a request, before signers are asked. */
export type RequestStart =
  | { readonly kind: 'Done' }
  /** Nobody can be asked yet. */
  | { readonly kind: 'Wait'; readonly status: Status }
  /** Over without asking anybody. */
  | { readonly kind: 'End'; readonly status: Status }
  | { readonly kind: 'Ask'; readonly statement: Uint8Array; readonly signature: string; readonly status: Status };

export type RequestFacts = {
  readonly request: SigningRequest;
  readonly wallet: Wallet | undefined;
  /** Whether the wallet's signers can be reached by what is known. */
  readonly reachable: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

/** The id that signers know a request by. */
export const requestId = ({ metadata, spec }: SigningRequest): string =>
  spec.id ?? `${metadata.namespace}/${metadata.name}`;

export function startRequest(facts: RequestFacts): RequestStart {
  const { request, wallet, reachable, now } = facts;
  const { spec, status } = request;
  if (conditionOf(status?.conditions, 'Finished')?.status === 'True') return { kind: 'Done' };
  const genesis = wallet?.status?.genesis;
  if (wallet === undefined || genesis === undefined || !reachable) {
    // Whoever was asked before may have signed: only signers can say what became of it.
    if (now >= parseTime(spec.expiresAt) && status?.digest === undefined)
      return {
        kind: 'End',
        status: ended(facts, 'Expired', `the request expired at ${spec.expiresAt}, before there was anybody to ask`),
      };
    // Of one that was asked for, the last answer stands.
    if (status?.digest !== undefined) return { kind: 'Wait', status };
    const why =
      wallet === undefined
        ? `there is no Wallet ${spec.walletRef.name} in ${request.metadata.namespace}`
        : `Wallet ${spec.walletRef.name} is not ready to be asked`;
    return { kind: 'Wait', status: pending(facts, status ?? {}, 'WaitingForWallet', why) };
  }
  try {
    const statement = encodeRequest({
      genesis,
      id: requestId(request),
      key: spec.key,
      path: spec.path ?? '',
      chain: spec.payload.chain ?? '',
      format: spec.payload.format,
      data: fromHex(spec.payload.data.slice(2), 'spec.payload.data'),
      initiator: spec.initiator.name,
      expiresAt: parseTime(spec.expiresAt),
    });
    const effects = status?.effects ?? effectsOf(request, wallet);
    const known: Status = { ...status, digest: digest(statement), ...(effects !== undefined && { effects }) };
    // What the last answer said stands until there is another.
    const before = conditionOf(status?.conditions, 'Finished');
    const asked =
      before === undefined || before.reason === 'WaitingForWallet'
        ? pending(facts, known, 'Signing', 'signers are asked')
        : known;
    return { kind: 'Ask', statement, signature: spec.initiator.signature, status: asked };
  } catch (error) {
    return { kind: 'End', status: ended(facts, 'Malformed', messageOf(error)) };
  }
}

export type RequestEnd = {
  readonly status: Status;
  readonly event: { readonly type: EventType; readonly reason: EventReason; readonly message: string };
};

/** What an answer makes of a request: final where it is signed or denied, to be asked again where it failed. */
export function finishRequest(request: SigningRequest, asked: Status, result: SignResult, now: number): RequestEnd {
  const facts = { request, now };
  const decision = {
    ...(result.rule !== '' && { rule: result.rule }),
    ...(/^sha256:[0-9a-f]{64}$/.test(result.policyDigest) && { policyDigest: result.policyDigest }),
  };
  const durations = durationsOf(result.durations);
  const answered: Status = {
    ...asked,
    digest: result.digest,
    ...(Object.keys(decision).length > 0 && { decision }),
    ...(Object.keys(durations).length > 0 && { durations }),
  };
  if (result.outcome === 'signed') {
    const message = `signed by ${result.participants.join(', ')}`;
    const status: Status = {
      ...answered,
      effects: result.effects.map(shownEffect),
      signatures: result.signatures.map(({ message: bytes, signature }) => ({
        message: hex(bytes),
        signature: hex(signature),
      })),
      participants: [...new Set(result.participants.filter((holder) => /^[a-z0-9][-a-z0-9]{0,19}$/.test(holder)))],
      ...(result.transaction !== undefined && {
        signedTransaction: hex(result.transaction.bytes),
        transactionId: result.transaction.id,
      }),
      conditions: conditions(facts, answered, [
        ['Approved', 'True', 'NoApprovalNeeded', 'the rules that allow it need no approvals'],
        ['Finished', 'True', 'Signed', withTtl(request, message)],
        ['Succeeded', 'True', 'Signed', message],
      ]),
    };
    return { status, event: { type: 'Normal', reason: 'CeremonySucceeded', message } };
  }
  const waits = result.waitsFor.length > 0 ? `; waits for ${result.waitsFor.join(', ')}` : '';
  const message = `${result.message}${waits}`;
  if (result.outcome === 'failed')
    return {
      status: pending(facts, answered, result.reason, message),
      event: { type: 'Warning', reason: failureReason(result.reason), message: `${result.reason}: ${message}` },
    };
  return {
    status: ended(facts, result.reason, message, answered),
    event: { type: 'Warning', reason: 'PolicyDenied', message: `${result.reason}: ${message}` },
  };
}

type Timed = { readonly request: SigningRequest; readonly now: number };

const conditions = (
  { request, now }: Timed,
  before: Status,
  findings: readonly (readonly [ConditionType, Finding['status'], Finding['reason'], string])[],
): NonNullable<Status['conditions']> =>
  findings.reduce<NonNullable<Status['conditions']>>(
    (set, [type, status, reason, message]) => [
      ...setCondition(set, { type, status, reason, message }, request.metadata.generation, now),
    ],
    before.conditions ?? [],
  );

/** Not finished: `reason` says what it waits for. */
const pending = (facts: Timed, before: Status, reason: Finding['reason'], message: string): Status => ({
  ...before,
  observedGeneration: facts.request.metadata.generation,
  conditions: conditions(facts, before, [
    ['Approved', 'Unknown', 'Pending', 'signers have not decided'],
    ['Finished', 'False', reason, message],
    ['Succeeded', 'Unknown', reason, message],
  ]),
});

/** Finished without a signature, for good. */
const ended = (
  facts: Timed,
  reason: Finding['reason'],
  message: string,
  before: Status = facts.request.status ?? {},
): Status => ({
  ...before,
  observedGeneration: facts.request.metadata.generation,
  conditions: conditions(facts, before, [
    ['Approved', 'False', reason, message],
    ['Finished', 'True', reason, withTtl(facts.request, message)],
    ['Succeeded', 'False', reason, message],
  ]),
});

const withTtl = ({ spec }: SigningRequest, message: string): string =>
  spec.ttlSecondsAfterFinished === undefined
    ? message
    : `${message}; ttlSecondsAfterFinished removes no manifest of a folder: delete it yourself`;

/** The effects as this operator decodes them; undefined where the key is not there or nothing is understood: signers say why. */
function effectsOf({ spec }: SigningRequest, wallet: Wallet): Status['effects'] | undefined {
  const key = wallet.status?.keys?.find(({ name }) => name === spec.key);
  if (key === undefined) return undefined;
  const { chain = '', format, data } = spec.payload;
  try {
    const payload = { chain, format, data: fromHex(data.slice(2), 'data') };
    const certificate = parseStatement('holdfast/certificate/v1', utf8(key.certificate.statement));
    return decodeAt(payload, rootKeyOf(certificate), spec.path ?? '').effects.map(shownEffect);
  } catch {
    return undefined;
  }
}

const shownEffect = ({
  kind,
  chain,
  asset,
  amount,
  destination,
  text,
}: Effect): NonNullable<Status['effects']>[number] => ({
  kind,
  ...(chain !== '' && { chain }),
  ...(asset !== undefined && { asset }),
  ...(amount !== undefined && { amount: String(amount) }),
  ...(destination !== undefined && { destination }),
  text: text.slice(0, 1024),
});

/** The steps' milliseconds, as far as they are numbers: they are the signer's word. */
const durationsOf = (durations: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(durations)
      .filter(([step, ms]) => /^[a-z]{1,32}$/.test(step) && Number.isFinite(ms) && ms >= 0)
      .slice(0, 16),
  );
