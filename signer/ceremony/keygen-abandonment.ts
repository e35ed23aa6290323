import type { HolderSignature } from '../../proto/gen/signer/v1/signer.ts';
import { verifyAllHolders } from '../../statement/certificate.ts';
import { encodeStatement } from '../../statement/statements.ts';
import type { KeyRow } from '../state/store.ts';
import type { Wallet } from './wallet.ts';

type Key = Pick<KeyRow, 'name' | 'scheme'>;

/** What a holder signs that never activates `attempt` at a key. */
export const abandonedStatement = ({ genesisDigest }: Wallet, { name, scheme }: Key, attempt: number): Uint8Array =>
  encodeStatement({
    type: 'holdfast/abandoned/v1',
    genesis: genesisDigest,
    key: name,
    scheme,
    attempt: String(attempt),
  });

/** Throws unless all n holders signed `attempt` off; there is none before the first. */
export function checkAbandoned(
  wallet: Wallet,
  key: Key,
  attempt: number,
  signatures: readonly HolderSignature[],
): void {
  if (attempt === 0) return;
  const statement = abandonedStatement(wallet, key, attempt);
  verifyAllHolders(`abandonment of attempt ${attempt}`, wallet.genesis, statement, signatures);
}
