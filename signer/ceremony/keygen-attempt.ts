import { hex } from '../../common/bytes.ts';
import type { HolderSignature } from '../../proto/gen/signer/v1/signer.ts';
import { verifyCertificate } from '../../statement/certificate.ts';
import { signAsHolder } from '../../statement/holder-signature.ts';
import { encodeStatement, type CertificateStatement } from '../../statement/statements.ts';
import type { PeerBody } from '../peers/peers.ts';
import { publicKeyOf } from '../scheme/frost-suite.ts';
import type { KeygenResult, SchemeName } from '../scheme/scheme.ts';
import { generate } from './keygen-generate.ts';
import { erase, KeygenTalk } from './keygen-talk.ts';
import { isTestStep, testKey } from './keygen-test.ts';
import { shareLabel, type Wallet } from './wallet.ts';

/** A share that is on disk and signed in test quorums, and the certificate that says so. */
export type PreparedKey = { readonly sealed: Uint8Array; readonly certificate: Uint8Array };

/** Rounds that key generation may have. */
const MOST_ROUNDS = 3;

/**
 * One attempt at a key, at one holder. Nobody leads it once it has begun:
 *
 *   generate  rounds of broadcasts and of secrets, each over its own link (keygen-generate.ts)
 *   prepare   share sealed, on disk, read back and opened
 *   test      commitments, then shares of test signatures to all; every holder verifies every test signature
 *   certify   the certificate signed to all: its transcript covers every broadcast as each holder received it
 *
 * Anything wrong, anyone gone: the attempt fails here and a later one is made (keygen.ts).
 */
export class KeygenAttempt {
  readonly attempt: number;
  readonly #talk: KeygenTalk;

  constructor(wallet: Wallet, name: string, scheme: SchemeName, attempt: number) {
    this.attempt = attempt;
    this.#talk = new KeygenTalk(wallet, name, scheme, attempt);
  }

  /** A message of this attempt; what none of its rounds has is dropped. */
  onMessage(from: string, body: PeerBody): void {
    const talk = this.#talk;
    switch (body.$case) {
      case 'keygenRound1':
        return talk.put('round1', from, body.value);
      case 'keygenRound2':
        return talk.put('round2', from, body.value);
      case 'keygenRound':
        if (body.value.round >= 1 && body.value.round <= MOST_ROUNDS)
          talk.put(`round ${body.value.round}`, from, body.value);
        return;
      case 'keygenTestCommitments':
        return talk.put('testCommitments', from, body.value);
      case 'keygenTestStep':
        if (isTestStep(talk, from, body.value))
          talk.put(`test ${body.value.quorum}, step ${body.value.step}`, from, body.value);
        return;
      case 'keygenTestShares':
        return talk.put('testShares', from, body.value);
      case 'keygenSignature':
        return talk.put('signature', from, body.value);
      default:
        return;
    }
  }

  /** Ends the attempt here: someone is gone, or it was abandoned. */
  fail(error: Error): void {
    this.#talk.fail(error);
  }

  get waitsFor(): { readonly round: string; readonly from: readonly string[] } {
    return this.#talk.waitsFor;
  }

  /** Runs to the signatures of all holders under the certificate; `onPrepared` puts this holder's share on disk. */
  async run(onPrepared: (prepared: PreparedKey) => Promise<void>): Promise<readonly HolderSignature[]> {
    const { wallet, key, scheme } = this.#talk;
    const { shares } = wallet.env;
    const { result, transcript } = await generate(this.#talk);
    const certificate = this.#certificate(result, transcript);
    const label = shareLabel(wallet, key, scheme, this.attempt);
    const sealed = await shares.seal(result.key, label).finally(() => erase(result.key.share));
    await onPrepared({ sealed, certificate });
    await testKey(this.#talk, await shares.open(sealed, label), transcript);
    return this.#certify(certificate);
  }

  async #certify(certificate: Uint8Array): Promise<readonly HolderSignature[]> {
    const talk = this.#talk;
    const { env, roster, genesis, genesisDigest } = talk.wallet;
    const own = { holder: roster.me.name, signature: signAsHolder(certificate, env.identity.privateKey) };
    talk.tellAll({ $case: 'keygenSignature', value: { ...talk.label, certificate, signatures: [own] } });
    const received = await talk.hear('signature');
    const signatures = roster.members.map((m) => {
      const theirs = m === roster.me ? own : received.get(m.name)?.signatures[0];
      if (theirs === undefined || theirs.holder !== m.name) throw new Error(`${m.name} sent no signature of its own`);
      return theirs;
    });
    verifyCertificate({ genesis, genesisDigest, statement: certificate, signatures });
    return signatures;
  }

  #certificate({ key, internalKey, chainCode }: KeygenResult, transcript: string): Uint8Array {
    const { wallet, key: name, scheme } = this.#talk;
    const statement: CertificateStatement = {
      type: 'holdfast/certificate/v1',
      genesis: wallet.genesisDigest,
      key: name,
      scheme,
      attempt: String(this.attempt),
      epoch: '0',
      publicKey: hex(publicKeyOf(scheme, key.groupKey)),
      internalKey: hex(internalKey),
      verificationShares: key.verificationShares.map(hex),
      chainCode: hex(chainCode ?? new Uint8Array()),
      transcript,
    };
    return encodeStatement(statement);
  }
}
