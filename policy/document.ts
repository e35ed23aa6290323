import type { Json } from '../statement/canonical.ts';
import { parseSshPublicKey } from '../statement/ssh-key.ts';
import { AddressBook } from './address-book.ts';
import { parseAmount } from './amount.ts';
import { canonicalId, nativeAsset } from './caip.ts';
import { checkDocument } from './document-checks.ts';
import type { Reading } from './document-forms.ts';
import { documentForm } from './document-shape.ts';
import type { PolicyDocument } from './document-shape.ts';
import type { Asset, FeeCap, Limit, Match, Policy, Rule, SumBounds } from './policy.ts';
import { PathPatterns } from './path-patterns.ts';
import { PolicyInvalid } from './policy-invalid.ts';

export type { Policy };

/**
 * The document of a SigningPolicy's spec, which digests are taken of: the spec in normal form, with numbers as decimal
 * strings and durations in seconds. Throws {@link PolicyInvalid} with everything that is wrong with it.
 */
export const policyDocument = (spec: unknown): Json => checked(spec, 'spec');

/** The policy that a document says, strictly; throws {@link PolicyInvalid} with everything that is wrong with it. */
export const parsePolicy = (document: unknown): Policy => compile(checked(document, 'document'));

function checked(value: unknown, from: Reading['from']): PolicyDocument {
  const reading: Reading = { from, problems: [] };
  const document = documentForm(value, '', reading);
  const problems = document === undefined || reading.problems.length > 0 ? reading.problems : checkDocument(document);
  if (document === undefined || problems.length > 0) throw new PolicyInvalid(problems);
  return document;
}

/** Everything resolves: {@link checkDocument} has seen to it. */
function compile(document: PolicyDocument): Policy {
  const assets = new Map<string, Asset>();
  for (const { name, id, decimals } of document.assets ?? [])
    assets.set(name, { name, id: canonicalId(id), decimals: Number(decimals) });
  return {
    initiators: document.initiators.map(({ name, key }) => ({ name, key: parseSshPublicKey(key) })),
    assets: new Map([...assets.values()].map((asset) => [asset.id, asset])),
    addressBook: new AddressBook(
      document.addressBook ?? [],
      [...assets.values()].map(({ id }) => id),
    ),
    fees: new Map((document.fees ?? []).map((fee) => [fee.chain, feeCap(fee.chain, fee.atMost, assets)])),
    rules: document.rules.map((rule) => compileRule(rule, assets)),
  };
}

/** The asset named so, which is one of the policy's. */
const named = (name: string | undefined, assets: ReadonlyMap<string, Asset>): Asset => assets.get(name ?? '') as Asset;

function feeCap(chain: string, atMost: string, assets: ReadonlyMap<string, Asset>): FeeCap {
  const { id, symbol, decimals } = nativeAsset(chain) as NonNullable<ReturnType<typeof nativeAsset>>;
  const listed = [...assets.values()].find((asset) => asset.id === id);
  const asset = listed ?? { name: symbol, id, decimals };
  return { asset, atMost: parseAmount(atMost, asset.decimals) };
}

function compileRule(
  { name, verdict, match, limits = [] }: PolicyDocument['rules'][number],
  assets: ReadonlyMap<string, Asset>,
): Rule {
  const [assetName] = match.assets ?? [];
  return {
    name,
    verdict,
    match: compileMatch(match, assets),
    limits: limits.map(({ per, amount, count, scope = 'Wallet' }): Limit => {
      const seconds = Number(per);
      if (amount === undefined) return { seconds, scope, count: Number(count) };
      const asset = named(assetName, assets);
      return { seconds, scope, asset, atMost: parseAmount(amount, asset.decimals) };
    }),
  };
}

function compileMatch(match: PolicyDocument['rules'][number]['match'], assets: ReadonlyMap<string, Asset>): Match {
  const { chains, paths, assets: assetNames, destinations, kinds, amount } = match;
  return {
    ...(chains && { chains: new Set(chains) }),
    ...(paths && { paths: new PathPatterns(paths) }),
    ...(assetNames && {
      assets: new Map(assetNames.map((name) => named(name, assets)).map((asset) => [asset.id, asset])),
    }),
    ...(destinations && { destinations: new Set(destinations) }),
    ...(kinds && { kinds: new Set(kinds) }),
    ...(amount && { amount: compileBounds(amount, named(assetNames?.[0], assets)) }),
  };
}

function compileBounds(
  { over, atMost, per }: NonNullable<PolicyDocument['rules'][number]['match']['amount']>,
  asset: Asset,
): SumBounds {
  return {
    asset,
    ...(over !== undefined && { over: parseAmount(over, asset.decimals) }),
    ...(atMost !== undefined && { atMost: parseAmount(atMost, asset.decimals) }),
    ...(per !== undefined && { seconds: Number(per) }),
  };
}
