import { digest as digestOf, equal, hex, taggedHash, utf8 } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type {
  KeygenRound1,
  KeygenRound2,
  KeygenSignature,
  KeygenTestCommitments,
  KeygenTestShares,
} from '../../proto/gen/signer/v1/peer.ts';
import type { HolderSignature } from '../../proto/gen/signer/v1/signer.ts';
import { verifyCertificate } from '../../statement/certificate.ts';
import { signAsHolder } from '../../statement/holder-signature.ts';
import { encodeStatement, type CertificateStatement } from '../../statement/statements.ts';
import { publicKeyOf } from '../scheme/frost-suite.ts';
import {
  Culprit,
  type FreshCommitment,
  type FrostScheme,
  type KeygenResult,
  type KeygenRun,
  type KeyShare,
  type NonceCommitment,
  type Round1,
  type SigningInput,
  type SigningKey,
} from '../scheme/scheme.ts';
import { Mailbox } from './mailbox.ts';
import { testQuorums } from './test-quorums.ts';
import { shareLabel, type Wallet } from './wallet.ts';

type Messages = {
  round1: KeygenRound1;
  round2: KeygenRound2;
  testCommitments: KeygenTestCommitments;
  testShares: KeygenTestShares;
  signature: KeygenSignature;
};

/** A share that is on disk and signed in test quorums, and the certificate that says so. */
export type PreparedKey = { readonly sealed: Uint8Array; readonly certificate: Uint8Array };

/**
 * One attempt at a key, at one holder. Nobody leads it once it has begun:
 *
 *   round 1  commitments and proof of knowledge to all          (exactly t commitments each)
 *   round 2  a secret share to each, over its own link
 *   prepare  share sealed, on disk, read back and opened
 *   test     commitments, then shares of test signatures to all; every holder verifies every test signature
 *   certify  the certificate signed to all: its transcript covers what each holder received in round 1
 *
 * Anything wrong, anyone gone: the attempt fails here and a later one is made (keygen.ts).
 */
export class KeygenAttempt {
  readonly name: string;
  readonly scheme: FrostScheme;
  readonly attempt: number;
  readonly #wallet: Wallet;
  readonly #mail = new Mailbox<Messages>();

  constructor(wallet: Wallet, name: string, scheme: FrostScheme, attempt: number) {
    this.#wallet = wallet;
    this.name = name;
    this.scheme = scheme;
    this.attempt = attempt;
  }

  onMessage<R extends keyof Messages>(round: R, from: string, message: Messages[R]): void {
    this.#mail.put(round, from, message);
  }

  /** Ends the attempt here: someone is gone, or it was abandoned. */
  fail(error: Error): void {
    this.#mail.fail(error);
  }

  get waitsFor(): { readonly round: string; readonly from: readonly string[] } {
    return this.#mail.waitsFor;
  }

  /** Runs to the signatures of all holders under the certificate; `onPrepared` puts this holder's share on disk. */
  async run(onPrepared: (prepared: PreparedKey) => Promise<void>): Promise<readonly HolderSignature[]> {
    const { env, roster } = this.#wallet;
    const run = env.scheme(this.scheme).keygen(roster.me.identifier, roster.threshold, roster.members.length);
    try {
      const own = await run.round1();
      const { key, attempt } = this.#label();
      this.#sendAll({
        $case: 'keygenRound1',
        value: { key, attempt, commitment: [...own.commitment], proof: own.proof },
      });
      const broadcasts = await this.#fromAll('round1');
      for (const [from, { commitment }] of broadcasts)
        if (commitment.length !== roster.threshold)
          throw new Error(`${from} commits to ${commitment.length} coefficients, the threshold is ${roster.threshold}`);
      const transcript = this.#transcript(own, broadcasts);
      const shares = await run.round2(
        this.#byIdentifier(broadcasts, (m): Round1 => ({ commitment: m.commitment, proof: m.proof })),
      );
      try {
        for (const m of roster.others)
          this.#send(m.name, {
            $case: 'keygenRound2',
            value: { key, attempt, share: shares.get(m.identifier) ?? new Uint8Array() },
          });
      } finally {
        erase(...shares.values());
      }
      const result = await this.#round3(run);
      const certificate = this.#certificate(result, transcript);
      const label = shareLabel(this.#wallet, this.name, this.scheme, this.attempt);
      const sealed = await env.shares.seal(result.key, label).finally(() => erase(result.key.share));
      await onPrepared({ sealed, certificate });
      await this.#test(await env.shares.open(sealed, label), transcript);
      return await this.#certify(certificate);
    } finally {
      run.close();
    }
  }

  async #round3(run: KeygenRun): Promise<KeygenResult> {
    const received = this.#byIdentifier(await this.#fromAll('round2'), (m) => m.share);
    try {
      return await run.round3(received);
    } finally {
      erase(...received.values());
    }
  }

  async #certify(certificate: Uint8Array): Promise<readonly HolderSignature[]> {
    const { env, roster } = this.#wallet;
    const own = { holder: roster.me.name, signature: signAsHolder(certificate, env.identity.privateKey) };
    this.#sendAll({ $case: 'keygenSignature', value: { ...this.#label(), certificate, signatures: [own] } });
    const received = await this.#fromAll('signature');
    const signatures = roster.members.map((m) => {
      const theirs = m === roster.me ? own : received.get(m.name)?.signatures[0];
      if (theirs === undefined || theirs.holder !== m.name) throw new Error(`${m.name} sent no signature of its own`);
      return theirs;
    });
    const { genesis, genesisDigest } = this.#wallet;
    verifyCertificate({ genesis, genesisDigest, statement: certificate, signatures });
    return signatures;
  }

  /** Signs a hash of the transcript with quorums that cover every holder; each holder verifies each signature. */
  async #test(share: KeyShare, transcript: string): Promise<void> {
    const { env, roster } = this.#wallet;
    const { key, attempt } = this.#label();
    const scheme = env.scheme(this.scheme);
    const message = taggedHash('holdfast/keygen-test/v1', utf8(transcript));
    const quorums = testQuorums(roster.threshold, roster.members.length);
    const mine = quorums.flatMap((ids, quorum) => (ids.includes(roster.me.identifier) ? [quorum] : []));
    const signing = await scheme.open(share).finally(() => erase(share.share));
    try {
      const fresh = new Map<number, FreshCommitment>();
      for (const [i, made] of (await signing.commit(mine.length)).entries()) fresh.set(mine[i] as number, made);
      const commitments = [...fresh].map(([quorum, { hiding, binding }]) => ({ quorum, hiding, binding }));
      const ownCommitments = { key, attempt, transcript: utf8(transcript), commitments };
      this.#sendAll({ $case: 'keygenTestCommitments', value: ownCommitments });
      const received = new Map([...(await this.#fromAll('testCommitments')), [roster.me.name, ownCommitments]]);
      for (const [from, theirs] of received)
        if (!equal(theirs.transcript, utf8(transcript)))
          throw new Error(`${from} received other broadcasts than this holder did`);
      const inputs = quorums.map((ids, quorum): SigningInput => ({
        message,
        commitments: new Map(
          ids.map((id) => [id, commitmentOf(received.get(roster.nameOf(id)), quorum, roster.nameOf(id))]),
        ),
      }));
      await this.#testShares(signing, fresh, inputs, quorums, publicKeyOf(this.scheme, share.groupKey));
    } finally {
      signing.close();
    }
  }

  async #testShares(
    signing: SigningKey,
    fresh: ReadonlyMap<number, FreshCommitment>,
    inputs: readonly SigningInput[],
    quorums: readonly (readonly number[])[],
    publicKey: Uint8Array,
  ): Promise<void> {
    const { env, roster } = this.#wallet;
    const { key, attempt } = this.#label();
    const shares = await Promise.all(
      [...fresh].map(async ([quorum, { nonce }]) => ({
        quorum,
        share: await signing.sign(nonce, inputs[quorum] as SigningInput),
      })),
    );
    const own = { key, attempt, shares };
    this.#sendAll({ $case: 'keygenTestShares', value: own });
    const received = new Map([...(await this.#fromAll('testShares')), [roster.me.name, own]]);
    for (const [quorum, ids] of quorums.entries()) {
      const input = inputs[quorum] as SigningInput;
      const signature = await signing
        .aggregate(
          input,
          new Map(ids.map((id) => [id, testShareOf(received.get(roster.nameOf(id)), quorum, roster.nameOf(id))])),
        )
        .catch((error: unknown) => {
          throw error instanceof Culprit ? this.#doubt(error, ids) : error;
        });
      if (!env.scheme(this.scheme).verify(publicKey, input.message, signature))
        throw new Error(`test signature of quorum ${ids.join(', ')} does not verify`);
    }
  }

  /**
   * A wrong test share proves its maker's fault only between it and this holder: where others take part, one of them
   * may have given it other commitments than it gave us.
   */
  #doubt(error: Culprit, quorum: readonly number[]): Error {
    const { roster } = this.#wallet;
    const others = quorum.filter((id) => id !== roster.me.identifier);
    if (others.length === 1) return error;
    const names = others.map((id) => roster.nameOf(id));
    return new Error(`test signature failed, one of ${names.join(', ')} is wrong: ${error.message}`);
  }

  #certificate({ key, internalKey }: KeygenResult, transcript: string): Uint8Array {
    const statement: CertificateStatement = {
      type: 'holdfast/certificate/v1',
      genesis: this.#wallet.genesisDigest,
      key: this.name,
      scheme: this.scheme,
      attempt: String(this.attempt),
      epoch: '0',
      publicKey: hex(publicKeyOf(this.scheme, key.groupKey)),
      internalKey: hex(internalKey),
      verificationShares: key.verificationShares.map(hex),
      chainCode: '',
      transcript,
    };
    return encodeStatement(statement);
  }

  /** Digest over genesis, key, scheme, attempt and all broadcasts as received, in roster order. */
  #transcript(own: Round1, broadcasts: ReadonlyMap<string, KeygenRound1>): string {
    const { genesisDigest, roster } = this.#wallet;
    const parts = roster.members.map((m) => {
      const { commitment, proof } = m === roster.me ? own : (broadcasts.get(m.name) as KeygenRound1);
      return taggedHash('holdfast/keygen-broadcast/v1', utf8(m.name), ...commitment, proof);
    });
    const head = [genesisDigest, this.name, this.scheme, String(this.attempt)].map(utf8);
    return digestOf(taggedHash('holdfast/keygen-transcript/v1', ...head, ...parts));
  }

  #label(): { readonly key: string; readonly attempt: bigint } {
    return { key: this.name, attempt: BigInt(this.attempt) };
  }

  #fromAll<R extends keyof Messages>(round: R): Promise<ReadonlyMap<string, Messages[R]>> {
    return this.#mail.all(
      round,
      this.#wallet.roster.others.map((m) => m.name),
    );
  }

  #byIdentifier<M, T>(messages: ReadonlyMap<string, M>, of: (message: M) => T): ReadonlyMap<number, T> {
    return new Map([...messages].map(([name, message]) => [this.#wallet.roster.get(name).identifier, of(message)]));
  }

  #send(peer: string, body: Parameters<Wallet['env']['peers']['send']>[1]): void {
    if (!this.#wallet.env.peers.send(peer, body)) throw new Refused('QuorumUnavailable', `${peer} is not reachable`);
  }

  #sendAll(body: Parameters<Wallet['env']['peers']['send']>[1]): void {
    for (const m of this.#wallet.roster.others) this.#send(m.name, body);
  }
}

/** The engine and the link have copies of their own; ours go as soon as they do. */
function erase(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}

function commitmentOf(message: KeygenTestCommitments | undefined, quorum: number, from: string): NonceCommitment {
  const found = message?.commitments.find((c) => c.quorum === quorum);
  if (found === undefined) throw new Error(`${from} gave no commitment for test quorum ${quorum}`);
  return { hiding: found.hiding, binding: found.binding };
}

function testShareOf(message: KeygenTestShares | undefined, quorum: number, from: string): Uint8Array {
  const found = message?.shares.find((s) => s.quorum === quorum);
  if (found === undefined) throw new Error(`${from} gave no share for test quorum ${quorum}`);
  return found.share;
}
