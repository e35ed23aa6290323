import type { Signer, Wallet } from '../../api/resource.ts';
import type { OtherOperator } from '../../reach.ts';
import { externalTargets } from '../../signer/external-signer.ts';
import { namespaceOf } from '../../signer/holder-signers.ts';
import type { FleetSettings, NetworkPeer } from './fleet-settings.ts';
import { ownedBy } from './manifest.ts';
import { signerPorts } from './pod-layout.ts';
import { managed, signerLabels, signerSelector, walletSelector } from './signer-labels.ts';

/** Where a signer is reached, also while it is not ready: keygen needs peers before there is anything to serve. */
export const signerService = (signer: Signer) =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: signer.metadata.namespace,
      name: signer.metadata.name,
      labels: signerLabels(signer),
      ownerReferences: ownedBy(signer),
    },
    spec: {
      type: 'ClusterIP',
      publishNotReadyAddresses: true,
      selector: signerSelector(signer),
      ports: Object.entries(signerPorts).map(([name, port]) => ({ name, port, targetPort: name, protocol: 'TCP' })),
    },
  }) as const;

/** host:port of a signer's service. */
export const signerEndpoint = (
  { metadata: { namespace, name } }: { readonly metadata: { readonly namespace?: string; readonly name: string } },
  port: keyof typeof signerPorts,
): string => `${name}.${namespace}.svc:${signerPorts[port]}`;

const inNamespaces = (values: readonly string[]) => ({
  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [...new Set(values)].sort() }],
});
const podsOf = ({ namespace, labels }: OtherOperator['pods']): NetworkPeer => ({
  podSelector: { matchLabels: labels },
  namespaceSelector: inNamespaces([namespace]),
});
const tcp = (...ports: readonly number[]) => ports.map((port) => ({ port, protocol: 'TCP' }));

/**
 * Who reaches a signer and whom it reaches. In: the wallet's signers on the peer port, `access` and the operator on the
 * sign port, also the one that founds the wallet where that is another, the operator and scrapes on the port of metrics and health. Out: those signers, signers elsewhere, name servers, a network HSM. Nothing else either way.
 * `signers` are those of the wallet's holders.
 */
export function signerNetworkPolicy(
  signer: Signer,
  {
    wallet,
    signers,
    settings,
    provisioner,
  }: {
    readonly wallet: Wallet;
    readonly signers: readonly Signer[];
    readonly settings: FleetSettings;
    readonly provisioner?: OtherOperator['pods'] | undefined;
  },
) {
  const peers: NetworkPeer = {
    podSelector: { matchLabels: { ...walletSelector(signer.spec.walletRef), ...managed } },
    namespaceSelector: inNamespaces(wallet.spec.holders.map((holder) => namespaceOf(wallet, holder))),
  };
  const operator = podsOf(settings.operator);
  const operators = [operator, ...(provisioner === undefined ? [] : [podsOf(provisioner)])];
  // A selector of pods alone would mean the signer's namespace; access is about the wallet's.
  const access = (wallet.spec.access ?? []).map((from) => ({
    namespaceSelector: inNamespaces([wallet.metadata.namespace]),
    ...from,
  }));
  const external = externalTargets(signers).map(({ cidr, port }) => ({
    to: [{ ipBlock: { cidr } }],
    ports: tcp(port),
  }));
  const hsm = (signer.spec.seal?.pkcs11?.egress ?? []).map(({ cidr, port }) => ({
    to: [{ ipBlock: { cidr } }],
    ports: tcp(port),
  }));
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: {
      namespace: signer.metadata.namespace,
      name: signer.metadata.name,
      labels: signerLabels(signer),
      ownerReferences: ownedBy(signer),
    },
    spec: {
      podSelector: { matchLabels: { ...signerSelector(signer), ...managed } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: [peers], ports: tcp(signerPorts.peer) },
        { from: [...operators, ...access], ports: tcp(signerPorts.sign) },
        // The operator asks one that does not serve for the reason.
        { from: [operator, ...settings.scrapeFrom], ports: tcp(signerPorts.metrics) },
      ],
      egress: [
        { to: [peers], ports: tcp(signerPorts.peer) },
        ...external,
        ...(settings.dns.length === 0
          ? []
          : [{ to: settings.dns, ports: ['UDP', 'TCP'].map((protocol) => ({ port: 53, protocol })) }]),
        ...hsm,
      ],
    },
  } as const;
}
