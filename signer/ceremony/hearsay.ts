import { KEPT_SECONDS } from '../state/schema.ts';
import { LONGEST_EXPIRY, type VerifiedRequest } from './judge.ts';
import type { Roster } from './roster.ts';

/** What another holder says of how a request was judged, for the record only: nothing here can check it. */
export type Hearsay = {
  readonly policyDigest: string;
  readonly rule: string;
  readonly participants: readonly string[];
};

/** Names of rules as policies have them, joined by commas: as many as a request has effects. */
const RULES = /^[a-z0-9][-a-z0-9]{0,62}(?:,[a-z0-9][-a-z0-9]{0,62}){0,63}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * What of `said` may be kept: a digest, rule names, holders of `roster` each once. Anything else is left out and never
 * a reason to ignore the rest, since a spend counts whatever is said about it.
 */
export const keptHearsay = (said: Partial<Hearsay>, roster: Roster): Hearsay => ({
  policyDigest: DIGEST.test(said.policyDigest ?? '') ? (said.policyDigest ?? '') : '',
  rule: RULES.test(said.rule ?? '') ? (said.rule ?? '') : '',
  participants: roster.members.map((m) => m.name).filter((name) => said.participants?.includes(name) ?? false),
});

/**
 * Throws on a request that no honest holder can have signed yet, or that is over for longer than anything is kept: it
 * would stay here for as long as its initiator wrote by mistake, or come back after it was forgotten. The day beyond
 * the longest expiry is for clocks that differ.
 */
export function checkTellable({ statement, expiresAt }: VerifiedRequest, now: number): void {
  if (Math.abs(expiresAt - now) > KEPT_SECONDS)
    throw new Error(`expiresAt ${statement.expiresAt} is further from now than requests are kept`);
}

/**
 * When a spend counts that was `told` to have been made then: a request is no older than its longest life and released
 * only before it expires, and nothing was in the future. So no time that a liar gives takes it out of its window or
 * keeps it there. Unix seconds.
 */
export const toldTime = (told: number, { expiresAt }: VerifiedRequest, now: number): number =>
  Math.min(now, Math.max(expiresAt - LONGEST_EXPIRY, Math.min(told, expiresAt)));
