import { equal, taggedHash, utf8 } from '../../common/bytes.ts';
import type { KeygenTestCommitments, KeygenTestShares } from '../../proto/gen/signer/v1/peer.ts';
import { publicKeyOf } from '../scheme/frost-suite.ts';
import {
  Culprit,
  type Exchange,
  type FreshCommitment,
  type KeyShare,
  type NonceCommitment,
  type SigningInput,
  type SigningKey,
} from '../scheme/scheme.ts';
import { erase, type KeygenTalk } from './keygen-talk.ts';
import { pairQuorums, testQuorums } from './test-quorums.ts';
import type { Wallet } from './wallet.ts';

/** Steps that a test signature may have between two holders. */
const MOST_STEPS = 2;

/** The quorums that sign before a key is certified. ECDSA keeps something for each pair of holders: each pair signs. */
export const quorumsOf = ({ wallet: { roster }, scheme }: KeygenTalk): readonly (readonly number[])[] =>
  (scheme === 'ECDSA' ? pairQuorums : testQuorums)(roster.threshold, roster.members.length);

/** Whether a test step of `peer` belongs to this attempt: anything else is not kept. */
export function isTestStep(
  talk: KeygenTalk,
  peer: string,
  { quorum, step }: { readonly quorum: number; readonly step: number },
): boolean {
  const { roster } = talk.wallet;
  const ids = quorumsOf(talk)[quorum] ?? [];
  return (
    talk.scheme === 'ECDSA' &&
    step >= 1 &&
    step <= MOST_STEPS &&
    ids.includes(roster.get(peer).identifier) &&
    ids.includes(roster.me.identifier)
  );
}

/** Signs a hash of the transcript with quorums that cover every holder; each holder verifies each signature. */
export async function testKey(talk: KeygenTalk, share: KeyShare, transcript: string): Promise<void> {
  const { env, roster } = talk.wallet;
  const message = taggedHash('holdfast/keygen-test/v1', utf8(transcript));
  const quorums = quorumsOf(talk);
  const mine = quorums.flatMap((ids, quorum) => (ids.includes(roster.me.identifier) ? [quorum] : []));
  const signing = await env
    .scheme(talk.scheme)
    .open(share)
    .finally(() => erase(share.share));
  try {
    const fresh = new Map<number, FreshCommitment>();
    for (const [i, made] of (await signing.commit(mine.length)).entries()) fresh.set(mine[i] as number, made);
    const commitments = [...fresh].map(([quorum, { hiding, binding }]) => ({ quorum, hiding, binding }));
    const ownCommitments = { ...talk.label, transcript: utf8(transcript), commitments };
    talk.tellAll({ $case: 'keygenTestCommitments', value: ownCommitments });
    const received = new Map([...(await talk.hear('testCommitments')), [roster.me.name, ownCommitments]]);
    for (const [from, theirs] of received)
      if (!equal(theirs.transcript, utf8(transcript)))
        throw new Error(`${from} received other broadcasts than this holder did`);
    const inputs = quorums.map((ids, quorum): SigningInput => ({
      message,
      commitments: new Map(
        ids.map((id) => [id, commitmentOf(received.get(roster.nameOf(id)), quorum, roster.nameOf(id))]),
      ),
    }));
    const shares = await testShares(talk, signing, fresh, inputs, transcript);
    await verifyShares(talk, signing, inputs, shares, publicKeyOf(talk.scheme, share.groupKey));
  } finally {
    signing.close();
  }
}

/** This holder's shares of the test signatures, one after another: all holders take the quorums in the same order. */
async function testShares(
  talk: KeygenTalk,
  signing: SigningKey,
  fresh: ReadonlyMap<number, FreshCommitment>,
  inputs: readonly SigningInput[],
  transcript: string,
): Promise<KeygenTestShares> {
  const shares: { quorum: number; share: Uint8Array }[] = [];
  for (const [quorum, { nonce }] of fresh)
    shares.push({
      quorum,
      share: await signing.sign(nonce, inputs[quorum] as SigningInput, testExchange(talk, transcript, quorum)),
    });
  return { ...talk.label, shares };
}

function testExchange(talk: KeygenTalk, transcript: string, quorum: number): Exchange {
  const { roster } = talk.wallet;
  const others = (quorumsOf(talk)[quorum] ?? []).filter((id) => id !== roster.me.identifier);
  return {
    session: taggedHash('holdfast/keygen-test-session/v1', utf8(transcript), utf8(String(quorum))),
    send(step, messages) {
      for (const id of others)
        talk.tell(roster.nameOf(id), {
          $case: 'keygenTestStep',
          value: { ...talk.label, quorum, step, payload: messages.get(id) ?? new Uint8Array() },
        });
    },
    async receive(step) {
      const names = others.map((id) => roster.nameOf(id));
      return talk.byIdentifier(await talk.hear(`test ${quorum}, step ${step}`, names), (m) => m.payload);
    },
  };
}

async function verifyShares(
  talk: KeygenTalk,
  signing: SigningKey,
  inputs: readonly SigningInput[],
  own: KeygenTestShares,
  publicKey: Uint8Array,
): Promise<void> {
  const { env, roster } = talk.wallet;
  talk.tellAll({ $case: 'keygenTestShares', value: own });
  const received = new Map([...(await talk.hear('testShares')), [roster.me.name, own]]);
  for (const [quorum, ids] of quorumsOf(talk).entries()) {
    const input = inputs[quorum] as SigningInput;
    const signature = await signing
      .aggregate(
        input,
        new Map(ids.map((id) => [id, testShareOf(received.get(roster.nameOf(id)), quorum, roster.nameOf(id))])),
      )
      .catch((error: unknown) => {
        throw error instanceof Culprit ? doubt(talk.wallet, error, ids) : error;
      });
    if (!env.scheme(talk.scheme).verify(publicKey, input.message, signature))
      throw new Error(`test signature of quorum ${ids.join(', ')} does not verify`);
  }
}

/**
 * A wrong test share proves its maker's fault only between it and this holder: where others take part, one of them
 * may have given it other commitments than it gave us.
 */
function doubt({ roster }: Wallet, error: Culprit, quorum: readonly number[]): Error {
  const others = quorum.filter((id) => id !== roster.me.identifier);
  if (others.length === 1) return error;
  const names = others.map((id) => roster.nameOf(id));
  return new Error(`test signature failed, one of ${names.join(', ')} is wrong: ${error.message}`);
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
