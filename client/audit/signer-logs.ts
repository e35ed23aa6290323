import { messageOf } from '../../common/errors.ts';
import { emptyHead } from '../../statement/audit.ts';
import type { ConnectionHolder } from '../connection.ts';
import type { ClientIdentity } from '../pinned-tls.ts';
import { SignerClient } from '../signer-client.ts';
import type { MissingLog, RememberedHead } from './audit-log.ts';
import type { ResumableLog } from './export-logs.ts';

export type SignerLog = ResumableLog & { readonly client: SignerClient };

export type SignerLogs = {
  readonly logs: readonly SignerLog[];
  readonly missing: readonly MissingLog[];
  close(): void;
};

/**
 * The logs of `holders` at their signers, as the operator. All heads are asked for before any record is read: what one
 * holder had then, the logs of the others must bear out.
 */
export async function openSignerLogs(
  holders: readonly ConnectionHolder[],
  identity: ClientIdentity,
  signal: AbortSignal,
): Promise<SignerLogs> {
  const clients: SignerClient[] = [];
  const opened = await Promise.all(
    holders.map(async ({ name, endpoint, fingerprint }): Promise<SignerLog | MissingLog> => {
      try {
        const client = await SignerClient.connect({ address: endpoint, fingerprint, identity }, signal);
        clients.push(client);
        const { head, signedHead, peers } = await client.describe(signal);
        return {
          client,
          holder: name,
          asOf: 0,
          head: head ?? emptyHead,
          remembered: [
            ...(signedHead?.head === undefined
              ? []
              : [{ holder: name, head: signedHead.head, signature: signedHead.signature }]),
            ...peers.flatMap((peer): RememberedHead[] => [
              ...(peer.head === undefined ? [] : [{ holder: peer.name, head: peer.head, signature: new Uint8Array() }]),
              ...(peer.signedHead?.head === undefined
                ? []
                : [{ holder: peer.name, head: peer.signedHead.head, signature: peer.signedHead.signature }]),
            ]),
          ],
          records: (until) => client.audit(0n, until),
          after: (sequence, until) => client.audit(sequence, until),
        };
      } catch (error) {
        signal.throwIfAborted();
        return { holder: name, missing: messageOf(error) };
      }
    }),
  );
  const asOf = Date.now();
  return {
    logs: opened.flatMap((each) => ('missing' in each ? [] : [{ ...each, asOf }])),
    missing: opened.flatMap((each) => ('missing' in each ? [each] : [])),
    close: () => clients.forEach((client) => client.close()),
  };
}
