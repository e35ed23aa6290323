import type { Signer } from '../../api/resource.ts';
import { signerFlags } from '../signer-flags.ts';
import type { FleetSettings } from './fleet-settings.ts';
import { containers, environmentNames, files, mounts, nodeBinary, programs, runAs, signerPorts } from './pod-layout.ts';
import type { VolumeName } from './pod-layout.ts';
import { claimName } from './signer-claims.ts';
import { signerLabels, walletSelector } from './signer-labels.ts';

/** What a signer's pod is made from. */
export type PodFacts = {
  readonly signer: Signer;
  /** By digest. It stays what it was when the signer was first started, until its Signer or an upgrade says another. */
  readonly image: string;
  /** Fingerprint of the operator: `sha256:` and 64 hex digits. */
  readonly operator: string;
  /** What the role of the holder asks of the environment, by names of `environmentNames`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly settings: FleetSettings;
};

type Pkcs11 = NonNullable<NonNullable<Signer['spec']['seal']>['pkcs11']>;

/** SIGTERM is obeyed within 5 s. */
const GRACE_SECONDS = 15;

/**
 * Memory is requested as it is limited: the kubelet lets such a container's pages go to no swap. 256 MiB holds the
 * 150 MB of a signer under load and the page cache of its database.
 */
const signerResources = { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '256Mi' } } as const;
const sidecarResources = { requests: { cpu: '20m', memory: '128Mi' }, limits: { memory: '128Mi' } } as const;

const confined = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/**
 * The pod template of a signer: the only kind of template that the operator writes, and the chart's admission policy
 * lets its token write no other (charts/holdfast/templates/admission/operator-workloads.yaml). Images bring the
 * programs and Node's flags; a template gives arguments only.
 */
export function signerPod(facts: PodFacts) {
  const { signer, settings } = facts;
  const { seal, nodeSelector, tolerations, priorityClassName } = signer.spec;
  const pkcs11 = seal?.pkcs11;
  return {
    metadata: {
      labels: {
        ...signerLabels(signer),
        // A proxy would end the pinned TLS, and its container is none of ours.
        'sidecar.istio.io/inject': 'false',
      },
      annotations: {
        'linkerd.io/inject': 'disabled',
        // The state of a signer that is restored is older than its peers remember.
        'backup.velero.io/backup-volumes-excludes': 'state,token',
        'kubectl.kubernetes.io/default-container': containers.signer,
      },
    },
    spec: {
      // It has no rights, so its token would only be something to steal.
      serviceAccountName: signer.metadata.name,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: GRACE_SECONDS,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: runAs,
        runAsGroup: runAs,
        fsGroup: runAs,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...(settings.imagePullSecrets.length > 0 && {
        imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })),
      }),
      ...(pkcs11 !== undefined && { initContainers: hsmContainers(facts, pkcs11) }),
      containers: [signerContainer(facts)],
      volumes: volumesOf(signer),
      affinity: apart(signer),
      ...(nodeSelector !== undefined && { nodeSelector }),
      ...(tolerations !== undefined && { tolerations }),
      ...(priorityClassName !== undefined && { priorityClassName }),
    },
  } as const;
}

function signerContainer({ signer, image, operator, environment, settings }: PodFacts) {
  const { walletRef, seal, resources } = signer.spec;
  const hsm = seal?.pkcs11 !== undefined;
  for (const name of Object.keys(environment))
    if (!environmentNames.includes(name)) throw new Error(`environment: ${name} is none that a signer's pod may have`);
  return {
    name: containers.signer,
    image,
    imagePullPolicy: settings.imagePullPolicy,
    args: [
      ...signerFlags({
        wallet: `${walletRef.namespace}/${walletRef.name}`,
        holder: walletRef.holder,
        data: files.state,
        sealFlag: hsm ? '--hsm-socket' : '--seal-key-file',
        seal: hsm ? files.socket : files.sealKey,
        operator,
      }),
      ...Object.entries(signerPorts).flatMap(([name, port]) => [`--${name}-listen`, `0.0.0.0:${port}`]),
    ],
    env: Object.entries(environment).map(([name, value]) => ({ name, value })),
    ports: Object.entries(signerPorts).map(([name, containerPort]) => ({ name, containerPort, protocol: 'TCP' })),
    // Opening a large audit log takes a while; its health is served from then on.
    startupProbe: { httpGet: { path: '/healthz', port: 'metrics' }, periodSeconds: 2, failureThreshold: 90 },
    livenessProbe: {
      httpGet: { path: '/healthz', port: 'metrics' },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 6,
    },
    readinessProbe: { httpGet: { path: '/readyz', port: 'metrics' }, periodSeconds: 2, timeoutSeconds: 2 },
    resources: resources ?? signerResources,
    securityContext: confined,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [mounted('state'), hsm ? mounted('hsm') : { ...mounted('seal'), readOnly: true }],
  } as const;
}

/** The sidecar starts before the signer and ends after it; a token in files is made before both. */
function hsmContainers({ signer, settings }: PodFacts, { image, module, tokenLabel, storage }: Pkcs11) {
  const { namespace, name, holder } = signer.spec.walletRef;
  const token = storage === undefined ? [] : [mounted('token')];
  const own = {
    image,
    imagePullPolicy: settings.imagePullPolicy,
    resources: sidecarResources,
    securityContext: confined,
    terminationMessagePolicy: 'FallbackToLogsOnError',
  } as const;
  const tokenFlags = ['--module', module, '--token-label', tokenLabel, '--pin-file', files.pin] as const;
  const pin = { ...mounted('pin'), readOnly: true } as const;
  return [
    ...(storage === undefined
      ? []
      : [
          {
            ...own,
            name: containers.token,
            // The same image as the sidecar's, and its other program.
            command: [nodeBinary, '--disable-sigusr1', `${programs}/make-token.js`],
            args: [...tokenFlags, '--folder', mounts.token],
            volumeMounts: [pin, ...token],
          } as const,
        ]),
    {
      ...own,
      name: containers.sidecar,
      restartPolicy: 'Always',
      args: [...tokenFlags, '--wallet', `${namespace}/${name}`, '--holder', holder, '--socket', files.socket],
      volumeMounts: [mounted('hsm'), pin, ...token],
    } as const,
  ];
}

/** Readable for the group, which is the kubelet's way to hand a file to a process that is not root. */
const SECRET_MODE = 0o440;

function volumesOf(signer: Signer) {
  const { seal } = signer.spec;
  const { keySecretRef, pkcs11 } = seal ?? {};
  const secret = (name: VolumeName, ref: { readonly name: string; readonly key: string }, path: string) => ({
    name,
    secret: { secretName: ref.name, defaultMode: SECRET_MODE, items: [{ key: ref.key, path }] },
  });
  const claim = (name: 'state' | 'token') => ({ name, persistentVolumeClaim: { claimName: claimName(signer, name) } });
  return [
    claim('state'),
    ...(keySecretRef === undefined ? [] : [secret('seal', keySecretRef, 'kek')]),
    ...(pkcs11 === undefined
      ? []
      : [{ name: 'hsm', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }, secret('pin', pkcs11.pinSecretRef, 'pin')]),
    ...(pkcs11?.storage === undefined ? [] : [claim('token')]),
  ] as const;
}

const mounted = (name: VolumeName) => ({ name, mountPath: mounts[name] }) as const;

/** What the Signer says, and that the wallet's signers keep apart: a machine that is lost takes one share with it. */
function apart({ spec: { affinity, placement, walletRef } }: Signer): Readonly<Record<string, unknown>> {
  const others = {
    labelSelector: { matchLabels: walletSelector(walletRef) },
    namespaceSelector: {},
    topologyKey: 'kubernetes.io/hostname',
  };
  const given = affinity?.['podAntiAffinity'] as Readonly<Record<string, readonly unknown[]>> | undefined;
  const [list, term] =
    placement === 'Required'
      ? (['requiredDuringSchedulingIgnoredDuringExecution', others] as const)
      : (['preferredDuringSchedulingIgnoredDuringExecution', { weight: 100, podAffinityTerm: others }] as const);
  return { ...affinity, podAntiAffinity: { ...given, [list]: [...(given?.[list] ?? []), term] } };
}
