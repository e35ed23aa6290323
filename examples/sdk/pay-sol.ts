/**
 * A service pays SOL: connects to a wallet, builds a transfer with Solana's own library, has it signed and verifies.
 * Usage: npx node examples/sdk/pay-sol.ts CONNECTION_FILE SSH_KEY_FILE TO_ADDRESS SOL
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getTransferSolInstruction } from '@solana-program/system';
import {
  address,
  appendTransactionMessageInstruction,
  blockhash,
  compileTransaction,
  createNoopSigner,
  createTransactionMessage,
  getBase58Decoder,
  getTransactionEncoder,
  isAddress,
  pipe,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/kit';
import { clientOptions } from '../../client/connection.ts';
import { readConnectionFile } from '../../client/connection-file.ts';
import { signRequest } from '../../client/request.ts';
import { parseSshPrivateKey } from '../../client/ssh-private-key.ts';
import { WalletClient } from '../../client/wallet-client.ts';
import { fromHex, hex } from '../../common/bytes.ts';
import { UserError, messageOf } from '../../common/errors.ts';
import { addressesOf } from '../../policy/address.ts';
import { parseAmount } from '../../policy/amount.ts';

try {
  process.exitCode = await pay(process.argv.slice(2));
} catch (error) {
  console.error(`error: ${messageOf(error)}`);
  if (error instanceof UserError) for (const hint of error.hints) console.error(`hint: ${hint}`);
  process.exitCode = 1;
}

async function pay([connectionFile, keyFile, to, sol, ...rest]: readonly string[]): Promise<number> {
  if (
    connectionFile === undefined ||
    keyFile === undefined ||
    to === undefined ||
    sol === undefined ||
    rest.length > 0
  ) {
    console.error('usage: pay-sol.ts CONNECTION_FILE SSH_KEY_FILE TO_ADDRESS SOL');
    return 2;
  }
  if (!isAddress(to)) throw new UserError(`TO_ADDRESS: want an address of Solana, got ${JSON.stringify(to)}`);
  const lamports = amountOf(sol);

  // Everything in the file is followed back to the genesis here. On a cluster it is the ConfigMap TREASURY-connection.
  const connection = await readConnectionFile(connectionFile);
  if (connection === undefined)
    throw new UserError(`CONNECTION_FILE: there is no ${connectionFile}`, [
      'holdfast up writes it: DIR/.holdfast/connections/NAMESPACE/WALLET.json',
    ]);
  const certificate = connection.keys.get('solana');
  if (certificate === undefined) throw new UserError(`wallet ${connection.wallet} has no key "solana" yet`);
  const { solana: from = '' } = addressesOf(certificate.scheme, fromHex(certificate.publicKey));
  const { statement, signature } = signRequest(
    {
      genesis: connection.genesis,
      id: randomUUID(), // keep it: asking again with the same id and bytes never pays twice
      key: 'solana',
      chain: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
      format: 'Transaction',
      data: transfer(from, to, lamports),
      initiator: 'payments-api',
      expiresAt: Date.now() + 15 * 60_000,
    },
    parseSshPrivateKey(await readFile(keyFile)),
  );

  const client = await WalletClient.connect(clientOptions(connection));
  try {
    const result = await client.sign(statement, signature, {
      wait: true,
      onProgress: ({ reason, message }) => console.error(`${reason}: ${message}`),
    });
    if (result.outcome !== 'signed') {
      console.error(`${result.outcome}: ${result.reason}: ${result.message}`);
      return result.outcome === 'denied' ? 3 : 4;
    }
    // Verified by the client: these bytes, under this key, by nobody's word but the holders' certificate.
    console.error(`signed by ${result.participants.join(' and ')}, transaction ${result.transaction?.id ?? ''}`);
    console.log(hex(result.transaction?.bytes ?? new Uint8Array()));
    return 0;
  } finally {
    client.close();
  }
}

function amountOf(sol: string): bigint {
  try {
    return parseAmount(sol, 9);
  } catch (error) {
    throw new UserError(`SOL: ${messageOf(error)}`);
  }
}

/** An unsigned transfer. A real one takes its blockhash from a node: `rpc.getLatestBlockhash()`. */
function transfer(payer: string, destination: string, lamports: bigint): Uint8Array {
  const recent = blockhash(getBase58Decoder().decode(randomBytes(32)));
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (m) => setTransactionMessageFeePayer(address(payer), m),
    (m) => setTransactionMessageLifetimeUsingBlockhash({ blockhash: recent, lastValidBlockHeight: 0n }, m),
    (m) =>
      appendTransactionMessageInstruction(
        getTransferSolInstruction({
          source: createNoopSigner(address(payer)),
          destination: address(destination),
          amount: lamports,
        }),
        m,
      ),
  );
  return Uint8Array.from(getTransactionEncoder().encode(compileTransaction(message)));
}
