import { randomBytes } from 'node:crypto';
import { base58 } from '@scure/base';
import type { SignResult } from '../../client/sign-result.ts';
import type { WalletClient } from '../../client/wallet-client.ts';
import type { Payload } from '../../policy/effect.ts';
import { checksummed } from '../../policy/decode/ethereum-address.ts';
import type { SchemeName } from '../../signer/scheme/scheme.ts';
import { type HolderSpec, type KeySpec, ProcessWallet, type SignerProcess } from '../integration/signers/processes.ts';
import { startDelays, type Delays } from './delays.ts';
import type { Case } from './options.ts';
import { bitcoinPayments, ethereumTransfers, solanaTransfer, someBitcoinAddress } from './payments.ts';

const solana = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp';
const bitcoin = 'bip122:000000000019d6689c085ae165831e93';
const ethereum = 'eip155:1';

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
  pay(scheme: SchemeName): Promise<Payment>;
  close(): Promise<void>;
};

/**
 * Every signer's peer port is `delayMs` away for every other signer; with `delayClient` its sign port is too, for the
 * client. Without that the client is beside its signers, as a service is that runs where the Infrastructure holder does.
 */
export async function startBenchWallet(
  { t, n, delayMs, delayClient }: Case,
  schemes: readonly SchemeName[],
): Promise<BenchWallet> {
  const supplier = { solana: random(32), bitcoin: someBitcoinAddress(), ethereum: random(20) };
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
      keys: keysFor(schemes),
      policy: policyFor(supplier),
      via: async (signPorts, peerPorts) => {
        if (delayMs === 0) return new Map();
        delays = await startDelays(delayMs, delayClient ? [...signPorts, ...peerPorts] : peerPorts);
        return delays.via;
      },
    });
    const started = wallet;
    const signers = [...started.signers.values()];
    const client = await wallet.connect('infrastructure');
    const make = payloads(client, supplier);
    let last = 0;
    return {
      startedIn: signers.map((signer) => signer.startedIn),
      signers,
      pay: async (scheme) => {
        let retries = 0;
        const { statement, signature } = started.request(`payment-${++last}`, make(scheme));
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

/** Belongs to nobody. */
type Supplier = { readonly solana: Uint8Array; readonly bitcoin: string; readonly ethereum: Uint8Array };

const random = (length: number): Uint8Array => Uint8Array.from(randomBytes(length));

const keysFor = (schemes: readonly SchemeName[]): readonly KeySpec[] =>
  schemes.map((scheme) => ({ name: scheme.toLowerCase(), scheme }));

/** One Infrastructure, one Backup where there are three or more, Clients between. */
const holdersOf = (n: number): readonly HolderSpec[] =>
  Array.from({ length: n }, (_, i): HolderSpec => {
    if (i === 0) return { name: 'infrastructure', role: 'Infrastructure' };
    return i === n - 1 && n > 2 ? { name: 'backup', role: 'Backup' } : { name: `client-${i}`, role: 'Client' };
  });

/** Two assets, one supplier, fees and two limits a rule, all wide enough never to be met, not by days of payments. */
const policyFor = (supplier: Supplier) => ({
  assets: [
    { name: 'SOL', id: `${solana}/slip44:501`, decimals: 9 },
    { name: 'BTC', id: `${bitcoin}/slip44:0`, decimals: 8 },
    { name: 'ETH', id: `${ethereum}/slip44:60`, decimals: 18 },
  ],
  addressBook: [
    {
      name: 'supplier',
      addresses: [
        `${solana}:${base58.encode(supplier.solana)}`,
        `${bitcoin}:${supplier.bitcoin}`,
        `${ethereum}:${checksummed(supplier.ethereum)}`,
      ],
    },
  ],
  fees: [
    { chain: solana, atMost: '0.01' },
    { chain: bitcoin, atMost: '0.001' },
    { chain: ethereum, atMost: '0.001' },
  ],
  rules: ['SOL', 'BTC', 'ETH'].map((asset) => ({
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
function payloads(client: WalletClient, supplier: Supplier) {
  const certified = (scheme: SchemeName) => {
    const found = [...client.wallet.certificates.values()].find(({ certificate }) => certificate.scheme === scheme);
    if (found === undefined) throw new Error(`no key of scheme ${scheme}`);
    return found.certificate;
  };
  const makers: { readonly [S in SchemeName]: () => () => Asked } = {
    EdDSA() {
      const { key, publicKey } = certified('EdDSA');
      const from = bytes(publicKey);
      const data = (): Uint8Array => solanaTransfer(from, supplier.solana, 1_000_000n);
      return () => ({ key, chain: solana, format: 'Transaction', data: data() });
    },
    Schnorr() {
      const { key, internalKey } = certified('Schnorr');
      const data = bitcoinPayments(bytes(internalKey), supplier.bitcoin, 10_000n, 500n);
      return () => ({ key, chain: bitcoin, format: 'PSBT', data: data() });
    },
    ECDSA() {
      const { key } = certified('ECDSA');
      const data = ethereumTransfers(supplier.ethereum, 10n ** 15n);
      return () => ({ key, chain: ethereum, format: 'Transaction', data: data() });
    },
  };
  const made = new Map<SchemeName, () => Asked>();
  return (scheme: SchemeName): Asked => {
    const make = made.get(scheme) ?? makers[scheme]();
    made.set(scheme, make);
    return make();
  };
}

type Asked = Payload & { readonly key: string };

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
