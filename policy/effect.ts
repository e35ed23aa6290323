/**
 * What a payload would do, decoded from its bytes. Policies judge effects and nothing else.
 * Amounts are base units of the asset. Chains are CAIP-2, assets CAIP-19, destinations CAIP-10.
 */
export const effectKinds = [
  'Transfer', // moves `amount` of `asset` to `destination`
  'Approve', // lets `destination` move up to `amount` of `asset` later
  'Call', // a program or contract at `destination` that is not understood
  'Deploy',
  'Message', // off-chain text
  'TypedData',
  'Digest', // raw bytes: anything could be behind them
  'Authority', // hands control of an account to `destination`
  'DurableNonce', // outlives its blockhash
] as const;
export type EffectKind = (typeof effectKinds)[number];

export type Effect = {
  readonly kind: EffectKind;
  /** "" where the format is bound to no chain. */
  readonly chain: string;
  /** BIP-32 path of the child that would sign, like `m/0/5`; absent for the key itself. */
  readonly path?: string;
  readonly asset?: string;
  readonly amount?: bigint;
  /** Decimals of the asset, where the payload names them and the chain holds it to that. */
  readonly decimals?: number;
  readonly destination?: string;
  /** For a token account that was derived from its owner, whom the payload names: CAIP-10 of the owner. */
  readonly owner?: string;
  /** For any other token account: what it must be derived from (Solana: owner in the book, this mint and program). */
  readonly derived?: { readonly mint: string; readonly program: string };
  /** Proven to come back to a script of this very key; counted nowhere. */
  readonly change?: true;
  /** One line that explains it to a person. */
  readonly text: string;
};

/** The worst case a payload can cost beyond its effects. */
export type Fee = { readonly chain: string; readonly asset: string; readonly amount: bigint };

export type Format = 'Transaction' | 'PSBT' | 'Message' | 'TypedData' | 'Digest';

/** What a request asks to sign, from its statement. */
export type Payload = { readonly chain: string; readonly format: Format; readonly data: Uint8Array };

export type SchemeName = 'EdDSA' | 'Schnorr' | 'ECDSA';

/** The key that would sign: 32-byte Ed25519, 32-byte x-only taproot output key, or 33-byte secp256k1. */
export type PublicKey = { readonly scheme: SchemeName; readonly bytes: Uint8Array };

export type Decoded = {
  readonly effects: readonly Effect[];
  readonly fees: readonly Fee[];
  /** The very bytes that the key signs, one an input (Ed25519: the message; BIP-340 and ECDSA: a hash of 32 bytes). */
  readonly messages: readonly Uint8Array[];
  /**
   * The finished transaction, from one signature an input: 64 bytes, by ECDSA 65 with the recovery id. Absent where the
   * format has none.
   */
  readonly finish?: (signatures: readonly Uint8Array[]) => { readonly transaction: Uint8Array; readonly id: string };
};
