/**
 * The smallest service: has a message signed and verifies it.
 * Usage: npx node examples/sdk/sign-message.ts CONNECTION_FILE SSH_KEY_FILE TEXT
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { clientOptions } from '../../client/connection.ts';
import { readConnectionFile } from '../../client/connection-file.ts';
import { offchainMessage } from '../../client/offchain-message.ts';
import { signRequest } from '../../client/request.ts';
import { parseSshPrivateKey } from '../../client/ssh-private-key.ts';
import { WalletClient } from '../../client/wallet-client.ts';
import { fromHex, hex } from '../../common/bytes.ts';

const [connectionFile = '', keyFile = '', text = ''] = process.argv.slice(2);

// Everything in the file is followed back to the genesis here.
const connection = await readConnectionFile(connectionFile);
const certificate = connection?.keys.get('solana');
if (connection === undefined || certificate === undefined)
  throw new Error(`${connectionFile}: no wallet with a key solana`);

const { statement, signature } = signRequest(
  {
    genesis: connection.genesis,
    id: randomUUID(), // keep it with the statement: asking again with both never signs twice
    key: 'solana',
    chain: '', // a message belongs to none; of a transaction its CAIP-2 id
    format: 'Message',
    data: offchainMessage(text, fromHex(certificate.publicKey)),
    initiator: 'payments-api',
    expiresAt: Date.now() + 15 * 60_000,
  },
  parseSshPrivateKey(await readFile(keyFile)),
);

const client = await WalletClient.connect(clientOptions(connection));
try {
  const result = await client.sign(statement, signature, { wait: true });
  if (result.outcome === 'signed') for (const each of result.signatures) console.log(hex(each.signature));
  else console.error(`${result.outcome}: ${result.reason}: ${result.message}`);
} finally {
  client.close();
}
