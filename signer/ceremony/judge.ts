import { digest as digestOf, fromHex } from '../../common/bytes.ts';
import { parseTime } from '../../common/clock.ts';
import { messageOf, Refused } from '../../common/errors.ts';
import type { RootKey } from '../../policy/child-key.ts';
import { decodeAt } from '../../policy/decode-at.ts';
import type { Policy } from '../../policy/document.ts';
import type { Decoded, PublicKey } from '../../policy/effect.ts';
import { effectsDigest, encodeEffects } from '../../policy/effects-json.ts';
import type { SignRequest } from '../../proto/gen/signer/v1/signer.ts';
import { requestNamespace } from '../../statement/holder-signature.ts';
import { verifySshsig } from '../../statement/sshsig.ts';
import { parseStatement, type RequestStatement } from '../../statement/statements.ts';

/** Requests live at most this long. Seconds. */
export const LONGEST_EXPIRY = 30 * 86_400;

/** A request whose initiator's signature this holder verified itself. */
export type VerifiedRequest = {
  readonly request: SignRequest;
  readonly statement: RequestStatement;
  readonly digest: string;
  /** Unix seconds. */
  readonly expiresAt: number;
};

/**
 * Reads a request and verifies who asks. Throws {@link Refused}: nothing of a request that fails here
 * may be kept, only counted, since anyone could have sent it.
 */
export function verifyRequest(request: SignRequest, genesis: string, policy: Policy): VerifiedRequest {
  let statement: RequestStatement;
  try {
    statement = parseStatement('holdfast/request/v1', request.statement);
  } catch (error) {
    throw new Refused('Malformed', messageOf(error));
  }
  if (statement.genesis !== genesis)
    throw new Refused('WrongWallet', `the request is for wallet ${statement.genesis}, this is ${genesis}`);
  const initiator = policy.initiators.find((i) => i.name === statement.initiator);
  if (initiator === undefined)
    throw new Refused('InitiatorUnverified', `the policy has no initiator ${JSON.stringify(statement.initiator)}`);
  try {
    verifySshsig({
      armored: request.signature,
      namespace: requestNamespace,
      message: request.statement,
      key: initiator.key,
    });
  } catch (error) {
    throw new Refused('InitiatorUnverified', `${statement.initiator} did not sign this request: ${messageOf(error)}`);
  }
  if (request.approvals.length > 0)
    throw new Refused('Unsupported', 'approvals are not in this version: send the request without them');
  return { request, statement, digest: digestOf(request.statement), expiresAt: parseTime(statement.expiresAt) / 1000 };
}

/** Refuses a request whose time is over, or further ahead than anything is remembered. */
export function checkExpiry({ statement, expiresAt }: VerifiedRequest, now: number): void {
  if (expiresAt <= now) throw new Refused('Expired', `the request expired at ${statement.expiresAt}`);
  if (expiresAt > now + LONGEST_EXPIRY)
    throw new Refused('Malformed', `expiresAt ${statement.expiresAt} is more than 30 days ahead`);
}

/** What the payload does and what would be signed, decoded by this holder from the bytes. */
export type Reading = {
  /** That signs: the key itself, or its child at the request's path. */
  readonly publicKey: PublicKey;
  readonly decoded: Decoded;
  /** Canonical JSON of the effects. */
  readonly effects: string;
  readonly effectsDigest: string;
};

/** Decodes the payload of `statement` for `key`. Throws {@link Refused}. */
export function read(statement: RequestStatement, key: RootKey): Reading {
  const { chain, format, path } = statement;
  const data = fromHex(statement.data.slice(2), 'data');
  const { publicKey, ...decoded } = decodeAt({ chain, format, data }, key, path);
  return { publicKey, decoded, effects: encodeEffects(decoded.effects), effectsDigest: effectsDigest(decoded.effects) };
}
