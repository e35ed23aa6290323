import { randomBytes } from 'node:crypto';
import { base58 } from '@scure/base';
import type { SignResult } from '../../client/sign-result.ts';
import type { WalletClient } from '../../client/wallet-client.ts';
import type { FrostScheme } from '../../signer/scheme/scheme.ts';
import { ProcessWallet, type HolderSpec, type SignerProcess } from '../integration/signers/processes.ts';
import { startDelays, type Delays } from './delays.ts';
import type { Case } from './options.ts';
import { bitcoinPayments, solanaTransfer, someBitcoinAddress } from './payments.ts';

const solana = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp';
const bitcoin = 'bip122:000000000019d6689c085ae165831e93';

export type Payment = {
  readonly durations: SignResult['durations'];
  /** How often it was asked again before it was signed. */
  readonly retries: number;
};

/** A wallet of real signer processes under a policy as a payments service would have it. */
export type BenchWallet = {
  /** Milliseconds from spawn to ready, by signer. */
  readonly startedIn: readonly number[];
  readonly signers: readonly SignerProcess[];
  /** Makes, signs and submits one payment; resolves once the client has verified it, throws where it is denied. */
  pay(scheme: FrostScheme): Promise<Payment>;
  close(): Promise<void>;
};

/**
 * Every signer's peer port is `delayMs` away for every other signer; with `delayClient` its sign port is too, for the
 * client. Without that the client is beside its signers, as a service is that runs where the Infrastructure holder does.
 */
export async function startBenchWallet({ t, n, delayMs, delayClient }: Case): Promise<BenchWallet> {
  const [supplier, address] = [Uint8Array.from(randomBytes(32)), someBitcoinAddress()];
  let delays: Delays | undefined;
  let wallet: ProcessWallet | undefined;
  const end = async (): Promise<void> => {
    await wallet?.close();
    delays?.close();
  };
  try {
    wallet = await ProcessWallet.start({
      holders: holdersOf(n),
      threshold: t,
      policy: policyFor(base58.encode(supplier), address),
      via: async (signPorts, peerPorts) => {
        if (delayMs === 0) return new Map();
        delays = await startDelays(delayMs, delayClient ? [...signPorts, ...peerPorts] : peerPorts);
        return delays.via;
      },
    });
    const started = wallet;
    const signers = [...started.signers.values()];
    const client = await wallet.connect('infrastructure');
    const make = payloads(client, supplier, address);
    let last = 0;
    return {
      startedIn: signers.map((signer) => signer.startedIn),
      signers,
      pay: async (scheme) => {
        let retries = 0;
        const { statement, signature } = started.request(`payment-${++last}`, make[scheme]());
        const result = await client.sign(statement, signature, { wait: true, onProgress: () => retries++ });
        if (result.outcome !== 'signed')
          throw new Error(`${scheme}: ${result.outcome}: ${result.reason}: ${result.message}`);
        return { durations: result.durations, retries };
      },
      close: async () => {
        client.close();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** One Infrastructure, one Backup where there are three or more, Clients between. */
const holdersOf = (n: number): readonly HolderSpec[] =>
  Array.from({ length: n }, (_, i): HolderSpec => {
    if (i === 0) return { name: 'infrastructure', role: 'Infrastructure' };
    return i === n - 1 && n > 2 ? { name: 'backup', role: 'Backup' } : { name: `client-${i}`, role: 'Client' };
  });

/** Two assets, one supplier, fees and two limits a rule, all wide enough never to be met, not by days of payments. */
const policyFor = (solanaAddress: string, bitcoinAddress: string) => ({
  assets: [
    { name: 'SOL', id: `${solana}/slip44:501`, decimals: 9 },
    { name: 'BTC', id: `${bitcoin}/slip44:0`, decimals: 8 },
  ],
  addressBook: [{ name: 'supplier', addresses: [`${solana}:${solanaAddress}`, `${bitcoin}:${bitcoinAddress}`] }],
  fees: [
    { chain: solana, atMost: '0.01' },
    { chain: bitcoin, atMost: '0.001' },
  ],
  rules: ['SOL', 'BTC'].map((asset) => ({
    name: `supplier-${asset.toLowerCase()}`,
    verdict: 'Allow',
    match: { assets: [asset], destinations: ['supplier'], amount: { atMost: '1' } },
    limits: [
      { amount: '1000000000', per: '24h' },
      { count: 1_000_000, per: '10m' },
    ],
  })),
});

/** What to ask of the wallet's keys, by scheme. */
function payloads(client: WalletClient, supplier: Uint8Array, address: string) {
  const certified = (scheme: FrostScheme) => {
    const found = [...client.wallet.certificates.values()].find(({ certificate }) => certificate.scheme === scheme);
    if (found === undefined) throw new Error(`no key of scheme ${scheme}`);
    return found.certificate;
  };
  const [eddsa, schnorr] = [certified('EdDSA'), certified('Schnorr')];
  const [from, internalKey] = [bytes(eddsa.publicKey), bytes(schnorr.internalKey)];
  const bitcoinPayment = bitcoinPayments(internalKey, address, 10_000n, 500n);
  return {
    EdDSA: () => ({
      key: eddsa.key,
      chain: solana,
      format: 'Transaction' as const,
      data: solanaTransfer(from, supplier, 1_000_000n),
    }),
    Schnorr: () => ({
      key: schnorr.key,
      chain: bitcoin,
      format: 'PSBT' as const,
      data: bitcoinPayment(),
    }),
  };
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
