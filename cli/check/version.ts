import { docs } from './docs.ts';
import { note } from './finding.ts';
import type { Finding } from './finding.ts';

/** What is not to be had in this version, whatever machine it runs on. */
export const checkVersion = ({
  javaScriptFrost,
}: {
  /** Whether a signer's FROST is, or would be, the one in JavaScript. */
  readonly javaScriptFrost: boolean;
}): readonly Finding[] => [
  note('recovery', 'no recovery of a lost holder, nor approvals: test funds only', {
    mend: 'keep nothing in a wallet that may not be lost',
    docs: docs.recovery,
  }),
  note('ecdsa-audit', 'the ECDSA library, dkls23-core 0.6.2, has had no independent audit', {
    mend: 'read why it was taken over an audited one before you rely on it',
    docs: docs.ecdsaAudit,
  }),
  ...(javaScriptFrost
    ? [
        note('frost-javascript', 'EdDSA and Schnorr run in JavaScript: neither constant-time nor zeroisable', {
          mend: 'let nobody measure or read a signer whose share has to stay its own',
          docs: docs.frostJavaScript,
        }),
      ]
    : []),
];
