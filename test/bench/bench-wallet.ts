import { randomBytes } from 'node:crypto';
import { base58 } from '@scure/base';
import type { SignResult } from '../../client/sign-result.ts';
import type { WalletClient } from '../../client/wallet-client.ts';
import type { FrostScheme } from '../../signer/scheme/scheme.ts';
import { ProcessWallet, type HolderSpec } from '../integration/signers/processes.ts';
import type { Size } from './options.ts';
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
  /** Makes, signs and submits one payment; resolves once the client has verified it, throws where it is denied. */
  pay(scheme: FrostScheme): Promise<Payment>;
  close(): Promise<void>;
};

export async function startBenchWallet({ t, n }: Size): Promise<BenchWallet> {
  const [supplier, address] = [Uint8Array.from(randomBytes(32)), someBitcoinAddress()];
  const wallet = await ProcessWallet.start({
    holders: holdersOf(n),
    threshold: t,
    policy: policyFor(base58.encode(supplier), address),
  });
  try {
    const client = await wallet.connect('infrastructure');
    const make = payloads(client, supplier, address);
    let last = 0;
    return {
      startedIn: [...wallet.signers.values()].map((signer) => signer.startedIn),
      pay: async (scheme) => {
        let retries = 0;
        const { statement, signature } = wallet.request(`payment-${++last}`, make[scheme]());
        const result = await client.sign(statement, signature, { wait: true, onProgress: () => retries++ });
        if (result.outcome !== 'signed')
          throw new Error(`${scheme}: ${result.outcome}: ${result.reason}: ${result.message}`);
        return { durations: result.durations, retries };
      },
      close: async () => {
        client.close();
        await wallet.close();
      },
    };
  } catch (error) {
    await wallet.close();
    throw error;
  }
}

/** One Infrastructure, one Backup where there are three or more, Clients between. */
const holdersOf = (n: number): readonly HolderSpec[] =>
  Array.from({ length: n }, (_, i): HolderSpec => {
    if (i === 0) return { name: 'infrastructure', role: 'Infrastructure' };
    return i === n - 1 && n > 2 ? { name: 'backup', role: 'Backup' } : { name: `client-${i}`, role: 'Client' };
  });

/** Two assets, one supplier, fees and two limits a rule, all wide enough never to be met. */
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
      { amount: '1000000', per: '24h' },
      { count: 1_000_000, per: '1h' },
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
