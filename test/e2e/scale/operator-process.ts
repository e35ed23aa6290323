import { createServer } from 'node:http';
import { clusterProgram } from '../../../operator/cluster-program.ts';
import type { SignerId } from '../../../operator/fleet/fleet.ts';
import { openKubernetesFleet } from '../../../operator/fleet/kubernetes/kubernetes-fleet.ts';
import { crowdFleet } from './crowd-fleet.ts';

/*
 * The operator's program for a cluster, where the signers of one namespace are a crowd's and all others are pods. In the
 * environment: that namespace and the crowd's ports, and the port on which this says what it uses.
 */
const { HOLDFAST_CROWD = '', HOLDFAST_CROWD_PORTS = '', HOLDFAST_USAGE_PORT = '' } = process.env;

createServer((_, response) => {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  response.end(JSON.stringify({ rss, heapUsed, external, cpuSeconds: (user + system) / 1e6 }));
}).listen(Number(HOLDFAST_USAGE_PORT), '127.0.0.1');

await clusterProgram(async (options) => {
  const pods = await openKubernetesFleet(options);
  const crowd = crowdFleet(HOLDFAST_CROWD_PORTS.split(',').map(Number));
  const of = ({ wallet }: SignerId) => (wallet.startsWith(`${HOLDFAST_CROWD}/`) ? crowd : pods);
  return {
    ensure: (signer) => of(signer).ensure(signer),
    observe: (id) => of(id).observe(id),
    remove: (id, how) => of(id).remove(id, how),
    list: async () => [...(await pods.list()), ...(await crowd.list())],
    close: () => pods.close(),
  };
});
