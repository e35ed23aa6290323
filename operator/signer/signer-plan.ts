import type { Finding } from '../api/conditions.ts';
import { conditionOf, setCondition } from '../api/conditions.ts';
import type { Signer, Wallet } from '../api/resource.ts';
import { signerWithoutEffect, toldWithoutEffect } from '../api/without-effect.ts';
import type { SealSpec, SignerId, SignerObservation, SignerSpec } from '../fleet/fleet.ts';
import { isRollback } from '../wallet/holder-state.ts';
import { pinOf, wrongExternal } from './external-signer.ts';
import { namespaceOf, servingSigner } from './holder-signers.ts';
import type { SignerAnswer } from './signer-answer.ts';

/** All that is known of a Signer. */
export type SignerFacts = {
  readonly signer: Signer;
  /** `Unseen` where the operator has no rights in its namespace: whether there is one is not known. */
  readonly wallet: Wallet | 'Unseen' | undefined;
  /** Every Signer of that wallet. */
  readonly signers: readonly Signer[];
  /** What the fleet says: of a signer that runs elsewhere nothing, or what it left here when it moved. */
  readonly observation: SignerObservation | undefined;
  /** Why its process, which is to end, is still there. */
  readonly stuck?: string | undefined;
  /** Undefined where there is nobody to ask yet. */
  readonly answer: SignerAnswer | undefined;
  /** Fingerprint of the operator that works for the wallet, which alone may found it; "" where it is not known. */
  readonly operator: string;
  /** Whether all signers run on one machine. */
  readonly sharedMachine: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
};

export type SignerPlan = {
  /** The process that should run; absent where none should. */
  readonly ensure?: SignerSpec;
  /** The process that ends, keeping its state, because its Signer or Wallet is gone. */
  readonly stop?: SignerId;
  readonly status: NonNullable<Signer['status']>;
  /** What puts the signer at risk since this look, in words. */
  readonly warn?: { readonly reason: 'SealUnusable' | 'RollbackDetected'; readonly message: string };
  /** Milliseconds until the next look. */
  readonly nextMs: number;
};

/** While a signer starts, and while nothing is expected but what the store tells of. */
const busyMs = 200;
const calmMs = 1_000;

export function planSigner(facts: SignerFacts): SignerPlan {
  const { signer, answer, now } = facts;
  if (signer.metadata.deletionTimestamp !== undefined) return planDeletion(facts);
  const duty = dutyOf(facts);
  const finding = 'finding' in duty ? duty.finding : readiness(facts);
  const { generation } = signer.metadata;
  const { namespace, name, holder } = signer.spec.walletRef;
  const before = signer.status;
  const learnt = answer?.kind === 'Described' && !('finding' in duty) ? answer : undefined;
  const fingerprint = pinOf(signer) ?? learnt?.fingerprint;
  const version = learnt?.description.version ?? before?.version;
  const epoch = learnt === undefined ? before?.epoch : epochOf(learnt.description.keys);
  const risk = facts.observation?.warning?.reason;
  const policyDigest = (learnt?.description.policyDigest || undefined) ?? before?.policyDigest;
  return {
    ...('ensure' in duty && { ensure: duty.ensure }),
    // Who moved out left a process here.
    ...((finding.reason === 'WalletNotFound' || 'elsewhere' in duty) &&
      facts.observation !== undefined && { stop: { wallet: `${namespace}/${name}`, holder } }),
    ...(conditionOf(before?.conditions, 'Ready')?.reason !== finding.reason &&
      (finding.reason === 'RollbackDetected'
        ? { warn: { reason: 'RollbackDetected', message: `${holder}: ${finding.message}` } }
        : finding.status === 'True' &&
          finding.reason === risk &&
          risk.startsWith('Seal') && { warn: { reason: 'SealUnusable', message: `${holder}: ${finding.message}` } })),
    status: {
      conditions: setCondition(before?.conditions, finding, generation, now),
      observedGeneration: generation,
      ...(fingerprint !== undefined && { fingerprint }),
      ...(version !== undefined && { version }),
      ...(epoch !== undefined && { epoch }),
      ...(policyDigest !== undefined && { policyDigest }),
    },
    nextMs:
      learnt === undefined && (finding.reason === 'Starting' || finding.reason === 'Restarting') ? busyMs : calmMs,
  };
}

/** A deleted Signer is consent withdrawn: its process ends, unless another Signer has the holder served. */
function planDeletion({ signer, wallet, signers, observation, stuck, now }: SignerFacts): SignerPlan {
  const { namespace, name, holder } = signer.spec.walletRef;
  const { generation } = signer.metadata;
  const served =
    wallet === 'Unseen'
      ? signers.some((other) => servesToo(signer, other))
      : wallet?.spec.holders.some(
          (other) => other.name === holder && servingSigner(wallet, other, signers) !== undefined,
        );
  const elsewhere = signer.spec.external !== undefined;
  const finding = notReady(
    'Deleting',
    elsewhere
      ? 'the signer that runs elsewhere is no longer asked'
      : `the process is being stopped; its state, the share included, is kept${stuck === undefined ? '' : `; ${stuck}`}`,
  );
  return {
    ...(served !== true &&
      (!elsewhere || observation !== undefined) && { stop: { wallet: `${namespace}/${name}`, holder } }),
    status: {
      ...signer.status,
      conditions: setCondition(signer.status?.conditions, finding, generation, now),
      observedGeneration: generation,
    },
    nextMs: busyMs,
  };
}

/** Whether another Signer beside this one asks for the same holder's signer. */
const servesToo = ({ metadata, spec: { walletRef } }: Signer, other: Signer): boolean =>
  other.metadata.namespace === metadata.namespace &&
  other.metadata.deletionTimestamp === undefined &&
  (['namespace', 'name', 'holder'] as const).every((part) => other.spec.walletRef[part] === walletRef[part]);

/** The generation of a signer's shares: the latest of any key; undefined before there is a key. */
export const epochOf = (keys: readonly { readonly epoch: string }[]): string | undefined =>
  keys
    .map(({ epoch }) => epoch)
    .filter((epoch) => epoch !== '')
    .toSorted((a, b) => Number(b) - Number(a))[0];

const notReady = (reason: Finding['reason'], message: string): Finding => ({
  type: 'Ready',
  status: 'False',
  reason,
  message,
});

/** The process that this Signer asks for, that it runs elsewhere, or why nothing is to run. */
function dutyOf({
  signer,
  wallet,
  signers,
  operator,
  sharedMachine,
}: SignerFacts): { readonly ensure: SignerSpec } | { readonly elsewhere: true } | { readonly finding: Finding } {
  const no = (reason: Finding['reason'], message: string) => ({ finding: notReady(reason, message) });
  const { walletRef, seal, external } = signer.spec;
  const { namespace, name } = signer.metadata;
  const walletName = `${walletRef.namespace}/${walletRef.name}`;
  if (wallet === 'Unseen')
    return {
      finding: {
        type: 'Ready',
        status: 'Unknown',
        reason: 'WalletNotSeen',
        message: `this operator works for namespace ${namespace} and does not see ${walletRef.namespace}, where Wallet ${walletName} would be: a signer that runs is left as it is, and none is started; operator.namespaces of the chart names both, or operator.others the operator that works for it`,
      },
    };
  if (wallet === undefined || wallet.metadata.deletionTimestamp !== undefined)
    return no('WalletNotFound', `there is no Wallet ${walletName}`);
  const holder = wallet.spec.holders.find((other) => other.name === walletRef.holder);
  if (holder === undefined)
    return no(
      'HolderNotFound',
      `Wallet ${walletName} has no holder ${walletRef.holder}; it has ${wallet.spec.holders.map((h) => h.name).join(', ')}`,
    );
  if (namespaceOf(wallet, holder) !== namespace)
    return no(
      'HolderNotFound',
      `Wallet ${walletName} expects holder ${holder.name} in namespace ${namespaceOf(wallet, holder)}, this Signer is in ${namespace}`,
    );
  const serving = servingSigner(wallet, holder, signers);
  if (serving !== undefined && serving.metadata.name !== name)
    return no(
      'AnotherSignerServes',
      `Signer ${serving.metadata.name}, which is older, serves holder ${holder.name}: remove one of the two`,
    );
  if (external !== undefined) {
    const wrong = wrongExternal(external);
    return wrong === '' ? { elsewhere: true } : no('InvalidSpec', wrong);
  }
  if (sharedMachine && signer.spec.placement === 'Required')
    return no(
      'FeatureUnsupported',
      'spec.placement: Required cannot be kept, all signers run on this machine; Preferred, also when absent, works',
    );
  if (operator === '')
    return no(
      'OperatorUnknown',
      `Wallet ${walletName} is another operator's, and a signer is started for the one that founds its wallet: operator.others of the chart names that operator's fingerprint`,
    );
  // The schema has one of the three: external, a key file, an HSM.
  if (seal === undefined) return no('InvalidSpec', 'spec.seal: is required');
  const { name: holderName, role } = holder;
  return { ensure: { wallet: walletName, holder: holderName, role, namespace, operator, seal: sealOf(seal) } };
}

function sealOf({ keySecretRef, pkcs11 }: NonNullable<Signer['spec']['seal']>): SealSpec {
  if (pkcs11 === undefined) return { kind: 'KeyFile', secret: keySecretRef?.name ?? '', key: keySecretRef?.key ?? '' };
  const { module, tokenLabel, pinSecretRef, storage } = pkcs11;
  const { name: secret, key } = pinSecretRef;
  return { kind: 'Pkcs11', secret, key, module, tokenLabel, tokenInFiles: storage !== undefined };
}

function readiness({ signer, answer, operator, sharedMachine, ...facts }: SignerFacts): Finding {
  const { external } = signer.spec;
  const observation = external === undefined ? facts.observation : undefined;
  if (external === undefined && observation === undefined)
    return notReady('Starting', 'the signer is about to be started');
  if (observation !== undefined && observation.reason !== '') return notReady(observation.reason, observation.message);
  switch (answer?.kind) {
    case undefined:
      return notReady('Starting', 'the signer has not been asked yet');
    case 'Silent':
      if (answer.sealProblem !== undefined) return notReady('SealUnavailable', answer.sealProblem);
      if (external !== undefined)
        return notReady(
          'Unreachable',
          `no answer from where spec.external says that it runs: ${answer.message}; its owner starts it there, for operator ${operator}`,
        );
      return notReady(
        'Starting',
        observation?.unready === undefined
          ? `the signer runs and does not answer yet: ${answer.message}`
          : `the signer does not answer yet: ${answer.message}; ${observation.unready}`,
      );
    case 'Stranger':
      return notReady('FingerprintMismatch', answer.message);
    case 'Described': {
      const { genesis, problems, version, sealState } = answer.description;
      if (problems.some(isRollback)) return notReady('RollbackDetected', problems.join('; '));
      if (sealState !== '') {
        const sidecar = observation?.warning?.reason === 'SealUnavailable' ? [observation.warning.message] : [];
        return notReady('SealUnavailable', [...problems, ...sidecar].join('; '));
      }
      const serves = `the signer, version ${version}, serves`;
      const told = `${toldWithoutEffect(signerWithoutEffect(signer, sharedMachine))}${sharedMachine ? '' : unreached(external)}`;
      if (problems.length === 0 && observation?.warning !== undefined)
        return {
          type: 'Ready',
          status: 'True',
          reason: observation.warning.reason,
          message: `${serves}, but ${observation.warning.reason.startsWith('Seal') ? 'could not be started again' : 'is not all as its spec says'}: ${observation.warning.message}${told}`,
        };
      if (problems.length === 0)
        return {
          type: 'Ready',
          status: 'True',
          reason: 'Serving',
          message: `${serves}${told}${observation?.waits === undefined ? '' : `; a change of its spec waits: ${observation.waits}`}`,
        };
      return notReady(genesis === '' ? 'Starting' : 'NotServing', problems.join('; '));
    }
  }
}

/** Peers in the cluster dial it from pods that reach nothing which is not named. */
const unreached = (external: Signer['spec']['external']): string =>
  external === undefined || (external.cidrs ?? []).length > 0
    ? ''
    : '; spec.external.cidrs is empty, so that no NetworkPolicy of this operator lets other signers dial it';
