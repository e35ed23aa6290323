import type { Clock } from '../../common/clock.ts';
import type { KubeClient } from './kube-client.ts';
import type { ObjectReference } from './event-recorder.ts';
import { isConflict, isNotFound } from './kube-error.ts';
import { pathOf } from './kube-object.ts';
import type { KubeObject } from './kube-object.ts';
import { microTime } from './micro-time.ts';

export const leaseType = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', plural: 'leases' } as const;

/** coordination.k8s.io/v1 LeaseSpec, as far as elections use it. */
type LeaseSpec = {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
};
type LeaseObject = KubeObject & { readonly spec?: LeaseSpec };

export type LeaseOptions = {
  readonly client: Pick<KubeClient, 'request'>;
  readonly namespace: string;
  readonly name: string;
  /** Of this process alone: one that another shares would share its leadership. */
  readonly identity: string;
  readonly durationMs: number;
  readonly requestMs: number;
  readonly clock: Clock;
};

/**
 * One holder's view of a Lease, which many want and one has. Times in it are for people: no clock but one's own decides.
 * A holder counts as gone when its lease did not change here for as long as it said it would last, as client-go has it.
 */
export class Lease {
  readonly #options: LeaseOptions;
  #seen: { readonly lease: LeaseObject; readonly at: number } | undefined;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Who had it when it was last looked at; "" for nobody. */
  get holder(): string {
    return this.#seen?.lease.spec?.holderIdentity ?? '';
  }

  /** What an event about it names; undefined before it was seen. */
  get reference(): ObjectReference | undefined {
    const { namespace, name } = this.#options;
    const { apiVersion, kind } = leaseType;
    return this.#seen && { apiVersion, kind, namespace, name, uid: this.#seen.lease.metadata.uid };
  }

  /** Takes the lease where it is free; resolves with whether it is ours. Rejects where the server does not say. */
  async tryAcquire(signal: AbortSignal): Promise<boolean> {
    const lease = await this.#look(signal);
    const now = this.#options.clock.monotonic();
    if (lease === undefined) return this.#write(undefined, this.#term(0), signal);
    const { holderIdentity = '', leaseDurationSeconds = 0, leaseTransitions = 0 } = lease.spec ?? {};
    const until = (this.#seen?.at ?? now) + leaseDurationSeconds * 1000;
    if (holderIdentity !== '' && holderIdentity !== this.#options.identity && now < until) return false;
    return this.#write(lease, this.#term(leaseTransitions + 1), signal);
  }

  /** Resolves with whether the lease is still ours, and renewed. Rejects where the server does not say. */
  async renew(signal: AbortSignal): Promise<boolean> {
    for (const look of [false, true]) {
      const lease = look ? await this.#look(signal) : this.#seen?.lease;
      if (lease?.spec?.holderIdentity !== this.#options.identity) return false;
      const renewTime = microTime(this.#options.clock.now());
      if (await this.#write(lease, { ...lease.spec, renewTime }, signal)) return true;
      // Somebody wrote: another holder, or only a label.
    }
    return false;
  }

  /** Lets go of the lease where it is ours, so that the next holder need not wait. */
  async release(): Promise<void> {
    const lease = this.#seen?.lease;
    if (lease?.spec?.holderIdentity !== this.#options.identity) return;
    // A duration of 0 would be refused.
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 };
    await this.#write(lease, { ...spec, renewTime: microTime(this.#options.clock.now()) });
  }

  #term(leaseTransitions: number): LeaseSpec {
    const { identity, durationMs, clock } = this.#options;
    const now = microTime(clock.now());
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: now,
      renewTime: now,
      leaseTransitions,
    };
  }

  async #look(signal: AbortSignal): Promise<LeaseObject | undefined> {
    const { client, namespace, name, requestMs, clock } = this.#options;
    try {
      const path = pathOf(leaseType, { namespace, name });
      const lease = (await client.request({ path, signal, timeoutMs: requestMs })) as LeaseObject;
      if (this.#seen?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion)
        this.#seen = { lease, at: clock.monotonic() };
      return lease;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#seen = undefined;
      return undefined;
    }
  }

  /** Resolves with false where another writer was first. */
  async #write(lease: LeaseObject | undefined, spec: LeaseSpec, signal?: AbortSignal): Promise<boolean> {
    const { client, namespace, name, requestMs, clock } = this.#options;
    const { apiVersion, kind } = leaseType;
    // As of before it was sent: who looks sees it no earlier.
    const at = clock.monotonic();
    try {
      const written = await client.request({
        method: lease ? 'PUT' : 'POST',
        path: pathOf(leaseType, { namespace, ...(lease ? { name } : {}) }),
        // The resource version in the metadata makes the write fail where another was first.
        body: { apiVersion, kind, metadata: lease?.metadata ?? { namespace, name }, spec },
        timeoutMs: requestMs,
        ...(signal ? { signal } : {}),
      });
      this.#seen = { lease: written as LeaseObject, at };
      return true;
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
      return false;
    }
  }
}
