import { publicKeyOf } from '../../signer/scheme/frost-suite.ts';
import { frostScheme, inlineEngine } from '../../signer/scheme/frost-scheme.ts';
import { dklsScheme } from '../../signer/scheme/dkls-scheme.ts';
import { nativeScheme } from '../../signer/scheme/native-scheme.ts';
import type { EcdsaScheme, FrostScheme, KeygenResult, Scheme, SchemeName } from '../../signer/scheme/scheme.ts';
import type { Addon } from '../../signer/native/addon.ts';
import { type Keys, Parties } from '../ecdsa-parties.ts';
import { generate, type SchemeOf } from '../frost-parties.ts';

/** Whose arithmetic the parties of a key have, and how to run all of them in one process. */
export type Engine = {
  readonly name: string;
  readonly kind: EngineKind;
  readonly scheme: SchemeName;
  /** A key of `n` parties, by identifier - 1. */
  readonly make: (t: number, n: number) => Promise<readonly KeygenResult[]>;
  /** The shares of these parties, opened. */
  readonly open: (made: readonly KeygenResult[], parties: readonly number[]) => Promise<Keys>;
  /** By code that shares nothing with the engine. */
  readonly verify: (made: readonly KeygenResult[], message: Uint8Array, signature: Uint8Array) => boolean;
  /** For what is particular to the scheme. */
  readonly by:
    | { readonly scheme: FrostScheme; readonly of: SchemeOf }
    | { readonly scheme: 'ECDSA'; readonly of: EcdsaScheme };
};
export type EngineKind = 'noble' | 'mixed' | 'addon';

/** Every scheme by every engine that there is; without `addon` by @noble/curves alone. */
export function enginesOf(addon: Addon | undefined): readonly Engine[] {
  const inline = inlineEngine();
  const frost = (['EdDSA', 'Schnorr'] as const).flatMap((name) => {
    const noble = frostScheme(name, inline);
    if (addon === undefined) return [frostEngine(name, 'noble', () => noble)];
    const native = nativeScheme(name, addon);
    return [
      frostEngine(name, 'noble', () => noble),
      frostEngine(name, 'addon', () => native),
      // 2 of 3 with both among them, whoever signs but 1 and 3.
      frostEngine(name, 'mixed', (identifier) => (identifier === 2 ? noble : native)),
    ];
  });
  return addon === undefined ? frost : [...frost, ecdsaEngine(dklsScheme(addon))];
}

const names: Readonly<Record<EngineKind, string>> = { noble: 'by noble', addon: 'by the addon', mixed: 'mixed' };

function frostEngine(name: FrostScheme, kind: EngineKind, of: SchemeOf): Engine {
  return {
    name: `${name} ${names[kind]}`,
    kind,
    scheme: name,
    make: (t, n) => generate(of, t, n),
    open: (made, parties) => openWith(of, made, parties),
    verify: ([first], message, signature) => of(1).verify(publicKeyOf(name, groupKeyOf(first)), message, signature),
    by: { scheme: name, of },
  };
}

export function ecdsaEngine(scheme: EcdsaScheme): Engine {
  return {
    name: 'ECDSA by the addon',
    kind: 'addon',
    scheme: 'ECDSA',
    async make(t, n) {
      const parties = new Parties(scheme, t, n);
      const made = await parties.all();
      parties.close();
      return made;
    },
    open: (made, parties) => openWith(() => scheme, made, parties),
    verify: ([first], message, signature) => scheme.verify(groupKeyOf(first), message, signature),
    by: { scheme: 'ECDSA', of: scheme },
  };
}

const groupKeyOf = (made: KeygenResult | undefined): Uint8Array => made?.key.groupKey ?? new Uint8Array();

async function openWith(
  of: (identifier: number) => Scheme | EcdsaScheme,
  made: readonly KeygenResult[],
  parties: readonly number[],
): Promise<Keys> {
  const opened = parties.map(async (i) => [i, await of(i).open(made[i - 1]!.key)] as const);
  return new Map(await Promise.all(opened));
}
