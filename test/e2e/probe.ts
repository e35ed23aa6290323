import { inject } from 'vitest';
import { get, kubectl, run } from './kubectl.ts';

/** Node in the project's images, which have no other program. */
export const node = '/usr/local/bin/node';

/** A script that prints what becomes of one connection: open, refused, or silent where packets are dropped. */
export const connect = (address: string, port: number): string => `
  const socket = require('node:net').connect(${port}, '${address}');
  const say = (word) => { console.log(word); process.exit(); };
  socket.on('connect', () => say('open')).on('error', ({ code }) => say(code === 'ECONNREFUSED' ? 'refused' : code));
  setTimeout(() => say('silent'), 2000);`;

/** Where to connect, by what it is. */
export type Targets = Readonly<Record<string, { readonly address: string; readonly port: number }>>;

/** A script that prints what becomes of connections made at once, as JSON, in the words of {@link connect}. */
const connectAll = (targets: Targets): string => `
  const reached = {};
  const each = Object.entries(${JSON.stringify(targets)}).map(([name, { address, port }]) => new Promise((done) => {
    const socket = require('node:net').connect(port, address);
    const say = (word) => { reached[name] ??= word; socket.destroy(); done(); };
    socket.on('connect', () => say('open')).on('error', ({ code }) => say(code === 'ECONNREFUSED' ? 'refused' : code));
    setTimeout(() => say('silent'), 3000);
  }));
  Promise.all(each).then(() => console.log(JSON.stringify(reached)));`;

/** A script that listens, and ends each connection. */
export const listen = (...ports: readonly number[]): string => `
  for (const port of [${ports.join()}]) require('node:net').createServer((socket) => socket.end()).listen(port);`;

/** A script that does nothing until its pod is deleted. */
export const idle = 'setInterval(() => {}, 1000)';

export type ScriptPodOptions = {
  /** Any where none is named. */
  readonly nodeName?: string | undefined;
  readonly labels?: Readonly<Record<string, string>>;
  /** ConfigMaps by the folder where the script finds them. */
  readonly mounts?: Readonly<Record<string, string>>;
};

/** A pod that runs a script once, within what restricted namespaces take. */
export const scriptPod = (
  namespace: string,
  name: string,
  script: string,
  { nodeName, labels, mounts = {} }: ScriptPodOptions = {},
): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { app: name, ...labels } },
  spec: {
    ...(nodeName !== undefined && { nodeName }),
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 0,
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'node',
        image: inject('images').signer,
        command: [node, '-e', script],
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: Object.entries(mounts).map(([mountPath, map]) => ({ name: map, mountPath })),
      },
    ],
    volumes: Object.values(mounts).map((map) => ({ name: map, configMap: { name: map } })),
  },
});

export const addressOf = async (namespace: string, pod: string): Promise<string> =>
  (await get<{ status: { podIP: string } }>('-n', namespace, 'pod', pod)).status.podIP;

/** What becomes of a connection from a pod that runs. */
export const reach = async (namespace: string, from: string, address: string, port: number): Promise<string> =>
  (await kubectl('-n', namespace, 'exec', from, '--', node, '-e', connect(address, port))).trim();

/** What becomes of connections from a pod that runs. */
export const reachAll = async (namespace: string, from: string, targets: Targets): Promise<Record<string, string>> =>
  JSON.parse(await kubectl('-n', namespace, 'exec', from, '--', node, '-e', connectAll(targets))) as Record<
    string,
    string
  >;

/** The image of signers as Docker has it, outside of the cluster. */
const dockerImage = (): string => `${inject('images').signer.split('@')[0] ?? ''}:e2e`;
const scriptOn = (network: string, script: string): readonly string[] => [
  ...['--rm', '--network', network, '--entrypoint', node, dockerImage(), '-e', script],
];

/** What becomes of connections from a network of Docker, or from that of a container: `container:NAME`. */
export const reachAllFrom = async (network: string, targets: Targets): Promise<Record<string, string>> =>
  JSON.parse(await run('docker', ['run', ...scriptOn(network, connectAll(targets))])) as Record<string, string>;

/** A container on the network of the cluster's nodes that is none of them, and knows how to reach pods. */
export class Outsider {
  readonly #name = `holdfast-outside-${process.pid}`;
  readonly network = `container:${this.#name}`;

  /** It listens on `port`. */
  async start(port: number): Promise<void> {
    const [first = ''] = (await run('kind', ['get', 'nodes', '--name', 'holdfast'])).split('\n');
    // A node's image has `ip`.
    const image = (await run('docker', ['inspect', '--format', '{{.Config.Image}}', first])).trim();
    const flags = ['--detach', '--rm', '--name', this.#name, '--network', 'kind', '--cap-add', 'NET_ADMIN'];
    await run('docker', ['run', ...flags, '--entrypoint', 'sleep', image, 'infinity']);
    await run('docker', [
      'run',
      '--detach',
      '--name',
      `${this.#name}-listens`,
      ...scriptOn(this.network, listen(port)),
    ]);
  }

  async address(): Promise<string> {
    const format = '{{.NetworkSettings.Networks.kind.IPAddress}}';
    return (await run('docker', ['inspect', '--format', format, this.#name])).trim();
  }

  /** Has it send what is for a pod to the pod's node. */
  async routeTo(namespace: string, pod: string): Promise<void> {
    const { status } = await get<{ status: { podIP: string; hostIP: string } }>('-n', namespace, 'pod', pod);
    await run('docker', ['exec', this.#name, 'ip', 'route', 'replace', status.podIP, 'via', status.hostIP]);
  }

  async stop(): Promise<void> {
    await run('docker', ['rm', '--force', `${this.#name}-listens`, this.#name]);
  }
}
