import type { OwnerReference } from '../runtime/kube-object.ts';
import type {
  ApprovalSpec,
  ApprovalStatus,
  SignerSpec,
  SignerStatus,
  SigningPolicySpec,
  SigningPolicyStatus,
  SigningRequestSpec,
  SigningRequestStatus,
  WalletSpec,
  WalletStatus,
} from './generated.ts';

export const apiVersion = 'holdfast.dev/v1alpha1';

/** What Kubernetes keeps of every object. `generation` counts changes of the spec. */
export type Metadata = {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly generation: number;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
};

type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Member in keyof T]: Immutable<T[Member]> }
    : T;

type Custom<K extends string, Spec, Status> = {
  readonly apiVersion: typeof apiVersion;
  readonly kind: K;
  readonly metadata: Metadata;
  readonly spec: Immutable<Spec>;
  readonly status?: Immutable<Status>;
};

export type Wallet = Custom<'Wallet', WalletSpec, WalletStatus>;
export type Signer = Custom<'Signer', SignerSpec, SignerStatus>;
export type SigningPolicy = Custom<'SigningPolicy', SigningPolicySpec, SigningPolicyStatus>;
export type SigningRequest = Custom<'SigningRequest', SigningRequestSpec, SigningRequestStatus>;
export type Approval = Custom<'Approval', ApprovalSpec, ApprovalStatus>;

export type Resource = Wallet | Signer | SigningPolicy | SigningRequest | Approval;
export type Kind = Resource['kind'];
export type ResourceOf<K extends Kind> = Extract<Resource, { readonly kind: K }>;

export const kinds: readonly Kind[] = ['Wallet', 'Signer', 'SigningPolicy', 'SigningRequest', 'Approval'];
export const isKind = (text: unknown): text is Kind => kinds.some((kind) => kind === text);

/** An object as its author writes it: what a store fills in (uid, generation, status ...) is left out or not looked at. */
export type Draft = { [K in Kind]: DraftOf<K> }[Kind];
export type DraftOf<K extends Kind> = Pick<ResourceOf<K>, 'apiVersion' | 'kind' | 'spec'> & {
  readonly metadata: Pick<Metadata, 'name' | 'namespace' | 'labels' | 'annotations' | 'ownerReferences'>;
};

/** Names one object, whether or not it exists. */
export type Key<K extends Kind = Kind> = { readonly kind: K; readonly namespace: string; readonly name: string };

/** Names one object and no other that had or will have its name: whatever was read, as far as it identifies. */
export type Identified<K extends Kind = Kind> = {
  readonly kind: K;
  readonly metadata: Pick<Metadata, 'namespace' | 'name' | 'uid'>;
};

export const keyOf = <K extends Kind>(object: {
  readonly kind: K;
  readonly metadata: { readonly namespace: string; readonly name: string };
}): Key<K> => ({ kind: object.kind, namespace: object.metadata.namespace, name: object.metadata.name });

/** `Kind/namespace/name`: unique, for maps and messages. None of the three contains a slash. */
export const keyString = (key: Key): string => `${key.kind}/${key.namespace}/${key.name}`;

/** The key of {@link keyString}'s text; throws on anything else. */
export function parseKeyString(text: string): Key {
  const [kind, namespace, name, ...rest] = text.split('/');
  if (!isKind(kind) || !namespace || !name || rest.length > 0)
    throw new Error(`key: want Kind/namespace/name, got ${JSON.stringify(text.slice(0, 80))}`);
  return { kind, namespace, name };
}

/** The objects of one kind, in the order in which they are listed. */
export function resourcesOf<K extends Kind>(kind: K, resources: readonly Resource[]): readonly ResourceOf<K>[] {
  const found = resources.filter((resource): resource is ResourceOf<K> => resource.kind === kind);
  return found.toSorted((a, b) => (keyString(keyOf<Kind>(a)) < keyString(keyOf<Kind>(b)) ? -1 : 1));
}
