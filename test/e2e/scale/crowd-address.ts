/** Holders of every wallet that is played, as in the quickstart. */
export const holderRoles = { infrastructure: 'Infrastructure', client: 'Client', backup: 'Backup' } as const;

/** Wallets are numbered, and each has a loopback address of its own. */
export const walletAt = (index: number): string => `w${String(index).padStart(4, '0')}`;

export const addressOf = (wallet: string): string => {
  const index = Number(wallet.slice(1));
  return `127.1.${index >> 8}.${index & 255}`;
};

/** The wallet at host:port. */
export function walletOf(authority: string): string {
  const [, high, low] = /^127\.1\.(\d+)\.(\d+):/.exec(authority) ?? [];
  if (high === undefined || low === undefined) throw new Error(`nobody is at ${authority}`);
  return walletAt(Number(high) * 256 + Number(low));
}
