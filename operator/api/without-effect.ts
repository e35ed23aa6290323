import { isDeepStrictEqual } from 'node:util';
import { chainOf } from '../../policy/caip.ts';
import { bitcoinNetworks, solanaChains } from '../../policy/decode/networks.ts';
import type { EffectKind } from '../../policy/effect.ts';
import { evmChains } from '../../policy/evm-chains.ts';
import type { Signer, SigningPolicy, Wallet } from './resource.ts';

/*
 * What a spec may say so that the same manifest works where it has an effect, and what has none here. Each is told in a
 * condition. What would promise a protection that is not there is refused instead. `sharedMachine` is whether signers
 * are processes of the operator's own machine: what shapes a pod, or bounds it, shapes nothing there.
 */

/** Ends a condition's message with what of the spec has no effect; "" where all has. */
export const toldWithoutEffect = (fields: readonly string[]): string =>
  fields.length === 0 ? '' : `; without effect in this version: ${fields.join(', ')}`;

/** `signers` are those of the wallet that the operator wrote: each keeps what it was written with. */
export function walletWithoutEffect(
  { spec }: Wallet,
  sharedMachine: boolean,
  signers: readonly Signer[] = [],
): readonly string[] {
  const kept = (field: 'seal' | 'storage' | 'placement'): readonly string[] => {
    const holders = signers
      .filter((signer) => !isDeepStrictEqual(signer.spec[field], spec.signers?.[field]))
      .map((signer) => signer.spec.walletRef.holder);
    return holders.length === 0
      ? []
      : [`spec.signers.${field} as it is now (${some(holders)}: keeps the one it was made with)`];
  };
  return [
    ...kept('seal'),
    ...(sharedMachine
      ? [
          ...sealWithoutEffect(spec.signers?.seal.pkcs11, 'spec.signers.seal.pkcs11'),
          ...(spec.signers?.storage === undefined ? [] : ['spec.signers.storage']),
          ...(spec.signers?.placement === undefined ? [] : ['spec.signers.placement']),
          ...(spec.access === undefined ? [] : ['spec.access (whatever runs on this machine reaches the sign ports)']),
        ]
      : [...kept('storage'), ...kept('placement')]),
  ];
}

const podFields = [
  'image',
  'storage',
  'resources',
  'nodeSelector',
  'tolerations',
  'affinity',
  'priorityClassName',
  'placement',
] as const satisfies readonly (keyof Signer['spec'])[];

/** The sidecar is a process as well, and its token lies in the state folder. */
const sealWithoutEffect = (pkcs11: NonNullable<Signer['spec']['seal']>['pkcs11'], path: string): readonly string[] => [
  ...(['image', 'egress'] as const).filter((field) => pkcs11?.[field] !== undefined).map((field) => `${path}.${field}`),
  ...(['size', 'storageClassName'] as const)
    .filter((field) => pkcs11?.storage?.[field] !== undefined)
    .map((field) => `${path}.storage.${field}`),
];

export const signerWithoutEffect = ({ spec }: Signer, sharedMachine: boolean): readonly string[] =>
  sharedMachine
    ? [
        ...podFields.filter((field) => spec[field] !== undefined).map((field) => `spec.${field}`),
        ...sealWithoutEffect(spec.seal?.pkcs11, 'spec.seal.pkcs11'),
        ...(spec.external?.cidrs === undefined ? [] : ['spec.external.cidrs']),
      ]
    : [];

/** Nothing is decoded to them, so nothing ever matches. */
const unseenKinds: ReadonlySet<EffectKind> = new Set<EffectKind>(['TypedData']);

/** `wallets` are those that refer to it. */
export function policyWithoutEffect({ spec }: SigningPolicy, wallets: readonly Wallet[] = []): readonly string[] {
  const { assets = [], addressBook = [], fees = [], rules } = spec;
  const chains = new Set(
    [
      ...assets.map(({ id }) => chainOf(id).chain),
      ...addressBook.flatMap(({ addresses }) => addresses.map((address) => chainOf(address).chain)),
      ...fees.map(({ chain }) => chain),
      ...rules.flatMap(({ match }) => match.chains ?? []),
    ].filter((chain) => !isDecoded(chain)),
  );
  const priced = assets.filter(({ price }) => price !== undefined).map(({ name }) => name);
  const ofChildren = rules.filter(({ match: { paths = ['m'] } }) => !paths.includes('m')).map(({ name }) => name);
  const childless = wallets
    .filter((wallet) => wallet.spec.keys.every(({ scheme }) => scheme !== 'ECDSA'))
    .map(({ metadata }) => metadata.name);
  const kinds = new Set(rules.flatMap(({ match }) => match.kinds ?? []).filter((kind) => unseenKinds.has(kind)));
  return [
    ...(priced.length === 0 ? [] : [`the price of ${some(priced)} (no rule judges by USD)`]),
    ...(spec.approvers === undefined ? [] : ['spec.approvers (nobody is asked)']),
    ...(spec.groups === undefined ? [] : ['spec.groups']),
    ...(spec.change === undefined ? [] : ['spec.change (the policy cannot change)']),
    ...(spec.recovery === undefined ? [] : ['spec.recovery (there is none)']),
    ...(chains.size === 0
      ? []
      : [`what names ${some([...chains])} (not decoded, so every transaction there is denied)`]),
    ...(ofChildren.length === 0 || childless.length === 0
      ? []
      : [
          `match.paths of ${some(ofChildren)} (${some(childless)} has no key of scheme ECDSA, and no other has children)`,
        ]),
    ...(kinds.size === 0
      ? []
      : [`match.kinds ${[...kinds].join(' and ')} (not decoded, so every such request is denied)`]),
  ];
}

const isDecoded = (chain: string): boolean =>
  solanaChains.has(chain) || bitcoinNetworks.has(chain) || evmChains.has(chain);

const some = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
