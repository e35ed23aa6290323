import type { Finding } from '../api/conditions.ts';
import type { Wallet } from '../api/resource.ts';
import type { Description } from '../../proto/gen/signer/v1/signer.ts';
import { descriptionOf, type HolderState } from './holder-state.ts';

type Unsupported = {
  readonly reason: Extract<Finding['reason'], 'FeatureUnsupported' | 'SchemeUnsupported'>;
  readonly message: string;
};

type Key = Wallet['spec']['keys'][number];

/** What a signer has no engine for, and why; "" where it has one. Signers that say nothing of ECDSA are older than it. */
function whyNot(scheme: Key['scheme'], { schemes }: Description): string {
  if (schemes.length === 0) return scheme === 'ECDSA' ? 'its version is older than ECDSA' : '';
  const found = schemes.find(({ name }) => name === scheme);
  if (found === undefined) return `its version has no ${scheme}`;
  return found.engine === '' ? found.problem || 'it has no engine for it' : '';
}

/** Whose signer cannot take part in `key`, with why. One that does not answer is not known to be unable. */
const unable = (holders: readonly HolderState[], { scheme }: Key): readonly string[] =>
  holders.flatMap((holder) => {
    const description = descriptionOf(holder);
    const why = description === undefined ? '' : whyNot(scheme, description);
    return why === '' ? [] : [`${holder.name}: ${why}`];
  });

/** The keys that every signer has an engine for, as far as is known. */
export const supportedKeys = (wallet: Wallet, holders: readonly HolderState[]): readonly Key[] =>
  wallet.spec.keys.filter((key) => unable(holders, key).length === 0);

/** The keys that are not generated since a signer has no engine for them. */
export function unsupportedKeys({ spec }: Wallet, holders: readonly HolderState[]): Unsupported | undefined {
  const messages = spec.keys.flatMap((key) => {
    const why = unable(holders, key);
    return why.length === 0 ? [] : [`key ${key.name}: no ${key.scheme} at ${why.join('; ')}`];
  });
  return messages.length === 0 ? undefined : { reason: 'SchemeUnsupported', message: messages.join('; ') };
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
  return undefined;
}
