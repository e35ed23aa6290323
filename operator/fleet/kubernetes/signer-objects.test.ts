import { describe, expect, it } from 'vitest';
import { aSigner, aWallet } from '../../testing/objects.ts';
import { signerObjects, signerStatefulSet } from './signer-objects.ts';
import { facts, hsmImage, pkcs11, signerImage } from './testing/facts.ts';
import { walletConnectionMap, walletDisruptionBudget } from './wallet-objects.ts';

const pod = (over: Parameters<typeof facts>[0] = {}) => signerStatefulSet(facts(over)).spec.template.spec;
const byKind = (kind: string, over: Parameters<typeof facts>[0] = {}) =>
  signerObjects(facts(over)).filter((object) => object.kind === kind);

describe("a signer's pod", () => {
  it('is confined, and has neither token nor service links', () => {
    const spec = pod({ spec: { seal: { pkcs11 } } });
    expect(spec.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 65_532,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect('initContainers' in spec && spec.initContainers).toHaveLength(2);
    for (const container of [...('initContainers' in spec ? spec.initContainers : []), ...spec.containers])
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
  });

  it('with a key file: one container, its state and its key', () => {
    const { containers, volumes, ...rest } = pod();
    expect(rest).not.toHaveProperty('initContainers');
    expect(containers).toHaveLength(1);
    expect(containers[0]).not.toHaveProperty('command');
    expect(containers[0].image).toBe(signerImage);
    expect(containers[0].args).toEqual([
      ...['--wallet', 'payments/treasury', '--holder', 'client'],
      ...['--data', '/var/lib/holdfast/state', '--seal-key-file', '/etc/holdfast/seal/kek'],
      ...['--operator', `sha256:${'0'.repeat(64)}`, '--log-level', 'info'],
      ...['--sign-listen', '0.0.0.0:8443', '--peer-listen', '0.0.0.0:7443', '--metrics-listen', '0.0.0.0:9090'],
    ]);
    expect(volumes).toEqual([
      { name: 'state', persistentVolumeClaim: { claimName: 'holdfast.payments.treasury.client.state' } },
      {
        name: 'seal',
        secret: { secretName: 'treasury-seal', defaultMode: 0o440, items: [{ key: 'kek', path: 'kek' }] },
      },
    ]);
  });

  it('with an HSM: only the sidecar has PIN and token, only the signer has the state', () => {
    const spec = pod({ spec: { seal: { pkcs11 } } });
    const inits = 'initContainers' in spec ? spec.initContainers : [];
    expect(inits.map(({ name, image }) => [name, image])).toEqual([
      ['token', hsmImage],
      ['hsm', hsmImage],
    ]);
    expect(inits.map((container) => 'restartPolicy' in container && container.restartPolicy)).toEqual([
      false,
      'Always',
    ]);
    expect(spec.containers[0].args).toContain('--hsm-socket');
    expect(spec.containers[0].args).not.toContain('--seal-key-file');
    const mountsOf = (container: { readonly volumeMounts: readonly { readonly name: string }[] } | undefined) =>
      container?.volumeMounts.map(({ name }) => name);
    expect(mountsOf(spec.containers[0])).toEqual(['state', 'hsm']);
    expect(inits.map(mountsOf)).toEqual([
      ['pin', 'token'],
      ['hsm', 'pin', 'token'],
    ]);
    expect(spec.volumes.map(({ name }) => name)).toEqual(['state', 'hsm', 'pin', 'token']);
  });

  it('with an HSM of its own storage: no token is made and no volume is there for one', () => {
    const { storage: _, ...networked } = pkcs11;
    const spec = pod({ spec: { seal: { pkcs11: networked } } });
    expect('initContainers' in spec ? spec.initContainers.map(({ name }) => name) : []).toEqual(['hsm']);
    expect(spec.volumes.map(({ name }) => name)).toEqual(['state', 'hsm', 'pin']);
    expect(byKind('PersistentVolumeClaim', { spec: { seal: { pkcs11: networked } } })).toHaveLength(1);
  });

  it('takes the environment that its role asks for, and no name but the known ones', () => {
    expect(pod({ environment: { GLIBC_TUNABLES: 'glibc.malloc.perturb=165' } }).containers[0].env).toEqual([
      { name: 'GLIBC_TUNABLES', value: 'glibc.malloc.perturb=165' },
    ]);
    expect(() => pod({ environment: { LD_PRELOAD: '/x.so' } })).toThrow('LD_PRELOAD');
  });

  it('takes what the Signer says of resources and of machines', () => {
    const said = {
      resources: { limits: { memory: '1Gi' } },
      nodeSelector: { pool: 'signers' },
      tolerations: [{ key: 'signers', operator: 'Exists' as const }],
      priorityClassName: 'custody',
    };
    const spec = pod({ spec: said });
    expect(spec).toMatchObject({
      nodeSelector: said.nodeSelector,
      tolerations: said.tolerations,
      priorityClassName: 'custody',
    });
    expect(spec.containers[0].resources).toEqual(said.resources);
  });

  it('keeps apart from the other signers of its wallet, beside what the Signer says of affinity', () => {
    const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
    const given = { nodeAffinity: { x: 1 }, podAntiAffinity: { [preferred]: [{ weight: 1, podAffinityTerm: {} }] } };
    const affinity = pod({ spec: { affinity: given } }).affinity as unknown as typeof given;
    expect(affinity.nodeAffinity).toEqual({ x: 1 });
    expect(affinity.podAntiAffinity[preferred]).toHaveLength(2);
    expect(pod({ spec: { placement: 'Required' } }).affinity).toHaveProperty(
      'podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution.0.topologyKey',
      'kubernetes.io/hostname',
    );
  });
});

describe("a signer's other objects", () => {
  it('are applied with the isolation before the pod', () => {
    expect(signerObjects(facts({ spec: { seal: { pkcs11 } } })).map(({ kind }) => kind)).toEqual([
      'ServiceAccount',
      'NetworkPolicy',
      'Service',
      'PersistentVolumeClaim',
      'PersistentVolumeClaim',
      'StatefulSet',
    ]);
  });

  it('go with the Signer, but for the claims, which nothing owns', () => {
    for (const { kind, metadata } of signerObjects(facts({ spec: { seal: { pkcs11 } } }))) {
      if (kind === 'PersistentVolumeClaim') {
        expect(metadata).not.toHaveProperty('ownerReferences');
        expect(metadata.labels).toMatchObject({ 'holdfast.dev/keeps': 'shares' });
      } else
        expect(metadata.ownerReferences).toEqual([
          expect.objectContaining({ kind: 'Signer', name: 'treasury-client', uid: 'uid-of-treasury-client' }),
        ]);
      expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'holdfast' });
    }
  });

  it('a Signer under another name finds the claim of its predecessor', () => {
    const claim = (name: string) =>
      signerObjects({ ...facts(), signer: aSigner('client', { meta: { name } }) }).find(
        ({ kind }) => kind === 'PersistentVolumeClaim',
      )?.metadata.name;
    expect(claim('another')).toBe(claim('treasury-client'));
  });

  it('selectors of pods hold for the template', () => {
    const { spec } = signerStatefulSet(facts());
    expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
    expect(spec.template.metadata.labels).toMatchObject(
      (byKind('NetworkPolicy')[0] as unknown as Policy).spec.podSelector.matchLabels,
    );
    const budget = walletDisruptionBudget(aWallet(), 'payments', [aSigner('client')]);
    expect(spec.template.metadata.labels).toMatchObject(budget.spec.selector.matchLabels);
  });
});

type Rule = { readonly ports: readonly { readonly port: number }[]; readonly from?: object[]; readonly to?: object[] };
type Policy = {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: object };
    readonly policyTypes: readonly string[];
    readonly ingress: readonly Rule[];
    readonly egress: readonly Rule[];
  };
};

describe("a signer's NetworkPolicy", () => {
  const policy = (over: Parameters<typeof facts>[0] = {}) =>
    (byKind('NetworkPolicy', over)[0] as unknown as Policy).spec;
  const portsOf = (rules: readonly Rule[]) => rules.map(({ ports }) => ports.map(({ port }) => port));
  const wallet = aWallet({
    holders: [
      { name: 'infrastructure', role: 'Infrastructure' },
      { name: 'client', role: 'Client', namespace: 'acme' },
    ],
    access: [{ podSelector: { matchLabels: { app: 'payments-api' } } }],
  });

  it('has no rule without a list of who it is about', () => {
    for (const over of [{}, { wallet }, { settings: { dns: [], scrapeFrom: [] } }]) {
      const { ingress, egress, policyTypes } = policy(over);
      expect(policyTypes).toEqual(['Ingress', 'Egress']);
      for (const rule of ingress) expect(rule.from?.length).toBeGreaterThan(0);
      for (const rule of egress) expect(rule.to?.length).toBeGreaterThan(0);
      for (const rule of [...ingress, ...egress]) expect(rule.ports.length).toBeGreaterThan(0);
    }
  });

  it('lets in peers, operator and access, and scrapes where they are named', () => {
    const { ingress } = policy({ wallet, namespace: 'acme', settings: { scrapeFrom: [{ podSelector: {} }] } });
    expect(portsOf(ingress)).toEqual([[7443], [8443], [9090]]);
    expect(ingress[0]!.from).toEqual([
      {
        podSelector: { matchLabels: expect.objectContaining({ 'holdfast.dev/wallet': 'treasury' }) },
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['acme', 'payments'] }],
        },
      },
    ]);
    // The wallet's namespace, wherever the signer is.
    expect(ingress[1]!.from![1]).toEqual({
      podSelector: { matchLabels: { app: 'payments-api' } },
      namespaceSelector: {
        matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['payments'] }],
      },
    });
    expect(ingress[2]!.from).toEqual([ingress[1]!.from![0], { podSelector: {} }]);
    expect(policy({ wallet }).ingress[2]!.from).toEqual([ingress[1]!.from![0]]);
  });

  it('lets out to peers and name servers, to signers elsewhere and to a network HSM', () => {
    expect(portsOf(policy().egress)).toEqual([[7443], [53, 53]]);
    const external = aSigner('backup', {
      spec: {
        external: {
          endpoint: 'signer.acme.example:7444',
          fingerprint: `sha256:${'1'.repeat(64)}`,
          cidrs: ['192.0.2.0/24'],
        },
      },
    });
    const { egress } = policy({
      signers: [external],
      spec: { seal: { pkcs11: { ...pkcs11, egress: [{ cidr: '198.51.100.7/32', port: 1792 }] } } },
    });
    expect(portsOf(egress)).toEqual([[7443], [7444], [53, 53], [1792]]);
    expect(egress[1]!.to).toEqual([{ ipBlock: { cidr: '192.0.2.0/24' } }]);
    expect(egress[3]!.to).toEqual([{ ipBlock: { cidr: '198.51.100.7/32' } }]);
  });
});

describe("a wallet's objects", () => {
  it('as many signers may be evicted as signing can do without', () => {
    expect(walletDisruptionBudget(aWallet(), 'payments', [aSigner('client')]).spec.maxUnavailable).toBe(1);
  });

  it('a disruption budget is owned in its own namespace', () => {
    const owner = (namespace: string) =>
      walletDisruptionBudget(aWallet(), namespace, [aSigner('client', { meta: { namespace } })]).metadata
        .ownerReferences[0];
    expect(owner('payments')?.kind).toBe('Wallet');
    expect(owner('acme')?.kind).toBe('Signer');
    expect(() => walletDisruptionBudget(aWallet(), 'acme', [])).toThrow('acme');
  });

  it('its connection is a file to mount', () => {
    const connection = {
      wallet: 'payments/treasury',
      genesis: `sha256:${'2'.repeat(64)}`,
      holders: [],
      genesisStatement: '{}',
      certificates: [],
    };
    const { metadata, data } = walletConnectionMap(aWallet(), connection);
    expect(metadata.name).toBe('treasury-connection');
    expect(JSON.parse(data['connection.json'])).toEqual(connection);
  });
});
