import { keyString } from './resource.ts';
import type { Key, Resource } from './resource.ts';

/** The object that an object's spec is about, whether or not it exists; a SigningPolicy is about none. */
export function namedBy(resource: Resource): Key | undefined {
  const { namespace } = resource.metadata;
  switch (resource.kind) {
    case 'Wallet':
      return { kind: 'SigningPolicy', namespace, name: resource.spec.policyRef.name };
    case 'Signer': {
      const { namespace, name } = resource.spec.walletRef;
      return { kind: 'Wallet', namespace, name };
    }
    case 'SigningRequest':
      return { kind: 'Wallet', namespace, name: resource.spec.walletRef.name };
    case 'Approval':
      return { namespace, ...resource.spec.targetRef };
    case 'SigningPolicy':
      return undefined;
  }
}

/** Whether an object names `key`. */
export const names = (resource: Resource, key: Key): boolean => {
  const named = namedBy(resource);
  return named !== undefined && keyString(named) === keyString(key);
};
