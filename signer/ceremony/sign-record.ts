import { clip } from '../../common/bytes.ts';
import { messageOf, Refused } from '../../common/errors.ts';
import { RateLimit } from '../../common/rate-limit.ts';
import { outcomeOf } from '../../common/reasons.ts';
import type { SignReply } from '../../proto/gen/signer/v1/signer.ts';
import { type BadCommitment, Banned, type Culprit, type Suspects } from '../scheme/scheme.ts';
import type { AuditEntry, Change, RequestRow } from '../state/store.ts';
import type { VerifiedRequest } from './judge.ts';
import { signedEntry, type Outcomes } from './outcomes.ts';
import { MAY_EXIST, refusalReply, rowReply, signedReply } from './reply.ts';
import { requestRow } from './requests.ts';
import type { Member } from './roster.ts';
import type { Run, SignSession } from './sign-sessions.ts';
import type { Spends } from './spends.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { Wallet } from './wallet.ts';

/** Refusals of one initiator that are put on record, and that are logged only; more are answered and counted. */
const RECORDS_BURST = 200;
const RECORDS_PER_SECOND = 2;
/** Refusals that another try with the same members may cure: none of them is worth a record. */
const CURABLE = new Set(['NonceUnknown', 'LimitContended']);

/** A request of which it is not known yet whether it may run. */
export type Asked = Pick<Run, 'request' | 'doubted'> & Partial<Run>;

/**
 * What a coordinator writes of a request, and then answers: reserved, and one of three endings. Nothing that may have
 * been released is ever recorded as refused.
 */
export class SignRecord {
  readonly #wallet: Wallet;
  readonly #spends: Spends;
  readonly #outcomes: Outcomes;
  readonly #records: RateLimit;
  readonly #logged: RateLimit;

  constructor(wallet: Wallet, spends: Spends, outcomes: Outcomes) {
    this.#wallet = wallet;
    this.#spends = spends;
    this.#outcomes = outcomes;
    this.#records = new RateLimit(wallet.env.clock, RECORDS_BURST, RECORDS_PER_SECOND);
    this.#logged = new RateLimit(wallet.env.clock, RECORDS_BURST, RECORDS_PER_SECOND);
  }

  /** Whether shares of the request may be out: a signature of it is to be looked for, and no refusal is its end. */
  mayExist({ request, doubted }: Asked): boolean {
    const { requests, ledger } = this.#wallet;
    const known = requests.get(request.digest);
    if (doubted || known?.state === 'Released') return true;
    // A spend may be learnt of what was refused here before, or while its id was another request's, and has no row then.
    return known?.state !== 'Signed' && ledger.get(request.digest)?.state === 'Spent';
  }

  /** The reservation on disk. */
  async reserved({ request, reading, decision, now, reservation }: Run, quorum: readonly Member[]): Promise<void> {
    const { requests, policyDigest } = this.#wallet;
    const known = requests.get(request.digest);
    const row = requestRow(request, known?.firstSeen ?? now, {
      state: known?.state === 'Released' ? 'Released' : 'Reserved',
      rule: decision.rule,
      policyDigest,
      participants: quorum.map((m) => m.name),
      // Learnt while the quorum was chosen.
      ...(known?.state === 'Signed' ? known : {}),
    });
    const entry: AuditEntry = {
      type: 'Reserved',
      digest: request.digest,
      initiator: row.initiator,
      id: row.id,
      key: row.key,
      rule: decision.rule,
      policy: policyDigest,
      effects: reading.effectsDigest,
    };
    await this.#write(row, { ledger: [reservation.row], audit: [entry] });
  }

  async signed(run: Run, { round }: SignSession, signatures: readonly Uint8Array[]): Promise<SignReply> {
    const { request, reading, decision, now, watch } = run;
    const { requests, policyDigest } = this.#wallet;
    const row = requestRow(request, requests.get(request.digest)?.firstSeen ?? now, {
      state: 'Signed',
      rule: decision.rule,
      policyDigest,
      participants: round.quorum,
      signatures,
    });
    await watch.time('ledger', () =>
      this.#spent(run, row, {
        audit: [signedEntry(row, reading.effectsDigest, '')],
        releases: [{ digest: row.digest, at: now }],
      }),
    );
    this.#log(row, watch);
    this.#outcomes.tell(row);
    this.#spends.released();
    return signedReply(row, reading);
  }

  /** Shares may be out and no signature is known: a spend for good, whatever stands in the way now. */
  async unsure(asked: Asked, why: string, waitsFor: readonly string[] = []): Promise<SignReply> {
    const { requests, env, time, policyDigest } = this.#wallet;
    const { request, doubted, decision, watch } = asked;
    const known = requests.get(request.digest);
    if (known?.state === 'Signed') return rowReply(this.#wallet, known);
    const row = requestRow(request, known?.firstSeen ?? time.seconds(), {
      state: 'Released',
      reason: 'SignatureMayExist',
      message: why === '' ? MAY_EXIST : `${MAY_EXIST} (${why})`,
      rule: decision?.rule ?? known?.rule ?? '',
      policyDigest: known?.policyDigest || policyDigest,
      participants: known?.participants ?? [],
    });
    const told = !doubted && known?.state === 'Released' && known.reason === row.reason;
    try {
      await this.#spent(asked, row, told ? {} : { audit: [endedEntry('Failed', row)] });
    } catch (error) {
      // It counts in memory, and after a restart by what was reserved on disk.
      requests.doubt(request);
      env.log.error('outcome not written', { digest: request.digest, error: messageOf(error) });
    }
    if (!told) this.#log(row, watch);
    return { ...rowReply(this.#wallet, row), waitsFor: [...waitsFor] };
  }

  /** Nothing was released: off the ledger, its outcome on disk and in the audit once. */
  async refused(asked: Asked, refused: Refused, waitsFor: readonly string[] = []): Promise<SignReply> {
    const { requests, time, policyDigest } = this.#wallet;
    const { request, reading, reservation, watch } = asked;
    const known = requests.get(request.digest);
    // Shares left once, or the signature came from elsewhere meanwhile: no refusal of now changes that.
    if (this.mayExist(asked) || known?.state === 'Signed') return this.unsure(asked, refused.message, waitsFor);
    reservation?.release();
    const row: RequestRow = {
      ...requestRow(request, known?.firstSeen ?? time.seconds(), {
        state: outcomeOf(refused.reason) === 'denied' ? 'Denied' : 'Failed',
        reason: refused.reason,
        message: refused.message,
        rule: refused.rule,
        policyDigest,
      }),
      // Whoever asks again brings these along; kept for each refusal they would fill the disk.
      statement: new Uint8Array(),
      signature: '',
    };
    const repeated = known?.state === row.state && known.reason === row.reason;
    const recorded = !repeated && !CURABLE.has(refused.reason) && this.#records.allow(row.initiator);
    const reserved = known?.state === 'Reserved';
    const dropped = reserved && (recorded || this.#records.allow(row.initiator));
    if (recorded || reserved)
      await this.#write(row, {
        ...(reserved && { unreserve: [row.digest] }),
        audit: [
          ...(dropped ? [droppedEntry(row)] : []),
          ...(recorded ? [endedEntry(row.state === 'Denied' ? 'Denied' : 'Failed', row)] : []),
        ],
      });
    if (recorded) this.#log(row, watch);
    return refusalReply(refused, { policyDigest, waitsFor: [...waitsFor], effects: reading?.effects ?? '' });
  }

  /** Logs a refusal that leaves nothing on disk. */
  tellUnrecorded(
    { statement: { id, initiator, key }, digest }: VerifiedRequest,
    refused: Refused,
    watch: Stopwatch,
  ): void {
    if (!this.#logged.allow(initiator)) return;
    const { reason, message, rule } = refused;
    const state = outcomeOf(reason) === 'denied' ? 'Denied' : 'Failed';
    this.#log({ digest, id, initiator, key, state, reason, message, rule, participants: [] }, watch);
  }

  /** A member's share or commitment is provably wrong: on disk before any answer leaves, and it is left out until cleared. */
  async culprits({ request, key }: Run, culprit: Culprit | BadCommitment): Promise<readonly string[]> {
    const { roster } = this.#wallet;
    const names = culprit.identifiers.map((i) => roster.nameOf(i)).filter((name) => name !== roster.me.name);
    if (names.length === 0) throw new Refused('Internal', culprit.message);
    await this.#wallet.leaveOut(names, key.name, culprit.message, request.digest);
    return names;
  }

  /** A ban, or a failure that nobody's name is on: on disk before any answer leaves. Gives whom to leave out now, and why: nobody where one of several is to blame. */
  async distrust({ request, key }: Run, error: Banned | Suspects): Promise<ReadonlyMap<string, Refused | string>> {
    const { roster } = this.#wallet;
    if (error instanceof Banned) {
      const name = roster.nameOf(error.identifier);
      return new Map([[name, await this.#wallet.banForGood(key.name, name, error.message, request.digest)]]);
    }
    const names = error.identifiers.map((i) => roster.nameOf(i)).filter((name) => name !== roster.me.name);
    await this.#wallet.strike(names, error.message);
    return new Map(names.length === 1 ? [[names[0] ?? '', error.message]] : []);
  }

  /** Writes a row whose spend counts for good. */
  async #spent({ reading }: Asked, row: RequestRow, change: Pick<Change, 'audit' | 'releases'>): Promise<void> {
    const { ledger, time } = this.#wallet;
    const { digest } = row;
    const counted = ledger.get(digest) ?? (reading && { digest, at: time.seconds(), effects: reading.effects });
    const spend = counted === undefined ? [] : [ledger.put({ ...counted, state: 'Spent' })];
    await this.#write(row, { ledger: spend, ...change });
    ledger.settle(digest);
  }

  /** How a request ended here, in one line. */
  #log({ state, digest, id, initiator, key, rule, reason, message, participants }: Ended, watch?: Stopwatch): void {
    this.#wallet.env.log.info(ended[state], {
      digest,
      id,
      initiator,
      key,
      rule: rule || undefined,
      reason: reason || undefined,
      why: message === '' ? undefined : clip(message),
      participants: participants.length === 0 ? undefined : participants,
      ms: watch && Math.round(watch.total),
    });
  }

  async #write(row: RequestRow, change: Omit<Change, 'now' | 'requests'>): Promise<void> {
    await this.#wallet.requests.keep(row, this.#wallet.write({ requests: [row], ...change }));
  }
}

type Ended = Pick<
  RequestRow,
  'state' | 'digest' | 'id' | 'initiator' | 'key' | 'rule' | 'reason' | 'message' | 'participants'
>;
const ended: Readonly<Record<RequestRow['state'], string>> = {
  Reserved: 'request under way',
  Released: 'request may be signed',
  Signed: 'request signed',
  Denied: 'request denied',
  Failed: 'request failed',
};

const droppedEntry = ({ digest, initiator, id, key, policyDigest }: RequestRow): AuditEntry => ({
  type: 'ReservationDropped',
  digest,
  initiator,
  id,
  key,
  policy: policyDigest,
});

const endedEntry = (type: 'Denied' | 'Failed', row: RequestRow): AuditEntry => ({
  type,
  digest: row.digest,
  initiator: row.initiator,
  id: row.id,
  key: row.key,
  reason: row.reason,
  message: clip(row.message),
  rule: row.rule,
  policy: row.policyDigest,
});
