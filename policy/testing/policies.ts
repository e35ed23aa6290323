import { base58 } from '@scure/base';
import { generateKeyPairSync } from 'node:crypto';
import { formatSshPublicKey, sshKeyOf } from '../../statement/ssh-key.ts';
import { parsePolicy, policyDocument } from '../document.ts';
import type { Policy } from '../document.ts';
import type { Effect } from '../effect.ts';

export const solana = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1';
export const bitcoin = 'bip122:000000000019d6689c085ae165831e93';
export const sol = `${solana}/slip44:501`;
export const btc = `${bitcoin}/slip44:0`;

/** A Solana address of 32 bytes `byte`. */
export const address = (byte: number): string => base58.encode(new Uint8Array(32).fill(byte));
export const account = (byte: number): string => `${solana}:${address(byte)}`;
export const mint = address(0x55);
export const usdc = `${solana}/token:${mint}`;
export const tokenProgram = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';

export const payroll = account(1);
export const vendor = account(2);
export const sanctioned = account(9);
export const stranger = account(77);

/** A fresh OpenSSH public key line. */
export const sshKey = (type: 'ed25519' | 'ec' = 'ed25519'): string =>
  formatSshPublicKey(
    sshKeyOf(
      type === 'ed25519'
        ? generateKeyPairSync('ed25519').publicKey
        : generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
    ),
  );

const initiatorKey = sshKey();

type Spec = Readonly<Record<string, unknown>>;

/** A spec of these `rules` with assets SOL, USDC and BTC and a book of payroll, vendor and sanctioned; `change` replaces members. */
export const specOf = (rules: readonly unknown[], change: Spec = {}): Spec => ({
  assets: [
    { name: 'SOL', id: sol, decimals: 9 },
    { name: 'USDC', id: usdc, decimals: 6 },
    { name: 'BTC', id: btc, decimals: 8 },
  ],
  addressBook: [
    { name: 'payroll', addresses: [payroll] },
    { name: 'vendor', addresses: [vendor] },
    { name: 'sanctioned', addresses: [sanctioned] },
  ],
  initiators: [{ name: 'payments-api', key: initiatorKey }],
  fees: [{ chain: solana, atMost: '0.001' }],
  rules,
  ...change,
});

export const policyOf = (rules: readonly unknown[], change: Spec = {}): Policy =>
  parsePolicy(policyDocument(specOf(rules, change)));

/** A payment of `amount` base units. */
export const transfer = (amount: bigint, change: Partial<Effect> = {}): Effect => ({
  kind: 'Transfer',
  chain: solana,
  asset: sol,
  amount,
  destination: payroll,
  text: `sends ${amount}`,
  ...change,
});

/** An effect without asset, amount and destination. */
export const bare = (kind: Effect['kind'], change: Partial<Effect> = {}): Effect => ({
  kind,
  chain: solana,
  text: `is a ${kind}`,
  ...change,
});
