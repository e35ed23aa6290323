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

/** Resources never change: a store has another object for each change. Reading one takes longer than the rest of a look. */
const readings = new WeakMap<SigningPolicy, PolicyReading>();

export function readPolicy(policy: SigningPolicy | undefined): PolicyReading {
  if (policy === undefined) return { kind: 'Missing' };
  const reading = readings.get(policy) ?? read(policy);
  readings.set(policy, reading);
  return reading;
}

function read(policy: SigningPolicy): PolicyReading {
  try {
    const document = canonicalize(policyDocument(policy.spec));
    return { kind: 'Valid', document, digest: digest(document) };
  } catch (error) {
    if (!(error instanceof PolicyInvalid)) throw error;
    return { kind: 'Invalid', reason: error.reason, message: withRuleNames(error, policy).message };
  }
}

/** Rules are counted from 0 in paths: with its name each is found in the manifest. */
const withRuleNames = ({ problems }: PolicyInvalid, { spec }: SigningPolicy): PolicyInvalid =>
  new PolicyInvalid(
    problems.map((problem) => ({
      ...problem,
      path: problem.path.replace(/^rules\[([0-9]+)\]/, (rule, i: string) => {
        const name = spec.rules[Number(i)]?.name;
        return name === undefined ? rule : `${rule} (${name})`;
      }),
    })),
  );
