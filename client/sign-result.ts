import { createPublicKey, verify } from 'node:crypto';
import { concat, equal, fromHex, quote } from '../common/bytes.ts';
import { outcomeOf, reasons } from '../common/reasons.ts';
import type { Reason } from '../common/reasons.ts';
import { rootKeyOf } from '../policy/child-key.ts';
import { decodeAt } from '../policy/decode-at.ts';
import type { Effect, PublicKey } from '../policy/effect.ts';
import type { SignReply } from '../proto/gen/signer/v1/signer.ts';
import { verifyBip340 } from '../statement/bip340.ts';
import { verifyEcdsa } from '../statement/secp256k1.ts';
import type { CertificateStatement, RequestStatement } from '../statement/statements.ts';

type Answered = {
  readonly digest: string;
  /** The policy rule that decided, or "". */
  readonly rule: string;
  readonly policyDigest: string;
  /** The holder whose signer led, or "". */
  readonly coordinator: string;
  /** Milliseconds by step, and `total`. */
  readonly durations: Readonly<Record<string, number>>;
  /** What signers said that did not verify or contradicts this, by address; absent where nothing did. */
  readonly warnings?: readonly string[];
};

/** Signed: everything but `participants`, `coordinator` and `durations` is verified or computed here. */
export type Signed = Answered & {
  readonly outcome: 'signed';
  readonly participants: readonly string[];
  readonly effects: readonly Effect[];
  /** One an input; `message` is what a single-party verifier takes. */
  readonly signatures: readonly { readonly message: Uint8Array; readonly signature: Uint8Array }[];
  /** Ready to broadcast; absent where the format has none. */
  readonly transaction?: { readonly bytes: Uint8Array; readonly id: string };
};

/**
 * Denied: asking again changes nothing, and no other signer that could be reached knows better. Failed: it may succeed.
 * No signature backs either: a coordinator that is taken over may still have the request signed until it expires.
 */
export type NotSigned = Answered & {
  readonly outcome: 'denied' | 'failed';
  readonly reason: Reason;
  readonly message: string;
  /** Holders whose absence kept this from being signed. */
  readonly waitsFor: readonly string[];
};

export type SignResult = Signed | NotSigned;

/** A signer's words fit for a terminal: one line of bounded length. */
const printable = (text: string): string => text.slice(0, 1_000).replaceAll(/\p{C}+/gu, ' ');

/** The common part of a reply; throws where it answers another request. */
function answered(reply: SignReply, digest: string): Answered {
  if (reply.digest !== digest)
    throw new Error(`reply: want the answer to ${digest}, got one to ${quote(reply.digest, 80)}`);
  const { rule, policyDigest, coordinator, durations } = reply;
  return {
    digest,
    rule: printable(rule),
    policyDigest: printable(policyDigest),
    coordinator: printable(coordinator),
    durations,
  };
}

/** A denial or failure as the signer tells it; throws where its outcome and reason make no sense together. */
export function readNotSigned(reply: SignReply, digest: string): NotSigned {
  const reason = isReason(reply.reason) ? reply.reason : undefined;
  if (reason === undefined || reply.outcome !== outcomeOf(reason))
    throw new Error(`reply: want an outcome with its reason, got ${quote(reply.outcome)} with ${quote(reply.reason)}`);
  const waitsFor = reply.waitsFor.map((holder) => printable(holder));
  return {
    ...answered(reply, digest),
    outcome: outcomeOf(reason),
    reason,
    message: printable(reply.message),
    waitsFor,
  };
}

const isReason = (word: string): word is Reason => Object.hasOwn(reasons, word);

/**
 * A signed reply once it is proven: the request decodes here to the very messages signed, each signature verifies
 * under the certified key or its child at the request's path, and the transaction is the one that they complete. Throws otherwise.
 */
export function verifySigned(
  reply: SignReply,
  digest: string,
  request: RequestStatement,
  certificate: CertificateStatement,
): Signed {
  const { chain, format, path } = request;
  const data = fromHex(request.data.slice(2), 'data');
  const { publicKey, ...decoded } = decodeAt({ chain, format, data }, rootKeyOf(certificate), path);
  if (reply.signatures.length !== decoded.messages.length)
    throw new Error(`reply: want ${decoded.messages.length} signatures, got ${reply.signatures.length}`);
  const signatures = decoded.messages.map((message, i) => {
    const given = reply.signatures[i];
    if (given === undefined || !equal(given.message, message))
      throw new Error(`reply: signature ${i} is over other bytes than the request asks for`);
    if (!verifySignature(publicKey, message, given.signature))
      throw new Error(
        `reply: signature ${i} does not verify under key ${quote(certificate.key)}${path === '' ? '' : ` at ${path}`}`,
      );
    return { message, signature: Uint8Array.from(given.signature) };
  });
  const finished = decoded.finish?.(signatures.map(({ signature }) => signature));
  if (
    !equal(reply.transaction, finished?.transaction ?? new Uint8Array()) ||
    reply.transactionId !== (finished?.id ?? '')
  )
    throw new Error('reply: the transaction is not the one that these signatures complete');
  return {
    ...answered(reply, digest),
    outcome: 'signed',
    participants: reply.participants.map((holder) => printable(holder)),
    effects: decoded.effects,
    signatures,
    ...(finished !== undefined && { transaction: { bytes: finished.transaction, id: finished.id } }),
  };
}

// RFC 8410 4: all of an Ed25519 SubjectPublicKeyInfo but the key.
const ed25519Prefix = fromHex('302a300506032b6570032100');

/** Single-party verification of one signature: of 64 bytes, by ECDSA of 65 with the recovery id. */
function verifySignature({ scheme, bytes }: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  switch (scheme) {
    case 'EdDSA': {
      if (signature.length !== 64) return false;
      const key = createPublicKey({ key: Buffer.from(concat(ed25519Prefix, bytes)), format: 'der', type: 'spki' });
      return verify(null, message, key, signature);
    }
    case 'Schnorr':
      return verifyBip340(bytes, message, signature);
    case 'ECDSA':
      return verifyEcdsa(bytes, message, signature);
  }
}
