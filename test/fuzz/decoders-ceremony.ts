import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { digest, fromUtf8, utf8 } from '../../common/bytes.ts';
import { systemClock, type Clock } from '../../common/clock.ts';
import { createLog } from '../../common/log.ts';
import type { Hello } from '../../proto/gen/signer/v1/peer.ts';
import { ProvisionRequest } from '../../proto/gen/signer/v1/signer.ts';
import { identityHeads } from '../../signer/ceremony/identity-heads.ts';
import { silentMeter } from '../../signer/ceremony/meter.ts';
import { decodeBatch, encodeBatch, encodeBody } from '../../signer/peers/link-codec.ts';
import type { PeerBody, PeerHandlers } from '../../signer/peers/peers.ts';
import { Signer } from '../../signer/signer.ts';
import { Dice } from '../simulation/dice.ts';
import { Disk, MemoryStore } from '../simulation/memory-store.ts';
import { plainShares, SimulatedWallet } from '../simulation/simulated-wallet.ts';
import { toyEcdsa } from '../simulation/toy-ecdsa.ts';
import { toyScheme } from '../simulation/toy-scheme.ts';
import { VirtualWorld } from '../simulation/virtual-world.ts';
import { realWorld } from '../simulation/world.ts';
import type { Decoder } from './decoder.ts';
import { damagedProtobuf } from './decoder-kinds.ts';

/** Turns of the event loop after which what an input set off has been done, or waits for a peer. */
const TURNS = 8;

const virtual = new VirtualWorld(new Dice(1));
const wallet = new SimulatedWallet({
  policy: {
    rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: 9, per: '1h' }] }],
  },
  // Identities are the same in every run, so that a finding's input shows it again.
  world: { ...realWorld(), identity: (name) => virtual.identity(name) },
});
const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];

/** Everything that client and coordinator said to each other while they made a key and signed with it. */
const said: Record<'infrastructure' | 'client', PeerBody[]> = { infrastructure: [], client: [] };
wallet.network.onSend = (from, to, body) => {
  if (to !== 'backup' && from !== 'backup') said[to as keyof typeof said].push(body);
  return true;
};
await wallet.startAll(keys);
await wallet.keyActive('solana');
await wallet.sign('infrastructure', wallet.request({ id: 'one' }));
await wallet.sign('client', wallet.request({ id: 'two' }));
await nextTurn();
const disks = new Map(['infrastructure', 'client'].map((name) => [name, wallet.disk(name).copy()]));
wallet.killAll();

/** Time stands still for whoever waits: nobody answers what an input sets off. */
const still: Clock = { now: systemClock.now, monotonic: systemClock.monotonic, after: () => () => {} };

/** What a signer logs of a mistake of ours that it caught: an engine's words for a value used before it was checked. */
const mistake =
  /Cannot (?:read|convert|mix|destructure)|is not (?:a function|iterable|defined)|Invalid (?:time|array|typed|string)|call stack|out of range|ERR_/;

/** A signer over `disk` with no peers but whom it is told of; `mistakes` fills with what it caught. */
async function open(
  holder: string,
  disk: Disk,
  mistakes: string[],
): Promise<{ readonly signer: Signer; readonly handlers: () => PeerHandlers | undefined }> {
  let handlers: PeerHandlers | undefined;
  const store = new MemoryStore(disk);
  const signer = await Signer.open(
    {
      ...{ wallet: 'payments/treasury', holder, version: '0.0.0', clock: still, store, meter: silentMeter },
      random: (length) => new Uint8Array(length).fill(7),
      scheme: (name) => {
        const random = (length: number): Uint8Array => new Uint8Array(length).fill(7);
        return name === 'ECDSA' ? toyEcdsa(random) : toyScheme(name, random);
      },
      identity: wallet.identity(holder),
      heads: identityHeads(wallet.identity(holder)),
      shares: plainShares,
      log: createLog((line) => void (mistake.test(line) && mistakes.push(line)), 'debug'),
    },
    new Uint8Array(),
    async (_pins, _genesis, given) => {
      handlers = given;
      return { port: 0, send: () => true, available: () => true, setPeers() {}, close: async () => {} };
    },
  );
  return { signer, handlers: () => handlers };
}

const settled = async (mistakes: readonly string[]): Promise<void> => {
  for (let turn = 0; turn < TURNS; turn++) await nextTurn();
  if (mistakes.length > 0) throw new TypeError(mistakes.join('\n'));
};

const head = { sequence: 41n, hash: new Uint8Array(32).fill(4) };
const hello: Hello = {
  ...{ genesis: digest(wallet.genesis), boot: Buffer.alloc(16, 3), spendsSeen: 0n, version: '0.1.0', holder: 'client' },
  ...{ remembered: undefined, signed: undefined },
};

/** Has `from` compare its audit log with the signer: before that it is heard on nothing else. */
function join({ signer, links }: { readonly signer: Signer; readonly links: PeerHandlers }, from: string): void {
  links.onUp(from, hello, head);
  const { remembered } = links.hello(from);
  links.onMessage(from, { head, body: { $case: 'headAnswer', value: { remembered, found: true } } });
  links.onMessage(from, { head, body: { $case: 'joined', value: {} } });
  if (!signer.peers.some(([name, joined]) => name === from && joined)) throw new TypeError(`${from} did not join`);
}

/** Messages of `from` at the signer of `holder`, each on a copy of its state. */
const messagesAt = (holder: 'infrastructure' | 'client', from: string): Decoder => ({
  name: `messages at ${holder}`,
  seeds: onePerKind(said[holder]).map((body) => Uint8Array.from(encodeBody(body))),
  async decode(bytes) {
    const mistakes: string[] = [];
    const { signer, handlers } = await open(holder, (disks.get(holder) as Disk).copy(), mistakes);
    const links = handlers();
    if (links === undefined) throw new TypeError('the signer has no links');
    join({ signer, links }, from);
    for (const message of decodeBatch(encodeBatch(head, [bytes]))) links.onMessage(from, message);
    await settled(mistakes);
    return undefined;
  },
  refuses: damagedProtobuf,
  mostBytes: 128 * 1024,
});

/** The last of each kind, but for those that say nothing. */
function onePerKind(bodies: readonly PeerBody[]): readonly PeerBody[] {
  const last = new Map(bodies.map((body) => [body.$case, body]));
  return [...last.values()].filter(({ $case }) => $case !== 'hello');
}

const provisioning = (genesis: Uint8Array, policyDocument: Uint8Array): Uint8Array =>
  ProvisionRequest.encode({
    genesis: Buffer.from(genesis),
    policyDocument: Buffer.from(policyDocument),
    peers: [{ name: 'client', endpoint: '127.0.0.1:7443', certificate: Buffer.alloc(3) }],
    keys: [...keys],
  }).finish();

/** A genesis with other members, under the policy that it pins or another one. */
const otherGenesis = fc
  .tuple(
    fc.dictionary(fc.constantFrom('wallet', 'threshold', 'holders', 'policy', 'type', '__proto__'), fc.jsonValue(), {
      maxKeys: 1,
    }),
    fc.oneof(fc.constant(fromUtf8(wallet.policyDocument)), fc.json()),
    fc.boolean(),
  )
  .map(([changed, policy, pinned]) => {
    const genesis = JSON.parse(fromUtf8(wallet.genesis)) as Record<string, unknown>;
    const members = { ...genesis, ...(pinned && { policy: digest(utf8(policy)) }), ...changed };
    return provisioning(utf8(JSON.stringify(members)), utf8(policy));
  });

export const ceremonyDecoderTable: readonly Decoder[] = [
  {
    name: 'genesis at a signer',
    seeds: [provisioning(wallet.genesis, wallet.policyDocument)],
    async decode(bytes) {
      const mistakes: string[] = [];
      const { signer } = await open('infrastructure', new Disk(), mistakes);
      await signer.provision(ProvisionRequest.decode(bytes));
      await settled(mistakes);
      return undefined;
    },
    structured: otherGenesis,
    refuses: damagedProtobuf,
    mostBytes: 128 * 1024,
  },
  messagesAt('infrastructure', 'client'),
  messagesAt('client', 'infrastructure'),
];
