import { digest, fromHex } from '../../common/bytes.ts';
import { fingerprintOfCertificate } from '../../common/certificate.ts';
import { ProvisionRequest } from '../../proto/gen/signer/v1/signer.ts';
import type { PeerAddress } from '../../proto/gen/signer/v1/signer.ts';
import { encodeStatement } from '../../statement/statements.ts';
import type { Wallet } from '../api/resource.ts';
import type { GenesisDecision } from './genesis-decision.ts';
import { foundingHolder } from './genesis-decision.ts';
import { descriptionOf, isFounder } from './holder-state.ts';
import type { HolderState } from './holder-state.ts';
import { supportedKeys } from './unsupported.ts';

/** What a holder's signer is to be told. */
export type Provision = { readonly holder: string; readonly request: ProvisionRequest };

export type ProvisionFacts = {
  readonly wallet: Wallet;
  readonly holders: readonly HolderState[];
  readonly decision: GenesisDecision;
  /** Peers' addresses and certificates as last seen, by holder. */
  readonly peers: ReadonlyMap<string, PeerAddress>;
  /** By holder: {@link provisionDigest} of what its signer was last told and accepted. */
  readonly provisioned: ReadonlyMap<string, string>;
};

/** Names all that a Provision says. */
export const provisionDigest = (request: ProvisionRequest): string => digest(ProvisionRequest.encode(request).finish());

/** Who has to be told what: a genesis where there is none, keys that were added, addresses that changed. */
export function planProvision(facts: ProvisionFacts): readonly Provision[] {
  const { wallet, holders, decision, peers, provisioned } = facts;
  if (decision.kind === 'Blocked') return [];
  const { genesis, policyDocument } = decision.kind === 'Known' ? decision.known : decision;
  const bytes = encodeStatement(genesis);
  const elsewhere = new Set(
    holders.filter(({ signer }) => signer?.spec.external !== undefined).map(({ name }) => name),
  );
  const request: ProvisionRequest = {
    genesis: bytes,
    policyDocument,
    peers: genesis.holders.flatMap(({ name, identity }) => {
      const peer = peers.get(name);
      // A signer refuses all that it is told with another's certificate.
      return peer !== undefined && fingerprintOfCertificate(peer.certificate) === digest(fromHex(identity, 'identity'))
        ? [peer]
        : [];
    }),
    keys: supportedKeys(wallet, holders).map(({ name, scheme }) => ({ name, scheme })),
  };
  // Addresses here lead nowhere from elsewhere: who runs there is dialled, and dials only others that are.
  const requestTo = ({ name: holder }: HolderState): ProvisionRequest =>
    elsewhere.has(holder)
      ? {
          ...request,
          peers: request.peers.map((peer) => (elsewhere.has(peer.name) ? peer : { ...peer, endpoint: '' })),
        }
      : request;
  if (decision.kind === 'Found') {
    const first = foundingHolder(holders);
    return first === undefined ? [] : [{ holder: first.name, request: requestTo(first) }];
  }
  const genesisDigest = digest(bytes);
  // A shorter list would replace what signers remember of a holder that is only away.
  const complete = request.peers.length === holders.length;
  return holders
    .filter((holder) => {
      const description = descriptionOf(holder);
      if (description === undefined || !isFounder(genesis, description)) return false;
      if (description.genesis !== '' && description.genesis !== genesisDigest) return false;
      const keysMissing = request.keys.some(({ name }) => !description.keys.some((key) => key.name === name));
      return (
        description.genesis === '' ||
        keysMissing ||
        (complete && provisioned.get(holder.name) !== provisionDigest(requestTo(holder)))
      );
    })
    .map((holder) => ({ holder: holder.name, request: requestTo(holder) }));
}
