import { isIP, isIPv4 } from 'node:net';
import type { Signer } from '../api/resource.ts';
import type { SignerObservation } from '../fleet/fleet.ts';

type External = NonNullable<Signer['spec']['external']>;

/** The key that a Signer's signer has to show: what its owner wrote, or else what was learnt at first contact. */
export const pinOf = (signer: Signer | undefined): string | undefined =>
  signer?.spec.external?.fingerprint ?? signer?.status?.fingerprint;

/** Host and port of `endpoint`; a host without its port has any. */
const portOf = (endpoint: string): number => Number(/:([0-9]+)$/.exec(endpoint)?.[1]);

/** host:port of the sign port: by default the usual port of the host that peers dial. */
const signEndpointOf = ({ endpoint, signEndpoint }: External): string =>
  signEndpoint ?? endpoint.replace(/:[0-9]+$/, ':8443');

/** Of a signer that runs elsewhere no fleet knows: whether it is there, only asking it tells. */
export function externalObservation(signer: Signer | undefined): SignerObservation | undefined {
  const external = signer?.spec.external;
  if (external === undefined) return undefined;
  return {
    running: true,
    restarts: 0,
    signEndpoint: signEndpointOf(external),
    peerEndpoint: external.endpoint,
    metricsEndpoint: '',
    reason: '',
    message: '',
  };
}

/** What of `spec.external` nobody can dial, in words; "" where all is well. The schema has the rest. */
export function wrongExternal(external: External): string {
  for (const field of ['endpoint', 'signEndpoint'] as const)
    if (portOf(external[field] ?? external.endpoint) > 65535)
      return `spec.external.${field}: want a port of at most 65535, got ${external[field]}`;
  const wrong = external.cidrs?.find((range) => !isRange(range));
  return wrong === undefined ? '' : `spec.external.cidrs: want address ranges like 203.0.113.7/32, got ${wrong}`;
}

/** Where the wallet's signers in the cluster may dial signers elsewhere. What is wrong with one is not to harm the others'. */
export const externalTargets = (
  signers: readonly Signer[],
): readonly { readonly cidr: string; readonly port: number }[] =>
  signers.flatMap(({ spec: { external } }) =>
    external === undefined || wrongExternal(external) !== ''
      ? []
      : (external.cidrs ?? []).map((cidr) => ({ cidr, port: portOf(external.endpoint) })),
  );

function isRange(text: string): boolean {
  const [address = '', length = ''] = text.split('/');
  return isIP(address) !== 0 && Number(length) <= (isIPv4(address) ? 32 : 128);
}
