import { clusterProgram } from './cluster-program.ts';
import { openKubernetesFleet } from './fleet/kubernetes/kubernetes-fleet.ts';

await clusterProgram(openKubernetesFleet);
