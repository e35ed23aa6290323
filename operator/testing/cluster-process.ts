import { clusterProgram } from '../cluster-program.ts';
import type { SignerId } from '../fleet/fleet.ts';

/*
 * The operator's program for a cluster with a fleet that starts nothing, for tests of the program: signers that are asked
 * for are logged, and never run.
 */
await clusterProgram(async ({ log }) => {
  const ensured = new Map<string, SignerId>();
  return {
    async ensure({ wallet, holder }) {
      if (!ensured.has(`${wallet}/${holder}`)) log.info('signer asked for', { wallet, holder });
      ensured.set(`${wallet}/${holder}`, { wallet, holder });
    },
    observe: async ({ wallet, holder }) =>
      ensured.has(`${wallet}/${holder}`)
        ? {
            running: false,
            restarts: 0,
            signEndpoint: '',
            peerEndpoint: '',
            metricsEndpoint: '',
            reason: 'Starting',
            message: 'its image is being pulled',
          }
        : undefined,
    remove: async ({ wallet, holder }) => void ensured.delete(`${wallet}/${holder}`),
    list: async () => [...ensured.values()],
    close: async () => log.info('fleet closed'),
  };
});
