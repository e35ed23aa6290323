import { randomBytes } from 'node:crypto';
import { concat, equal, taggedHash } from '../../common/bytes.ts';
import { verifyEcdsa } from '../../statement/secp256k1.ts';
import type { Addon } from '../native/addon.ts';
import type { DklsKey, DklsMessage, DklsOrder } from '../native/dkls.d.ts';
import { valueOf } from '../native/outcome.ts';
import { checkParties, exactLength } from './frost-shapes.ts';
import {
  COMMITMENT_BYTES,
  type EcdsaScheme,
  type Exchange,
  type Heard,
  type KeyShare,
  type RoundsKeygenRun,
  type SigningInput,
  type SigningKey,
} from './scheme.ts';

/** Unused contributions a key may have: some pools of every peer, so that asking for more cannot fill memory. */
const MAX_NONCES = 4096;
const CONTRIBUTION_BYTES = COMMITMENT_BYTES.ECDSA[0];
const NOTHING = new Uint8Array();

type DklsAddon = Pick<Addon, 'dklsKeygen' | 'dklsOpen'>;

/** Threshold ECDSA by DKLs23 in native code. Quorums are exactly as large as the threshold. */
export function dklsScheme(addon: DklsAddon): EcdsaScheme {
  return {
    name: 'ECDSA',
    engine: 'dkls23',
    keygen: (identifier, threshold, parties, session) => keygenRun(addon, identifier, threshold, parties, session),
    async open(key) {
      const { identifier, threshold, share, groupKey, verificationShares } = key;
      const parties = verificationShares.length;
      checkParties(identifier, threshold, parties);
      const verificationShare = verificationShares[identifier - 1] ?? NOTHING;
      const order = { identifier, threshold, parties, share, groupKey, verificationShare };
      return new DklsSigningKey(key, valueOf(await addon.dklsOpen(order)));
    },
    verify: verifyEcdsa,
  };
}

function keygenRun(
  addon: DklsAddon,
  identifier: number,
  threshold: number,
  parties: number,
  session: Uint8Array,
): RoundsKeygenRun {
  checkParties(identifier, threshold, parties);
  const run = valueOf(addon.dklsKeygen(identifier, threshold, parties, session));
  const all = (heard: Heard) => [...heard].map(([party, { broadcast, secret }]) => ({ party, broadcast, secret }));
  return {
    rounds: 3,
    async round(heard) {
      const { broadcast, secrets } = valueOf(await run.round(all(heard)));
      return { broadcast, secrets: byParty(secrets) };
    },
    async finish(heard) {
      const { chainCode, ...made } = valueOf(await run.finish(all(heard)));
      return { key: { identifier, threshold, ...made }, internalKey: NOTHING, chainCode };
    },
    close: () => run.close(),
  };
}

/**
 * An opened share. DKLs23 prepares nothing: contributions are random bytes that make sessions differ, also where a
 * coordinator wants them not to.
 */
class DklsSigningKey implements SigningKey {
  readonly #identifier: number;
  readonly #native: DklsKey;
  readonly #contributions = new Map<number, Uint8Array>();
  #made = 0;

  constructor({ identifier }: KeyShare, native: DklsKey) {
    this.#identifier = identifier;
    this.#native = native;
  }

  async commit(count: number) {
    const room = MAX_NONCES - this.#contributions.size;
    if (!Number.isInteger(count) || count < 1 || count > room)
      throw new Error(`want 1 to ${room} more nonces, got ${count}`);
    return Array.from({ length: count }, () => {
      const nonce = ++this.#made;
      const contribution = Uint8Array.from(randomBytes(CONTRIBUTION_BYTES));
      this.#contributions.set(nonce, contribution);
      return { nonce, hiding: Uint8Array.from(contribution), binding: NOTHING };
    });
  }

  async sign(nonce: number, input: SigningInput, exchange?: Exchange): Promise<Uint8Array> {
    const contribution = this.#contributions.get(nonce);
    // Gone before anything else happens: no way through this method uses a contribution twice.
    this.#contributions.delete(nonce);
    if (contribution === undefined) throw new Error(`nonce ${nonce} is unknown or used`);
    const order = orderOf(input);
    if (!equal(input.commitments.get(this.#identifier)?.hiding ?? NOTHING, contribution))
      throw new Error(`want the commitment of nonce ${nonce} under identifier ${this.#identifier}`);
    if (exchange === undefined) throw new Error('want an exchange with the quorum');
    const signing = valueOf(this.#native.sign(sessionOf(exchange, input), order));
    try {
      exchange.send(1, byParty(valueOf(await signing.start())));
      exchange.send(2, byParty(valueOf(await signing.answer(messagesOf(await exchange.receive(1))))));
      return valueOf(await signing.share(messagesOf(await exchange.receive(2))));
    } finally {
      signing.close();
    }
  }

  discard(nonces: readonly number[]): void {
    for (const nonce of nonces) this.#contributions.delete(nonce);
  }

  async aggregate(input: SigningInput, shares: ReadonlyMap<number, Uint8Array>): Promise<Uint8Array> {
    return valueOf(await this.#native.aggregate(orderOf(input), messagesOf(shares)));
  }

  close(): void {
    this.#contributions.clear();
    this.#native.close();
  }
}

/** DKLs23's id of a signature: the exchange's, and what each member gave to it. */
const sessionOf = ({ session }: Exchange, { commitments }: SigningInput): Uint8Array =>
  taggedHash(
    'holdfast/dkls-signature/v1',
    session,
    ...[...commitments]
      .toSorted(([a], [b]) => a - b)
      .map(([identifier, { hiding }]) => concat(Uint8Array.of(identifier), hiding)),
  );

function orderOf({ message, commitments, path }: SigningInput): DklsOrder {
  for (const [identifier, { hiding, binding }] of commitments) {
    exactLength(hiding, CONTRIBUTION_BYTES, `hiding commitment of identifier ${identifier}`);
    exactLength(binding, 0, `binding commitment of identifier ${identifier}`);
  }
  return { quorum: [...commitments.keys()], hash: message, ...(path === undefined ? {} : { path }) };
}

const byParty = (messages: readonly DklsMessage[]): ReadonlyMap<number, Uint8Array> =>
  new Map(messages.map(({ party, bytes }) => [party, bytes]));

const messagesOf = (bytes: ReadonlyMap<number, Uint8Array>): DklsMessage[] =>
  [...bytes].map(([party, bytes]) => ({ party, bytes }));
