import { Refused } from '../../common/errors.ts';
import type { Decoded, Payload, PublicKey } from '../effect.ts';

/** Refuses: PSBTs are not read yet. */
export function decodePsbt({ chain }: Payload, _key: PublicKey): Decoded {
  throw new Refused('Unsupported', `chain ${chain}: PSBTs are not read yet`);
}
