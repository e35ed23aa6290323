import { conditionOf } from '../operator/api/conditions.ts';
import type { Resource, Signer, SigningPolicy, SigningRequest, Wallet } from '../operator/api/resource.ts';
import { oneLine } from './one-line.ts';

/** A line for a person who watches; of one thing it is told again only when it has changed. */
export type ProgressLine = {
  readonly about: string;
  readonly text: string;
  /** True for ever once it is: also of a status that an earlier operator wrote. */
  readonly lasting?: true;
};

/** What is worth telling of an object as it is now, from `file`: what it waits for, that it is ready, what became of it. */
export function linesOf(object: Resource, file?: string): readonly ProgressLine[] {
  switch (object.kind) {
    case 'Wallet':
      return linesOfWallet(object);
    case 'Signer':
      return linesOfSigner(object);
    case 'SigningPolicy':
      return linesOfPolicy(object, file);
    case 'SigningRequest':
      return linesOfRequest(object);
    case 'Approval':
      return [];
  }
}

const nameOf = ({ kind, metadata: { namespace, name } }: Resource): string =>
  `${{ Wallet: 'wallet', Signer: 'signer', SigningPolicy: 'policy', SigningRequest: 'request', Approval: 'approval' }[kind]} ${namespace}/${name}`;

const line = (object: Resource, what: string, text: string): ProgressLine => ({
  about: `${nameOf(object)} ${what}`,
  text: `${nameOf(object)}: ${oneLine(text)}`,
});

function linesOfWallet(wallet: Wallet): readonly ProgressLine[] {
  const { conditions, keys = [] } = wallet.status ?? {};
  const ready = conditionOf(conditions, 'Ready');
  return [
    ...keys.flatMap(({ name, scheme, addresses }) =>
      Object.entries(addresses).map(([network, address]): ProgressLine => ({
        ...line(wallet, `key ${name} ${network}`, `key ${name} (${scheme}): ${network} address ${address}`),
        lasting: true,
      })),
    ),
    ...(ready === undefined ? [] : [line(wallet, 'ready', ready.status === 'True' ? 'Ready' : ready.message)]),
  ];
}

/** A signer that starts is told of by its wallet; one that cannot is told of here. */
function linesOfSigner(signer: Signer): readonly ProgressLine[] {
  const ready = conditionOf(signer.status?.conditions, 'Ready');
  if (ready === undefined) return [];
  if (ready.status === 'True') return [line(signer, 'ready', ready.reason === 'Serving' ? 'serving' : ready.message)];
  return ready.reason === 'Starting' || ready.reason === 'Pending'
    ? []
    : [line(signer, 'ready', `${ready.reason}: ${ready.message}`)];
}

function linesOfPolicy(policy: SigningPolicy, file: string | undefined): readonly ProgressLine[] {
  const { conditions } = policy.status ?? {};
  const [valid, enforced] = [conditionOf(conditions, 'Valid'), conditionOf(conditions, 'Enforced')];
  if (valid?.status === 'False')
    return [line(policy, 'state', `not valid${file === undefined ? '' : `, see ${file}`}: ${valid.message}`)];
  if (enforced === undefined || ['NotReferenced', 'WaitingForHolders'].includes(enforced.reason)) return [];
  return [
    line(
      policy,
      'state',
      enforced.status === 'True' ? 'enforced by every holder' : `not enforced: ${enforced.message}`,
    ),
  ];
}

function linesOfRequest(request: SigningRequest): readonly ProgressLine[] {
  const finished = conditionOf(request.status?.conditions, 'Finished');
  return finished === undefined ? [] : [line(request, 'state', `${finished.reason}: ${finished.message}`)];
}
