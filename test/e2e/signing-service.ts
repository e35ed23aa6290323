import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { parseConnection, clientOptions } from '../../client/connection.ts';
import { WalletClient } from '../../client/wallet-client.ts';
import { hex } from '../../common/bytes.ts';

/*
 * A service that signs over gRPC, as pods do: with the wallet's connection mounted, and nothing of Kubernetes. It goes
 * through requests that the test signed ahead, one a second, and prints what became of each.
 */

/** A request and its initiator's signature. */
export type Ahead = { readonly id: string; readonly statement: string; readonly signature: string };

/** What became of one, and when, in milliseconds since the epoch. */
export type Answered = {
  readonly id: string;
  readonly began: number;
  readonly ended: number;
  readonly outcome: string;
  readonly why: string;
  readonly signatures: readonly string[];
};

const [connection = '', requests = ''] = process.argv.slice(-2);
const client = await WalletClient.connect(clientOptions(parseConnection(readFileSync(connection, 'utf8'))));
for (const { id, statement, signature } of JSON.parse(readFileSync(requests, 'utf8')) as readonly Ahead[]) {
  const began = Date.now();
  const result = await client.sign(Buffer.from(statement, 'utf8'), signature);
  const answered: Answered = {
    id,
    began,
    ended: Date.now(),
    outcome: result.outcome,
    why: result.outcome === 'signed' ? '' : `${result.reason}: ${result.message}`,
    signatures: result.outcome === 'signed' ? result.signatures.map((each) => hex(each.signature)) : [],
  };
  console.log(JSON.stringify(answered));
  await setTimeout(Math.max(0, began + 1_000 - Date.now()));
}
// The pod stays, so that nothing is started again.
setInterval(() => {}, 60_000);
