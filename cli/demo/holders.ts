import { join } from 'node:path';
import type { ConnectionHolder } from '../../client/connection.ts';
import { SignerClient } from '../../client/signer-client.ts';
import { UserError } from '../../common/errors.ts';
import { isAlive } from '../../operator/fleet/process-identity.ts';
import { readRecord } from '../../operator/fleet/process-record.ts';

/** Ends a holder's signer as a crash would. The operator will start it again. */
export async function killSigner(state: string, wallet: string, holder: string): Promise<void> {
  const file = join(state, 'signers', wallet, holder, 'process.json');
  const signer = (await readRecord(file))?.process;
  if (signer === undefined || !isAlive(signer)) throw new UserError(`${file}: no signer of ${holder} runs`);
  process.kill(signer.pid, 'SIGKILL');
}

/** Resolves when the signer of `at` says of `peer` that its link is up, or down. */
export async function untilPeer(at: ConnectionHolder, peer: string, up: boolean, signal: AbortSignal): Promise<void> {
  const client = await SignerClient.connect({ address: at.endpoint, fingerprint: at.fingerprint }, signal);
  try {
    for (;;) {
      const { peers } = await client.describe(signal);
      if (peers.find(({ name }) => name === peer)?.available === up) return;
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  } finally {
    client.close();
  }
}
