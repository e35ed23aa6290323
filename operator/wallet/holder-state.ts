import { hex } from '../../common/bytes.ts';
import type { Signer, Wallet } from '../api/resource.ts';
import type { GenesisStatement } from '../../statement/statements.ts';
import type { SignerObservation } from '../fleet/fleet.ts';
import type { Description, PeerState } from '../../proto/gen/signer/v1/signer.ts';
import type { SignerAnswer } from '../signer/signer-answer.ts';

/** What is known of one holder, in the order of the spec. */
export type HolderState = {
  readonly name: string;
  readonly role: Wallet['spec']['holders'][number]['role'];
  /** The Signer that serves it. */
  readonly signer: Signer | undefined;
  readonly observation: SignerObservation | undefined;
  /** Undefined where there was nobody to ask, or no pin yet. */
  readonly answer: SignerAnswer | undefined;
};

/** What the signer that has this holder's pinned key says of itself. */
export const descriptionOf = ({ answer }: HolderState): Description | undefined =>
  answer?.kind === 'Described' ? answer.description : undefined;

/** A wallet as it was founded; `digest` is its genesis's, `statement` absent while no signer has proven it. */
export type Founded = { readonly digest: string; readonly statement?: GenesisStatement | undefined };

/** Why a holder's signer cannot take part in a wallet, or in founding it; "" where it can. */
export function whyUnavailable({ signer, observation, answer }: HolderState, founded: Founded | undefined): string {
  if (signer === undefined) return 'no Signer yet';
  if (observation === undefined) return 'about to be started';
  if (observation.reason !== '') return observation.message;
  if (answer === undefined) return 'starting';
  if (answer.kind !== 'Described') return answer.message;
  const { description } = answer;
  if (founded === undefined) return description.genesis === '' ? '' : description.problems.join('; ');
  if (description.genesis !== '' && description.genesis !== founded.digest)
    return `belongs to another wallet, of genesis ${description.genesis}`;
  if (founded.statement !== undefined && !isFounder(founded.statement, description))
    return 'not the signer that the wallet was founded with: with its state it lost its share, and replacing it is not in this version';
  return description.problems.join('; ');
}

/** Whether a signer has the very key that a genesis gives its holder. */
export const isFounder = (genesis: GenesisStatement, { holder, identity }: Description): boolean =>
  genesis.holders.some(({ name, identity: founder }) => name === holder && founder === hex(identity));

/** Whether a signer says that it, or a holder, came back with an older audit log. */
export const isRollback = (why: string): boolean => why.startsWith('RollbackDetected');

/** Whether a signer refused a genesis because its owner has yet to accept it. */
export const isNotAccepted = (why: string): boolean => why.includes('GenesisNotAccepted: ');

const seenBy = (leader: HolderState, name: string): PeerState | undefined =>
  descriptionOf(leader)?.peers.find((peer) => peer.name === name);

/** Whether a signer does not sign together with a holder, until a person does something about it. */
function leavesOut(leader: HolderState, name: string): boolean {
  const peer = seenBy(leader, name);
  return peer !== undefined && (peer.fenced || peer.refused !== '');
}

/** Which of the holders that lead signings leave this one out; "" where none does. */
function whyLeftOut(name: string, leaders: readonly HolderState[]): string {
  const by = leaders.filter((leader) => leavesOut(leader, name));
  if (by.length === 0) return '';
  const names = by.map((leader) => leader.name).join(', ');
  const refused = by.map((leader) => seenBy(leader, name)?.refused ?? '').find((why) => why !== '');
  if (refused !== undefined) return `RollbackDetected: left out by ${names}: ${refused}`;
  return `left out by ${names}: a cryptographic check failed on its message, which nothing clears in this version`;
}

export type Availability = {
  readonly unavailable: readonly { readonly name: string; readonly why: string }[];
  /** How many more signers may go before nothing can be signed; -1 where nothing can be now. */
  readonly losses: number;
};

/**
 * Who can take part, and what that is worth. Whom an Infrastructure holder leaves out is told of as gone, although its
 * signer answers and finds nothing wrong with itself.
 */
export function availability(
  threshold: number,
  holders: readonly HolderState[],
  founded: Founded | undefined,
): Availability {
  const reasons = holders.map((holder) => ({ holder, why: whyUnavailable(holder, founded) }));
  const present = reasons.filter(({ why }) => why === '').map(({ holder }) => holder);
  const leaders = founded === undefined ? [] : present.filter(({ role }) => role === 'Infrastructure');
  const unavailable = reasons.flatMap(({ holder: { name }, why }) => {
    const reason = why === '' ? whyLeftOut(name, leaders) : why;
    return reason === '' ? [] : [{ name, why: reason }];
  });
  return { unavailable, losses: tolerableLosses(threshold, present) };
}

/** A quorum is t holders that are not Backup, led by an Infrastructure among them that leaves none of them out. */
function tolerableLosses(threshold: number, present: readonly HolderState[]): number {
  const signing = present.filter(({ role }) => role !== 'Backup');
  const quorums = signing.flatMap((leader, i) =>
    leader.role === 'Infrastructure'
      ? [
          {
            leader: 1 << i,
            members: signing.reduce((set, { name }, j) => (leavesOut(leader, name) ? set : set | (1 << j)), 0),
          },
        ]
      : [],
  );
  let fewest = signing.length;
  for (let gone = 0; gone < 1 << signing.length; gone++) {
    const signs = quorums.some(({ leader, members }) => (leader & gone) === 0 && ones(members & ~gone) >= threshold);
    if (!signs) fewest = Math.min(fewest, ones(gone));
  }
  return fewest - 1;
}

const ones = (bits: number): number => (bits === 0 ? 0 : 1 + ones(bits & (bits - 1)));
