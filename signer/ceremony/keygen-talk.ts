import { digest as digestOf, taggedHash, utf8 } from '../../common/bytes.ts';
import { Refused } from '../../common/errors.ts';
import type {
  KeygenRound,
  KeygenRound1,
  KeygenRound2,
  KeygenSignature,
  KeygenTestCommitments,
  KeygenTestShares,
  KeygenTestStep,
} from '../../proto/gen/signer/v1/peer.ts';
import type { PeerBody } from '../peers/peers.ts';
import type { SchemeName } from '../scheme/scheme.ts';
import { Mailbox } from './mailbox.ts';
import type { Wallet } from './wallet.ts';

/** What is said in an attempt, by round. */
export type KeygenMessages = {
  round1: KeygenRound1;
  round2: KeygenRound2;
  testCommitments: KeygenTestCommitments;
  testShares: KeygenTestShares;
  signature: KeygenSignature;
  [round: `round ${number}`]: KeygenRound;
  [step: `test ${number}, step ${number}`]: KeygenTestStep;
};
export type KeygenRoundName = Extract<keyof KeygenMessages, string>;

/** One attempt's side of the talk at this holder: what it tells the others, and what they tell it, by round. */
export class KeygenTalk {
  readonly wallet: Wallet;
  readonly key: string;
  readonly scheme: SchemeName;
  readonly attempt: number;
  readonly #mail = new Mailbox<KeygenMessages>();

  constructor(wallet: Wallet, key: string, scheme: SchemeName, attempt: number) {
    this.wallet = wallet;
    this.key = key;
    this.scheme = scheme;
    this.attempt = attempt;
  }

  /** What each message of the attempt carries. */
  get label(): { readonly key: string; readonly attempt: bigint } {
    return { key: this.key, attempt: BigInt(this.attempt) };
  }

  put<R extends KeygenRoundName>(round: R, from: string, message: KeygenMessages[R]): void {
    this.#mail.put(round, from, message);
  }

  fail(error: Error): void {
    this.#mail.fail(error);
  }

  get waitsFor(): { readonly round: string; readonly from: readonly string[] } {
    return this.#mail.waitsFor;
  }

  /** The messages of `round` by holder, once each of `from` has sent its own; of all others where nobody is named. */
  hear<R extends KeygenRoundName>(
    round: R,
    from: readonly string[] = this.wallet.roster.others.map((m) => m.name),
  ): Promise<ReadonlyMap<string, KeygenMessages[R]>> {
    return this.#mail.all(round, from);
  }

  tell(peer: string, body: PeerBody): void {
    if (!this.wallet.env.peers.send(peer, body)) throw new Refused('QuorumUnavailable', `${peer} is not reachable`);
  }

  tellAll(body: PeerBody): void {
    for (const m of this.wallet.roster.others) this.tell(m.name, body);
  }

  byIdentifier<M, T>(messages: ReadonlyMap<string, M>, of: (message: M) => T): ReadonlyMap<number, T> {
    return new Map([...messages].map(([name, message]) => [this.wallet.roster.get(name).identifier, of(message)]));
  }

  /** Digest over genesis, key, scheme, attempt and `broadcasts` by holder, in roster order. */
  transcript(broadcasts: ReadonlyMap<string, readonly Uint8Array[]>): string {
    const { genesisDigest, roster } = this.wallet;
    const parts = roster.members.map(({ name }) =>
      taggedHash('holdfast/keygen-broadcast/v1', utf8(name), ...(broadcasts.get(name) ?? [])),
    );
    const head = [genesisDigest, this.key, this.scheme, String(this.attempt)].map(utf8);
    return digestOf(taggedHash('holdfast/keygen-transcript/v1', ...head, ...parts));
  }
}

/** The engine and the link have copies of their own; ours go as soon as they do. */
export function erase(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}
