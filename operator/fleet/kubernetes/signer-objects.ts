import type { Signer, Wallet } from '../../api/resource.ts';
import type { OtherOperator } from '../../reach.ts';
import { ownedBy } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { signerClaims } from './signer-claims.ts';
import { signerLabels, signerSelector } from './signer-labels.ts';
import { signerNetworkPolicy, signerService } from './signer-network.ts';
import { signerPod } from './signer-pod.ts';
import type { PodFacts } from './signer-pod.ts';

export type SignerFacts = PodFacts & {
  readonly wallet: Wallet;
  /** The Signers of all the wallet's holders. */
  readonly signers: readonly Signer[];
  /** The pods of the operator that works for the wallet, where it is another. */
  readonly provisioner?: OtherOperator['pods'] | undefined;
};

/** Of a signer: no role binds it, and no token of it is made by itself. */
export const signerServiceAccount = (signer: Signer) =>
  ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: {
      namespace: signer.metadata.namespace,
      name: signer.metadata.name,
      labels: signerLabels(signer),
      ownerReferences: ownedBy(signer),
    },
    automountServiceAccountToken: false,
  }) as const;

/** A signer is one pod: a second one would be kept from the state, and would not help. */
export const signerStatefulSet = (facts: PodFacts) =>
  ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      namespace: facts.signer.metadata.namespace,
      name: facts.signer.metadata.name,
      labels: signerLabels(facts.signer),
      ownerReferences: ownedBy(facts.signer),
    },
    spec: {
      replicas: 1,
      serviceName: facts.signer.metadata.name,
      selector: { matchLabels: signerSelector(facts.signer) },
      // With OrderedReady a template that never becomes ready could not be replaced by a better one.
      podManagementPolicy: 'Parallel',
      // Of several signers whose templates change the operator applies one after the other.
      updateStrategy: { type: 'RollingUpdate' },
      revisionHistoryLimit: 2,
      template: signerPod(facts),
    },
  }) as const;

/** All that is made for one signer, in the order in which it is applied: isolation stands before there is a pod. */
export const signerObjects = (facts: SignerFacts): readonly Manifest[] => [
  signerServiceAccount(facts.signer),
  signerNetworkPolicy(facts.signer, facts),
  signerService(facts.signer),
  ...signerClaims(facts.signer, facts.settings),
  signerStatefulSet(facts),
];
