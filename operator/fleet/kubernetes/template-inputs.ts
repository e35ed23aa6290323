import { digest, utf8 } from '../../../common/bytes.ts';
import { canonical } from './canonical.ts';
import type { PodFacts } from './signer-pod.ts';

/** On a signer's StatefulSet: {@link templateInputs} of the template that it has. */
export const inputsAnnotation = 'holdfast.dev/template-inputs';

/**
 * Digest of what people say that shapes a signer's pod. A template is written anew only where this changes, and so an
 * operator of another version, which might write it otherwise, restarts no signer. The image that the settings name is
 * not part of it: it is for signers that have none yet.
 */
export function templateInputs({ signer, operator, settings }: Omit<PodFacts, 'image' | 'environment'>): string {
  // What is left out is immutable, or shapes claims and NetworkPolicies only. A field that is added later counts.
  const { walletRef: _, external: __, storage: ___, seal, ...pod } = signer.spec;
  const { egress: ____, storage: token, ...pkcs11 } = seal?.pkcs11 ?? {};
  const { imagePullSecrets, imagePullPolicy } = settings;
  return digest(
    utf8(
      canonical({
        pod,
        keySecretRef: seal?.keySecretRef ?? null,
        pkcs11,
        hasToken: token !== undefined,
        operator,
        imagePullSecrets,
        imagePullPolicy,
      }),
    ),
  );
}
