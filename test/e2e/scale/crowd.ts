import { createHash, createPublicKey } from 'node:crypto';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServerUnaryCall } from '@grpc/grpc-js';
import { fakeHolder, foundFakeWallet } from '../../../client/testing/fake-wallet.ts';
import type { FakeHolder } from '../../../client/testing/fake-wallet.ts';
import { certificatePem } from '../../../common/certificate.ts';
import { SignerServiceService } from '../../../proto/gen/signer/v1/signer.ts';
import type {
  Description,
  KeyState,
  ProvisionRequest,
  SignerServiceServer,
  WalletFacts,
} from '../../../proto/gen/signer/v1/signer.ts';
import { parseStatement, statementDigest } from '../../../statement/statements.ts';
import { holderRoles, walletOf } from './crowd-address.ts';

/** What a wallet's signers have, once the first was provisioned. */
type Founded = {
  readonly genesis: string;
  readonly policyDigest: string;
  /** With its certificates. */
  readonly facts: WalletFacts;
  readonly keys: readonly KeyState[];
  /** Holders whose signers were provisioned; there are keys once all are. */
  readonly provisioned: Set<string>;
};

/** `identity` is its SubjectPublicKeyInfo. */
type Played = FakeHolder & { readonly identity: Buffer };

/** One port for each holder, in the order of {@link holderRoles}. */
export type Crowd = { readonly ports: readonly number[]; close(): void };

/**
 * Plays the signers of a thousand wallets in one process, as far as an operator sees signers: TLS with keys that it pins,
 * real messages, certificates that it verifies, a stream of outcomes that stays open. What is played: holders of one name have
 * one identity in all wallets, which is told apart by the address that was dialled; keys come of one party, at once;
 * nothing is judged or signed, and whoever asks is answered.
 */
export async function startCrowd(namespace: string, ports: readonly number[] = [0, 0, 0]): Promise<Crowd> {
  const holders = Object.entries(holderRoles).map(([name, role]): Played => {
    const holder = fakeHolder(name, role);
    return { ...holder, identity: createPublicKey(holder.privateKey).export({ format: 'der', type: 'spki' }) };
  });
  const wallets = new Map<string, Founded>();

  function provision(wallet: string, holder: Played, { genesis, policyDocument }: ProvisionRequest): string {
    const digest = statementDigest(genesis);
    const founded = wallets.get(wallet) ?? found(digest, genesis, policyDocument);
    if (founded.genesis !== digest) throw new Error(`${wallet} was founded as ${founded.genesis}`);
    founded.provisioned.add(holder.name);
    wallets.set(wallet, founded);
    return digest;
  }

  function found(digest: string, genesis: Uint8Array, policyDocument: Uint8Array): Founded {
    const { facts } = foundFakeWallet(parseStatement('holdfast/genesis/v1', genesis), holders, policyDocument);
    const keys = facts.certificates.map(({ statement }) => {
      const { key, scheme, epoch } = parseStatement('holdfast/certificate/v1', statement);
      return { name: key, scheme, state: 'Active', message: '', certificate: statementDigest(statement), epoch };
    });
    const policyDigest = statementDigest(facts.policyStatement);
    return { genesis: digest, policyDigest, facts, keys, provisioned: new Set() };
  }

  const servers = await Promise.all(
    holders.map(async (holder, i) => {
      const server = new Server();
      const whose = (call: Pick<ServerUnaryCall<unknown, unknown>, 'getHost'>): string =>
        `${namespace}/${walletOf(call.getHost())}`;
      const unplayed = (_: unknown, callback: (error: { code: status }) => void): void =>
        callback({ code: status.UNIMPLEMENTED });
      server.addService(SignerServiceService, {
        describe: (call, callback) => callback(null, describe(whose(call), holder, wallets.get(whose(call)))),
        getWallet: (call, callback) => {
          const founded = wallets.get(whose(call));
          if (founded?.provisioned.has(holder.name) !== true) callback({ code: status.FAILED_PRECONDITION });
          else callback(null, factsOf(founded));
        },
        provision: (call, callback) => callback(null, { genesis: provision(whose(call), holder, call.request) }),
        outcomes: () => {}, // stays open
        sign: unplayed,
        getRequest: unplayed,
        submit: unplayed,
        pruneAudit: unplayed,
        audit: (call) => call.emit('error', { code: status.UNIMPLEMENTED }),
      } satisfies SignerServiceServer);
      const pair = {
        private_key: Buffer.from(holder.privateKey.export({ format: 'pem', type: 'pkcs8' })),
        cert_chain: Buffer.from(certificatePem(holder.certificate)),
      };
      const port = await new Promise<number>((resolve, reject) => {
        server.bindAsync(`0.0.0.0:${ports[i]}`, ServerCredentials.createSsl(null, [pair], false), (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        );
      });
      return { server, port };
    }),
  );
  return {
    ports: servers.map(({ port }) => port),
    close: () => servers.forEach(({ server }) => server.forceShutdown()),
  };
}

const hasKeys = ({ provisioned }: Founded): boolean => provisioned.size === Object.keys(holderRoles).length;

const factsOf = (founded: Founded): WalletFacts =>
  hasKeys(founded) ? founded.facts : { ...founded.facts, certificates: [] };

function describe(wallet: string, { name, identity, certificate }: Played, founded: Founded | undefined): Description {
  const known = founded?.provisioned.has(name) === true ? founded : undefined;
  const waiting = { state: 'Wanted', message: 'waits for the other holders', certificate: '', epoch: '' };
  return {
    version: '0.1.0',
    wallet,
    holder: name,
    identity,
    auditKey: identity,
    nonce: createHash('sha256').update(`${wallet}/${name}`).digest(),
    certificate: Buffer.from(certificate),
    genesis: known?.genesis ?? '',
    policyDigest: known?.policyDigest ?? '',
    keys: (known?.keys ?? []).map((key) => (known !== undefined && hasKeys(known) ? key : { ...key, ...waiting })),
    peers: [],
    problems: known === undefined ? ['waits for its genesis'] : [],
    head: { sequence: 1n, hash: new Uint8Array(32) },
    signedHead: undefined,
    sealState: '',
    schemes: [],
  };
}
