import type { Kind } from '../../api/resource.ts';

/*
 * One field manager a controller, so that `kubectl get --show-managed-fields` says which of them wrote what, and none
 * drops what another wrote. Renaming one would orphan the fields of the old name, which no controller then removes.
 */

/** Of objects that the operator makes: the Wallet's controller writes Signers. */
export const objectManager = (kind: Kind): string => managerOf(kind === 'Signer' ? 'Wallet' : kind);

/** Each kind's controller alone writes its status. */
export const statusManager = (kind: Kind): string => managerOf(kind);

const managerOf = (kind: Kind): string => `holdfast-${kind.toLowerCase()}`;

/** Of what runs a signer: the Signer's controller has it made. */
export const fleetManager = managerOf('Signer');
