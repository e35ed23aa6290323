import { placeOf } from '../../client/audit/findings.ts';
import { verifyLogs } from '../../client/audit/verify-logs.ts';
import { digest } from '../../common/bytes.ts';
import type { SimulatedWallet } from '../simulation/simulated-wallet.ts';

const { signal } = new AbortController();

/**
 * What `holdfast audit verify` finds in the logs of honest holders, as they lie on their disks; nothing where they agree.
 * What was written in the last minute may be on its way to the others.
 */
export async function auditsAgree(wallet: SimulatedWallet, honest: readonly string[]): Promise<readonly string[]> {
  const logs = honest.map((holder) => {
    const { audit, head, peers } = wallet.disk(holder);
    const records = [...audit];
    return {
      holder,
      asOf: 0,
      head,
      remembered: [...peers.values()]
        .filter((peer) => honest.includes(peer.name))
        .flatMap(({ name, head: told, signed }) => [
          { holder: name, head: told, signature: new Uint8Array() },
          ...(signed === undefined ? [] : [{ holder: name, ...signed }]),
        ]),
      async *records() {
        yield* records;
      },
    };
  });
  const now = 1000 * Math.max(...honest.map((name) => wallet.disk(name).lastTime));
  const known = {
    genesis: digest(wallet.genesis),
    auditKeys: new Map(honest.map((name) => [name, wallet.heads(name).publicKey])),
    certificates: new Map<string, string>(),
    now,
  };
  const { findings } = await verifyLogs({ logs, known, signal });
  return findings.map((finding) => `audit ${finding.severity}: ${placeOf(finding)} ${finding.problem}`);
}
