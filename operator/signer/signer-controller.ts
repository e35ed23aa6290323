import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Key } from '../api/resource.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { Controller } from '../operator.ts';
import type { Reach } from '../reach.ts';
import type { ResourceStore } from '../store/resource-store.ts';
import { externalObservation, pinOf } from './external-signer.ts';
import type { SignerAnswer } from './signer-answer.ts';
import type { SignerContacts } from './signer-contacts.ts';
import { planSigner } from './signer-plan.ts';
import type { SignerFacts } from './signer-plan.ts';

export type SignerControllerOptions = {
  readonly store: ResourceStore;
  readonly fleet: Fleet;
  readonly contacts: SignerContacts;
  readonly clock: Clock;
  /** The operator's own fingerprint. */
  readonly operator: string;
  /** Whether the fleet runs all signers on one machine. */
  readonly sharedMachine: boolean;
  readonly reach: Reach;
};

/** Has a process run for every Signer that serves a holder, and says how it is. */
export function signerController(options: SignerControllerOptions): Controller {
  /** By uid of the Signer: why its process did not end when it was to. */
  const stuck = new Map<string, string>();
  return {
    kind: 'Signer',
    async reconcile(key, signal) {
      const seen = await observe(options, key as Key<'Signer'>, signal);
      if (seen === undefined) return undefined;
      const { uid } = seen.signer.metadata;
      const facts = { ...seen, stuck: stuck.get(uid) };
      const { status, ensure, stop, warn, nextMs } = planSigner(facts);
      // The pin first: no wallet may be founded on a signer that would be forgotten.
      await options.store.writeStatus(facts.signer, status);
      if (warn !== undefined) {
        const { namespace, name } = facts.signer.spec.walletRef;
        const { reason, message } = warn;
        await options.store.event(key, 'Warning', reason, message);
        // Of what peers see the wallet's own controller tells.
        if (reason === 'SealUnusable' && options.reach.worksFor(namespace))
          await options.store.event({ kind: 'Wallet', namespace, name }, 'Warning', reason, message);
      }
      if (ensure !== undefined) await options.fleet.ensure(ensure);
      if (stop !== undefined)
        await options.fleet.remove(stop, { destroy: false }).catch((error: unknown) => {
          stuck.set(uid, messageOf(error));
          throw error;
        });
      stuck.delete(uid);
      if (facts.signer.metadata.deletionTimestamp === undefined) return nextMs;
      await options.store.remove(key);
      return undefined;
    },
  };
}

async function observe(
  { store, fleet, contacts, clock, operator, sharedMachine, reach }: SignerControllerOptions,
  key: Key<'Signer'>,
  signal: AbortSignal,
): Promise<SignerFacts | undefined> {
  const signer = await store.get(key);
  if (signer === undefined) return undefined;
  const { namespace, name, holder } = signer.spec.walletRef;
  const id = { wallet: `${namespace}/${name}`, holder };
  const walletKey = { kind: 'Wallet', namespace, name } as const;
  const [wallet, signers, observation] = await Promise.all([
    reach.sees(namespace) ? store.get(walletKey) : ('Unseen' as const),
    store.list('Signer', walletKey),
    fleet.observe(id),
  ]);
  let answer: SignerAnswer | undefined;
  const asked = externalObservation(signer) ?? observation;
  if (asked?.running === true && asked.signEndpoint !== '')
    answer = await contacts.describe(id, asked.signEndpoint, pinOf(signer), signal);
  if (answer?.kind === 'Silent' && asked !== undefined && asked.metricsEndpoint !== '') {
    const sealProblem = await whyNotReady(asked.metricsEndpoint, signal);
    if (sealProblem !== undefined) answer = { ...answer, sealProblem };
  }
  const provisioner = reach.worksFor(namespace) ? operator : (reach.other(namespace)?.fingerprint ?? '');
  return { signer, wallet, signers, observation, answer, operator: provisioner, sharedMachine, now: clock.now() };
}

const PROBE_MS = 1_000;
const MOST_BYTES = 1_000;

/** What a signer that does not answer yet says on its probe: a state of its HSM and words. */
async function whyNotReady(endpoint: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://${endpoint}/readyz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]),
      redirect: 'error',
    });
    const text = (await answer.text()).slice(0, MOST_BYTES);
    return /^not ready: ([A-Z][A-Za-z]+: .*)/.exec(text)?.[1]?.replaceAll(/\p{C}+/gu, ' ');
  } catch {
    return undefined;
  }
}
