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
