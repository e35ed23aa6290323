import type { Fleet, SignerId } from '../../../operator/fleet/fleet.ts';
import { addressOf, holderRoles } from './crowd-address.ts';

/** A fleet that starts nothing: each signer is one of a crowd (crowd.ts), and runs as soon as it is asked for. */
export function crowdFleet(ports: readonly number[]): Fleet {
  const ensured = new Map<string, SignerId>();
  const keyOf = ({ wallet, holder }: SignerId): string => `${wallet}/${holder}`;
  return {
    ensure: async ({ wallet, holder }) => void ensured.set(`${wallet}/${holder}`, { wallet, holder }),
    async observe(id) {
      if (!ensured.has(keyOf(id))) return undefined;
      const port = ports[Object.keys(holderRoles).indexOf(id.holder)];
      const endpoint = `${addressOf(id.wallet.slice(id.wallet.indexOf('/') + 1))}:${port}`;
      return {
        running: true,
        restarts: 0,
        signEndpoint: endpoint,
        peerEndpoint: endpoint,
        metricsEndpoint: endpoint,
        reason: '',
        message: '',
      };
    },
    remove: async (id) => void ensured.delete(keyOf(id)),
    list: async () => [...ensured.values()],
  };
}
