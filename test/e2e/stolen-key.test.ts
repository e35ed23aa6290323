import { generateKeyPairSync } from 'node:crypto';
import { Metadata } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { offchainMessage } from '../../client/offchain-message.ts';
import { fetchCertificate, pinnedCredentials } from '../../client/pinned-tls.ts';
import { signRequest } from '../../client/request.ts';
import { digest, hex } from '../../common/bytes.ts';
import { fingerprintOfCertificate } from '../../common/certificate.ts';
import { messageOf } from '../../common/errors.ts';
import { signerPorts } from '../../operator/fleet/kubernetes/pod-layout.ts';
import { signerEndpoint } from '../../operator/fleet/kubernetes/signer-network.ts';
import { identityOf, parseIdentityKey } from '../../operator/operator-identity.ts';
import type { OperatorIdentity } from '../../operator/operator-identity.ts';
import type { Payload } from '../../policy/effect.ts';
import { PeerServiceClient } from '../../proto/gen/signer/v1/peer.ts';
import type { ProvisionRequest } from '../../proto/gen/signer/v1/signer.ts';
import { canonicalize } from '../../statement/canonical.ts';
import { encodeStatement, parseStatement } from '../../statement/statements.ts';
import type { GenesisStatement } from '../../statement/statements.ts';
import { operatorIsReady, operatorNamespace } from './chart.ts';
import { ClusterWallet } from './cluster-wallet.ts';
import { get } from './kubectl.ts';
import { lyingSigner } from './lying-signer.ts';
import { forwarded } from './port-forward.ts';
import { SignerClients } from './signer-clients.ts';

/*
 * An attacker who has the key by which the operator speaks to signers, on a wallet that is founded. Another has the token by
 * which it speaks to the API server: stolen-token.test.ts.
 */

const holders = ['infrastructure', 'client', 'backup'] as const;
type Holder = (typeof holders)[number];

let treasury: ClusterWallet;
let namespace: string;

beforeAll(async () => {
  await operatorIsReady();
  treasury = await ClusterWallet.found('stolen-key');
  ({ namespace } = treasury);
});

/** Why a stream ends that speaks to a signer as its peers do. */
const linkedAs = async (address: string, secure: ChannelCredentials): Promise<string> => {
  const client = new PeerServiceClient(address, secure, { 'grpc.ssl_target_name_override': 'signer.holdfast.dev' });
  try {
    return await new Promise((resolve) => {
      const stream = client.link(new Metadata(), { deadline: Date.now() + 10_000 });
      stream.on('error', (error) => resolve(messageOf(error)));
      stream.on('data', () => resolve('it is answered'));
      stream.on('end', () => resolve('it ends without a word'));
      stream.write({ messages: [] });
    });
  } finally {
    client.close();
  }
};

const pod = (holder: Holder): string => `treasury-${holder}-0`;
const messagePayload = async (id: string): Promise<Payload> => ({
  chain: '',
  format: 'Message',
  data: offchainMessage(id, await treasury.publicKey()),
});
const digestPayload: Payload = { chain: '', format: 'Digest', data: new Uint8Array(32).fill(7) };

describe("whoever has the operator's key to signers", () => {
  let identity: OperatorIdentity;
  let known: ProvisionRequest;
  let genesis: GenesisStatement;

  const fingerprints = new Map<string, string>();
  let signers: SignerClients;

  const open = async (holder: Holder): Promise<void> =>
    signers.open(holder, namespace, pod(holder), fingerprints.get(holder) ?? '');
  const provisionAt = async (holder: Holder, change: Partial<ProvisionRequest>): Promise<string> =>
    signers
      .at(holder)
      .provision({ ...known, ...change })
      .then(() => 'accepted', messageOf);

  /** What a wallet is: whoever has changed anything of it has changed this. */
  const facts = async (holder: Holder): Promise<object> => {
    const { genesis, policyDigest, keys } = await signers.at(holder).describe();
    return { ...(await signers.at(holder).getWallet()), digest: genesis, policyDigest, keys };
  };

  beforeAll(async () => {
    const { data } = await get<{ data: Record<string, string> }>(
      ...['-n', operatorNamespace, 'secret', 'holdfast-identity'],
    );
    identity = identityOf(parseIdentityKey(Buffer.from(data['identity.pem'] ?? '', 'base64')));
    const { status } = await treasury.resource();
    for (const { name, fingerprint = '' } of status?.holders ?? []) fingerprints.set(name, fingerprint);
    signers = new SignerClients(identity);
    await Promise.all(holders.map(open));
    const described = await Promise.all(holders.map((holder) => signers.at(holder).describe()));
    const wallet = await signers.at('infrastructure').getWallet();
    genesis = parseStatement('holdfast/genesis/v1', wallet.genesis);
    known = {
      genesis: wallet.genesis,
      policyDocument: wallet.policyDocument,
      peers: described.map(({ holder, certificate }) => ({
        name: holder,
        endpoint: signerEndpoint({ metadata: { namespace, name: `treasury-${holder}` } }, 'peer'),
        certificate,
      })),
      keys: [
        { name: 'solana', scheme: 'EdDSA' },
        { name: 'bitcoin', scheme: 'Schnorr' },
      ],
    };
  });

  afterAll(() => {
    signers.close();
  });

  test('is the operator to signers: what they refuse below they refuse for what it says', async () => {
    for (const holder of holders) expect(await provisionAt(holder, {}), holder).toBe('accepted');
  });

  test('gives a founded wallet no other policy, threshold or holder', async () => {
    const before = await Promise.all(holders.map(facts));
    const loose = canonicalize({
      ...(JSON.parse(Buffer.from(known.policyDocument).toString()) as object),
      rules: [{ name: 'all', verdict: 'Allow', match: {} }],
    });
    const [own, ...peers] = known.peers;
    const mine = hex(generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }));
    const founded = (change: Partial<GenesisStatement>): Partial<ProvisionRequest> => ({
      genesis: Buffer.from(encodeStatement({ ...genesis, ...change })),
    });
    const attempts: readonly (readonly [string, Partial<ProvisionRequest>, RegExp])[] = [
      ['a looser policy', { policyDocument: Buffer.from(loose) }, /PolicyMismatch/],
      [
        'a genesis with that policy',
        { ...founded({ policy: digest(loose) }), policyDocument: Buffer.from(loose) },
        /for good/,
      ],
      [
        'another threshold and role',
        founded({ threshold: '3', holders: genesis.holders.map((h) => ({ ...h, role: 'Infrastructure' })) }),
        /for good/,
      ],
      [
        'a holder of its own',
        founded({
          holders: genesis.holders.map((h) => (h.name === 'backup' ? { ...h, identity: mine, auditKey: mine } : h)),
        }),
        /for good/,
      ],
      ['fewer holders', founded({ holders: genesis.holders.slice(0, 2) }), /for good/],
      [
        "one holder in another's place",
        { peers: peers.map((p) => ({ ...p, certificate: own?.certificate ?? p.certificate })) },
        /genesis/,
      ],
      [
        'itself in the place of a holder',
        { peers: known.peers.map((p) => ({ ...p, certificate: Buffer.from(identity.certificate) })) },
        /genesis/,
      ],
      ['a key with another scheme', { keys: [{ name: 'solana', scheme: 'Schnorr' }] }, /solana/],
    ];
    for (const [what, change, refusal] of attempts)
      for (const holder of holders) expect(await provisionAt(holder, change), `${what}, ${holder}`).toMatch(refusal);
    expect(await Promise.all(holders.map(facts))).toEqual(before);
  });

  test('has nothing signed that the policy refuses, or that the initiator did not sign', async () => {
    const { status } = await treasury.resource();
    const asked = await treasury.signedRequest('raw', digestPayload);
    const message = await treasury.signedRequest('unasked', await messagePayload('unasked'));
    const fields = {
      ...digestPayload,
      genesis: status?.genesis ?? '',
      id: 'forged',
      key: 'solana',
      expiresAt: Date.now() + 60_000,
    };
    const attempts = [
      ['what no rule allows', asked, 'PolicyDenied'],
      [
        "a request in the initiator's name with its own signature",
        signRequest({ ...fields, initiator: 'payments-api' }, identity.privateKey),
        'InitiatorUnverified',
      ],
      [
        'a request in its own name',
        signRequest({ ...fields, initiator: 'operator' }, identity.privateKey),
        'InitiatorUnverified',
      ],
      ['a request without a signature', { ...message, signature: '' }, 'InitiatorUnverified'],
      ["a request with another one's signature", { ...message, signature: asked.signature }, 'InitiatorUnverified'],
    ] as const;
    for (const [what, { statement, signature }, reason] of attempts)
      for (const holder of holders) {
        const reply = await signers.at(holder).sign({ statement: Buffer.from(statement), signature, approvals: [] });
        expect(reply, `${what}, ${holder}`).toMatchObject({ outcome: 'denied', reason, signatures: [] });
      }
    await treasury.signs('still-signing');
  });

  test('is no peer: it leads no ceremony and takes part in none', async () => {
    for (const holder of holders) {
      const said = await forwarded(namespace, pod(holder), signerPorts.peer, async (address) => {
        const certificate = await fetchCertificate(address);
        expect(fingerprintOfCertificate(certificate)).toBe(fingerprints.get(holder));
        return linkedAs(address, pinnedCredentials(certificate, identity));
      });
      expect(said, holder).toMatch(/UNAVAILABLE|PERMISSION_DENIED|UNAUTHENTICATED/);
    }
  });

  describe('when a holder was found to cheat', () => {
    /** Has the client's signer run with another command, or with its image's again. */
    const runClient = async (change: { readonly op: 'add' | 'remove'; readonly value?: unknown }): Promise<void> => {
      const patch = JSON.stringify([{ ...change, path: '/spec/template/spec/containers/0/command' }]);
      await treasury.kubectl('patch', 'statefulset/treasury-client', '--type=json', '-p', patch);
      await treasury.kubectl('rollout', 'status', 'statefulset/treasury-client', '--timeout=120s');
    };
    const fenced = async (): Promise<readonly string[]> => {
      const { peers } = await signers.at('infrastructure').describe();
      return peers.flatMap(({ name, fenced }) => (fenced ? [name] : []));
    };
    const ask = async (id: string): Promise<object> => {
      const { statement, signature } = await treasury.signedRequest(id, await messagePayload(id));
      return signers.at('infrastructure').sign({ statement: Buffer.from(statement), signature, approvals: [] });
    };

    beforeAll(async () => {
      // Whoever administers the client's namespace has its signer give wrong shares.
      await runClient({ op: 'add', value: lyingSigner });
      await vi.waitUntil(
        async () => {
          await ask(`lie-${Date.now()}`);
          return (await fenced()).length > 0;
        },
        { timeout: 60_000, interval: 1_000 },
      );
    });

    test('clears no fence, by nothing that it may tell signers, nor by starting them anew', async () => {
      expect(await provisionAt('infrastructure', {})).toBe('accepted');
      expect(await provisionAt('infrastructure', { peers: known.peers.toReversed() })).toBe('accepted');
      expect(await fenced()).toEqual(['client']);
      await runClient({ op: 'remove' });
      await treasury.kubectl('delete', 'pod', pod('infrastructure'));
      for (const what of ['create', 'condition=Ready'])
        await treasury.kubectl('wait', `pod/${pod('infrastructure')}`, `--for=${what}`, '--timeout=60s');
      await open('infrastructure');
      expect(await provisionAt('infrastructure', {})).toBe('accepted');
      expect(await fenced()).toEqual(['client']);
      expect(await ask('after-all')).toMatchObject({ outcome: 'failed', signatures: [] });
    });
  });
});
