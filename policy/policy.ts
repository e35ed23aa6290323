import type { SshPublicKey } from '../statement/ssh-key.ts';
import type { AddressBook } from './address-book.ts';
import type { EffectKind } from './effect.ts';
import type { PathPatterns } from './path-patterns.ts';

/** Ids are canonical (caip.ts). */
export type Asset = { readonly name: string; readonly id: string; readonly decimals: number };

/** Bounds of a sum in base units, over the request and, with `seconds`, over a window before it. */
export type SumBounds = {
  readonly asset: Asset;
  readonly over?: bigint;
  readonly atMost?: bigint;
  readonly seconds?: number;
};

/** Which effects a rule is about: all that is present must hold. */
export type Match = {
  readonly chains?: ReadonlySet<string>;
  readonly paths?: PathPatterns;
  /** By id. */
  readonly assets?: ReadonlyMap<string, Asset>;
  /** Names in the address book. */
  readonly destinations?: ReadonlySet<string>;
  readonly kinds?: ReadonlySet<EffectKind>;
  readonly amount?: SumBounds;
};

/** What a rule allows within a window, of its asset or of requests: to the whole wallet, or to each path by itself. */
export type Limit = { readonly seconds: number; readonly scope: 'Wallet' | 'Path' } & (
  | { readonly asset: Asset; readonly atMost: bigint }
  | { readonly count: number }
);

export type Rule = {
  readonly name: string;
  readonly verdict: 'Allow' | 'Deny';
  readonly match: Match;
  readonly limits: readonly Limit[];
};

/** The most that a request may pay in fees on one chain, in base units of the chain's own asset. */
export type FeeCap = { readonly asset: Asset; readonly atMost: bigint };

/** A policy as signers enforce it: every name resolved, every amount in base units. */
export type Policy = {
  readonly initiators: readonly { readonly name: string; readonly key: SshPublicKey }[];
  /** By id. */
  readonly assets: ReadonlyMap<string, Asset>;
  readonly addressBook: AddressBook;
  /** By chain. */
  readonly fees: ReadonlyMap<string, FeeCap>;
  readonly rules: readonly Rule[];
};
