import type { Finding } from '../api/conditions.ts';
import type { Wallet } from '../api/resource.ts';

type Unsupported = {
  readonly reason: Extract<Finding['reason'], 'FeatureUnsupported' | 'SchemeUnsupported'>;
  readonly message: string;
};

export type SupportedScheme = 'EdDSA' | 'Schnorr';
type Key = Wallet['spec']['keys'][number];

export const supportedKeys = (wallet: Wallet): readonly { readonly name: string; readonly scheme: SupportedScheme }[] =>
  wallet.spec.keys.flatMap(({ name, scheme }) => (scheme === 'ECDSA' ? [] : [{ name, scheme }]));

/** The keys that this version cannot make. */
export function unsupportedKeys({ spec }: Wallet): Unsupported | undefined {
  const keys = spec.keys.filter(({ scheme }: Key) => scheme === 'ECDSA').map(({ name }) => name);
  if (keys.length === 0) return undefined;
  return {
    reason: 'SchemeUnsupported',
    message: `spec.keys ${keys.join(', ')}: scheme ECDSA is not in this version; EdDSA and Schnorr work`,
  };
}

/**
 * What a wallet asks for that this version does not have, so that nothing may be founded on it. `sharedMachine` is
 * whether all signers run on one machine.
 */
export function unsupportedInWallet(wallet: Wallet, sharedMachine: boolean): Unsupported | undefined {
  const { signers, genesis } = wallet.spec;
  const no = (message: string): Unsupported => ({ reason: 'FeatureUnsupported', message });
  if (genesis?.confirm === 'Approvers')
    return no(
      'spec.genesis.confirm: confirmation by Approvers is not in this version; None works and trusts the operator once',
    );
  if (sharedMachine && signers?.placement === 'Required')
    return no(
      'spec.signers.placement: Required cannot be kept, all signers run on this machine; Preferred, also when absent, works',
    );
  return unsupportedKeys(wallet);
}
