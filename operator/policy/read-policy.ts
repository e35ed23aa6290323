import { digest } from '../../common/bytes.ts';
import { policyDocument } from '../../policy/document.ts';
import { PolicyInvalid } from '../../policy/policy-invalid.ts';
import { canonicalize } from '../../statement/canonical.ts';
import type { SigningPolicy } from '../api/resource.ts';

/** A SigningPolicy as signers would have to enforce it. */
export type PolicyReading =
  | { readonly kind: 'Missing' }
  | { readonly kind: 'Invalid'; readonly reason: 'InvalidPolicy' | 'FeatureUnsupported'; readonly message: string }
  /** `document` is canonical JSON, `digest` its digest. */
  | { readonly kind: 'Valid'; readonly document: Uint8Array; readonly digest: string };

export function readPolicy(policy: SigningPolicy | undefined): PolicyReading {
  if (policy === undefined) return { kind: 'Missing' };
  try {
    const document = canonicalize(policyDocument(policy.spec));
    return { kind: 'Valid', document, digest: digest(document) };
  } catch (error) {
    if (!(error instanceof PolicyInvalid)) throw error;
    return { kind: 'Invalid', reason: error.reason, message: error.message };
  }
}
