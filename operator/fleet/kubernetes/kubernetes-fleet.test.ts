import { fleetSuite } from '../../../test/fleet-suite.ts';
import { aWallet } from '../../testing/objects.ts';
import type { SignerId } from '../fleet.ts';
import { fleetOverApi, withSigners } from './testing/fleet-over-api.ts';

const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
const setOf = ({ wallet, holder }: SignerId): string => `${wallet}-${holder}`;

fleetSuite(
  'a fleet over the Kubernetes API',
  async () => {
    const cold = aWallet({}, undefined, { name: 'cold', uid: 'uid-of-cold' });
    const { fleet, cluster, reopen, object } = await fleetOverApi([...withSigners(aWallet()), ...withSigners(cold)]);
    return {
      fleet,
      reopen: () => reopen(),
      count: (id) => cluster.count(setOf(id)),
      crash: (id) => cluster.crash(setOf(id)),
      hasState: ({ wallet, holder }) =>
        object(claim, ['holdfast', ...wallet.split('/'), holder, 'state'].join('.')) !== undefined,
      setSecret: () => {
        throw new Error('the fleet reads no Secrets');
      },
    };
  },
  {
    readsSecrets: false,
    destroys: false,
    // Nothing listens: the address is that of the signer's Service.
    answers: async ({ metricsEndpoint }) => {
      if (!/^(treasury|cold)-[a-z]+\.payments\.svc:9090$/.test(metricsEndpoint)) throw new Error(metricsEndpoint);
    },
  },
);
