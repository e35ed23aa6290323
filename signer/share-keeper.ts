import type { ShareKeeper, ShareLabel } from './ceremony/environment.ts';
import { decodeKeyShare, encodeKeyShare } from './scheme/key-share.ts';
import { openSealed, sealBytes, type Seal } from './state/seal.ts';

/** Shares under `seal`, each bound to where it belongs: opened in another's place it stays closed. PROTOCOL.md 6. */
export function shareKeeper(seal: Seal): ShareKeeper {
  return {
    async seal(share, label) {
      const plain = encodeKeyShare(label.scheme, share);
      try {
        return await sealBytes(seal, plain, wordsOf(label));
      } finally {
        plain.fill(0);
      }
    },
    async open(sealed, label) {
      const plain = await openSealed(seal, sealed, wordsOf(label));
      try {
        return decodeKeyShare(label.scheme, plain);
      } finally {
        plain.fill(0);
      }
    },
  };
}

const wordsOf = ({ genesis, holder, key, attempt, epoch }: ShareLabel): readonly string[] => [
  genesis,
  holder,
  key,
  String(attempt),
  String(epoch),
];
