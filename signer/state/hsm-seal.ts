import type { Seal } from './seal.ts';

/**
 * A seal whose key never leaves a PKCS#11 token: data keys are wrapped and unwrapped there, through the sidecar, bound
 * to wallet and holder by the sidecar and to `associated` besides.
 */
export const hsmSeal = (hsm: Omit<Seal, 'description'>, socket: string): Seal => ({
  description: `the HSM behind ${socket}`,
  wrap: (dataKey, associated) => hsm.wrap(dataKey, associated),
  unwrap: (wrapped, associated) => hsm.unwrap(wrapped, associated),
});
