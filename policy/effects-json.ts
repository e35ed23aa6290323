import { digest, fromUtf8, utf8 } from '../common/bytes.ts';
import { canonicalize, parseCanonical } from '../statement/canonical.ts';
import type { Json } from '../statement/canonical.ts';
import { listOf, matching, oneOf, orEmpty, recordOf } from '../statement/forms.ts';
import type { Form } from '../statement/forms.ts';
import { pathForm } from '../statement/statement-forms.ts';
import { effectKinds } from './effect.ts';
import type { Effect } from './effect.ts';

/** More effects than a person could judge are refused, PROTOCOL.md 5. */
export const maxEffects = 64;

/**
 * Canonical JSON of effects, as ledgers keep them: amounts as decimals, "" for what does not apply. A `path` is there
 * only where there is one: without it the text, and so the digest, is that of versions which knew none.
 */
export const encodeEffects = (effects: readonly Effect[]): string => fromUtf8(canonicalize(effects.map(effectJson)));

/**
 * Holders that decode a payload alike have the same digest. What explains an effect to a person is left out: another
 * wording in another version is no other effect.
 */
export const effectsDigest = (effects: readonly Effect[]): string =>
  digest(canonicalize(effects.map((effect) => effectJson({ ...effect, text: '' }))));

const effectJson = ({
  kind,
  chain,
  asset,
  amount,
  decimals,
  destination,
  owner,
  derived,
  change,
  path,
  text,
}: Effect): Json => ({
  kind,
  chain,
  asset: asset ?? '',
  amount: amount?.toString() ?? '',
  decimals: decimals?.toString() ?? '',
  destination: destination ?? '',
  owner: owner ?? '',
  derived: derived === undefined ? '' : { mint: derived.mint, program: derived.program },
  change: change ? 'true' : '',
  ...(path !== undefined && { path }),
  text,
});

const anyText: Form<string> = matching(/^/, 'text');
const derivedForm: Form<'' | { readonly mint: string; readonly program: string }> = (value, at) =>
  value === '' ? '' : recordOf({ mint: anyText, program: anyText })(value, at);

const members = {
  kind: oneOf(...effectKinds),
  chain: anyText,
  asset: anyText,
  amount: orEmpty(matching(/^(?:0|[1-9][0-9]{0,77})$/, 'base units as a decimal string')),
  decimals: orEmpty(matching(/^(?:0|[1-9][0-9]{0,2})$/, 'a number of decimals')),
  destination: anyText,
  owner: anyText,
  derived: derivedForm,
  change: oneOf('true', ''),
  text: anyText,
};
const own = recordOf(members);
const ofChild = recordOf({ ...members, path: pathForm });
const effectForm: Form<ReturnType<typeof own> & { readonly path?: string }> = (value, at) =>
  (typeof value === 'object' && 'path' in value ? ofChild : own)(value, at);
const effectsForm = listOf(effectForm, 0, maxEffects);

/** Effects of {@link encodeEffects}'s text; throws on any other. */
export function decodeEffects(text: string): readonly Effect[] {
  return effectsForm(parseCanonical(utf8(text)), 'effects').map(
    ({ kind, chain, asset, amount, decimals, destination, owner, derived, change, path, text }) => ({
      kind,
      chain,
      ...(asset !== '' && { asset }),
      ...(amount !== '' && { amount: BigInt(amount) }),
      ...(decimals !== '' && { decimals: Number(decimals) }),
      ...(destination !== '' && { destination }),
      ...(owner !== '' && { owner }),
      ...(derived !== '' && { derived }),
      ...(change !== '' && { change: true }),
      ...(path !== undefined && { path }),
      text,
    }),
  );
}
