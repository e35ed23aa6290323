import { inject } from 'vitest';
import { get, kubectl } from './kubectl.ts';

/** Node in the project's images, which have no other program. */
export const node = '/usr/local/bin/node';

/** A script that prints what becomes of one connection: open, refused, or silent where packets are dropped. */
export const connect = (address: string, port: number): string => `
  const socket = require('node:net').connect(${port}, '${address}');
  const say = (word) => { console.log(word); process.exit(); };
  socket.on('connect', () => say('open')).on('error', ({ code }) => say(code === 'ECONNREFUSED' ? 'refused' : code));
  setTimeout(() => say('silent'), 2000);`;

/**
 * A pod that runs a script once, within what restricted namespaces take; on any node where none is named. `mounts` are
 * ConfigMaps by the folder where it finds them.
 */
export const scriptPod = (
  namespace: string,
  name: string,
  script: string,
  nodeName?: string,
  mounts: Readonly<Record<string, string>> = {},
): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, labels: { app: name } },
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
