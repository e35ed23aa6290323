import { taggedHash, utf8 } from '../../common/bytes.ts';
import type { ContributionList } from '../../proto/gen/signer/v1/peer.ts';

/** What one signing session is bound to: changing any of it gives another session. PROTOCOL.md 3. */
export type SessionBinding = {
  readonly genesis: string;
  readonly key: string;
  readonly epoch: string;
  readonly request: string;
  readonly policy: string;
  readonly quorum: readonly string[];
  readonly inputs: readonly ContributionList[];
};

/** 32 bytes over everything in `binding`, each member's unused contributions among it. */
export const sessionId = (binding: SessionBinding): Uint8Array =>
  taggedHash(
    'holdfast/session/v1',
    ...[binding.genesis, binding.key, binding.epoch, binding.request, binding.policy].map(utf8),
    taggedHash('holdfast/quorum/v1', ...binding.quorum.map(utf8)),
    ...binding.inputs.map((input) =>
      taggedHash(
        'holdfast/contributions/v1',
        ...input.contributions.flatMap((c) => [utf8(c.holder), c.boot, utf8(c.index.toString()), c.hiding, c.binding]),
      ),
    ),
  );
