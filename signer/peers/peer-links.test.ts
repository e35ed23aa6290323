import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { Client, Metadata } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { selfSignedCertificate } from '../../common/certificate.ts';
import { type Clock, systemClock } from '../../common/clock.ts';
import { createLog } from '../../common/log.ts';
import { type Hello, PeerServiceService } from '../../proto/gen/signer/v1/peer.ts';
import { encodeBatch, encodeBody } from './link-codec.ts';
import { openPeerLinks } from './peer-links.ts';
import type { PeerBody, PeerLinks, Received } from './peers.ts';
import { peerChannelCredentials, type TlsIdentity } from './pinned-credentials.ts';

const GENESIS = `sha256:${'ab'.repeat(32)}`;

type Holder = { readonly name: string; readonly identity: TlsIdentity; readonly spki: Uint8Array };

function holder(name: string): Holder {
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    name,
    identity: { privateKey, certificate: selfSignedCertificate({ commonName: name, privateKey }) },
    spki: spkiOf(privateKey),
  };
}

const spkiOf = (key: KeyObject): Uint8Array => createPublicKey(key).export({ format: 'der', type: 'spki' });

/** A running signer's links that write down what happens. */
class Node {
  readonly holder: Holder;
  readonly links: PeerLinks;
  readonly events: string[];
  readonly received: Received[];
  readonly log: string[];
  /** Answers to messages, where a test wants any. */
  onMessage: (peer: string, message: Received) => void = () => {};
  static #running: Node[] = [];

  private constructor(holder: Holder, links: PeerLinks, events: string[], received: Received[], log: string[]) {
    this.holder = holder;
    this.links = links;
    this.events = events;
    this.received = received;
    this.log = log;
  }

  static async start(
    me: Holder,
    roster: readonly Holder[],
    options: { port?: number; genesis?: string; holder?: string; clock?: Clock } = {},
  ): Promise<Node> {
    const boot = Uint8Array.from(randomBytes(16));
    const events: string[] = [];
    const received: Received[] = [];
    const log: string[] = [];
    let sequence = 0n;
    const links = await openPeerLinks({
      listen: `127.0.0.1:${options.port ?? 0}`,
      ...(options.clock !== undefined && { clock: options.clock }),
      identity: me.identity,
      pins: new Map(roster.map((h) => [h.name, h.spki])),
      head: () => ({ sequence: ++sequence, hash: new Uint8Array(32) }),
      log: createLog((line) => log.push(line), 'debug'),
      handlers: {
        hello: () => hello(options.genesis ?? GENESIS, options.holder ?? me.name, boot),
        onUp: (peer, theirs) => events.push(`up ${peer} ${theirs.version}`),
        onDown: (peer) => events.push(`down ${peer}`),
        onMessage(peer, message) {
          received.push(message);
          node.onMessage(peer, message);
        },
      },
    });
    const node = new Node(me, links, events, received, log);
    Node.#running.push(node);
    return node;
  }

  /** Tells this node where others are. */
  meet(...others: readonly Node[]): void {
    this.links.setPeers(
      others.map((o) => ({
        name: o.holder.name,
        endpoint: `127.0.0.1:${o.links.port}`,
        certificate: o.holder.identity.certificate,
      })),
    );
  }

  /** Indices of the messages received from Ask digests that {@link ask} made. */
  get asked(): number[] {
    return this.received.flatMap(({ body }) =>
      body.$case === 'ask' ? [new DataView(body.value.digest.slice().buffer).getUint32(0)] : [],
    );
  }

  static async stopAll(): Promise<void> {
    await Promise.all(Node.#running.map((n) => n.links.close()));
    Node.#running = [];
  }
}

const hello = (genesis: string, name: string, boot: Uint8Array): Hello => ({
  genesis,
  holder: name,
  boot,
  version: '1.0',
  remembered: { sequence: 0n, hash: new Uint8Array(0) },
  signed: undefined,
  spendsSeen: 0n,
});

function ask(index: number, size = 32): PeerBody {
  const digest = new Uint8Array(size);
  new DataView(digest.buffer).setUint32(0, index);
  return { $case: 'ask', value: { digest } };
}

const until = (what: () => boolean, ms = 5000): Promise<void> =>
  expect.poll(what, { timeout: ms, interval: 5 }).toBe(true);
const quiet = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

afterEach(() => Node.stopAll());

describe('links between signers', () => {
  const [a, b, c] = [holder('a'), holder('b'), holder('c')];
  const roster = [a, b, c];

  it('come up once, whoever dials', async () => {
    const [na, nb, nc] = [await Node.start(a, roster), await Node.start(b, roster), await Node.start(c, roster)];
    na.meet(nb, nc);
    nb.meet(na, nc);
    nc.meet(na, nb);
    await until(() => [na, nb, nc].every((n) => n.events.length === 2));
    await quiet(300);
    expect(na.events.sort()).toEqual(['up b 1.0', 'up c 1.0']);
    expect(nc.events.sort()).toEqual(['up a 1.0', 'up b 1.0']);
    expect(na.links.available('b')).toBe(true);
    expect(na.links.available('a')).toBe(false);
    expect(na.links.send('nobody', ask(1))).toBe(false);
  });

  it('carry messages both ways when only one side can dial', async () => {
    const [na, nb] = [await Node.start(a, roster), await Node.start(b, roster)];
    nb.links.setPeers([{ name: 'a', endpoint: '', certificate: a.identity.certificate }]);
    na.meet(nb);
    await until(() => na.links.available('b') && nb.links.available('a'));
    for (const i of count(50)) {
      expect(na.links.send('b', ask(i))).toBe(true);
      expect(nb.links.send('a', ask(i))).toBe(true);
    }
    await until(() => na.received.length === 50 && nb.received.length === 50);
    expect(na.asked).toEqual(count(50));
    expect(nb.asked).toEqual(count(50));
  });

  it('stay up while what one side dials gives no answer', async () => {
    // As where the pod behind a Service is a new one, and the first packet went to the old.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const clock: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 10, run) };
    const [na, nb] = [await Node.start(a, roster, { clock }), await Node.start(b, roster, { clock })];
    const { port } = silent.address() as AddressInfo;
    na.links.setPeers([{ name: 'b', endpoint: `127.0.0.1:${port}`, certificate: b.identity.certificate }]);
    nb.meet(na);
    await until(() => na.links.available('b') && nb.links.available('a'));
    // Longer than a greeting is waited for.
    await quiet(1_000);
    expect([na.events, nb.events]).toEqual([['up b 1.0'], ['up a 1.0']]);
  });

  it('keep the order while they change over to the other stream', async () => {
    const [na, nb] = [await Node.start(a, roster), await Node.start(b, roster)];
    nb.links.setPeers([{ name: 'a', endpoint: '', certificate: a.identity.certificate }]);
    na.meet(nb);
    await until(() => na.links.available('b') && nb.links.available('a'));
    // b dials only now, with messages under way in both directions all the time.
    nb.meet(na);
    for (const i of count(400)) {
      na.links.send('b', ask(i, 1000));
      nb.links.send('a', ask(i, 1000));
      if (i % 20 === 0) await quiet(5);
    }
    await until(() => na.received.length >= 400 && nb.received.length >= 400);
    expect(na.asked).toEqual(count(400));
    expect(nb.asked).toEqual(count(400));
    expect([...na.events, ...nb.events]).toEqual(['up b 1.0', 'up a 1.0']);
  });

  it('send a head of the moment with every message, and at most eight messages at once', async () => {
    const [na, nb] = [await Node.start(a, roster), await Node.start(b, roster)];
    na.meet(nb);
    nb.meet(na);
    await until(() => na.links.available('b') && nb.links.available('a'));
    await quiet(200);
    for (const i of count(20)) na.links.send('b', ask(i));
    await until(() => nb.received.length === 20);
    // One head a batch: 8 and 8 leave as soon as they are full, the rest when the turn ends.
    const heads = nb.received.map((m) => m.head.sequence);
    const sizes = [...new Set(heads)].map((h) => heads.filter((x) => x === h).length);
    expect(sizes).toEqual([8, 8, 4]);
  });

  it('carry the largest message, and refuse a larger one without harm', async () => {
    const [na, nb] = [await Node.start(a, roster), await Node.start(b, roster)];
    na.meet(nb);
    nb.meet(na);
    await until(() => na.links.available('b') && nb.links.available('a'));
    const largest = (1 << 20) - 200;
    for (const i of count(6)) expect(na.links.send('b', ask(i, largest))).toBe(true);
    expect(na.links.send('b', ask(6, 1 << 20))).toBe(false);
    na.links.send('b', ask(7));
    await until(() => nb.received.length === 7);
    expect(nb.asked).toEqual([0, 1, 2, 3, 4, 5, 7]);
  });

  it('end when a peer does not read', async () => {
    const [na, nb] = [await Node.start(a, roster), await Node.start(b, roster)];
    na.meet(nb);
    nb.meet(na);
    await until(() => na.links.available('b') && nb.links.available('a'));
    let sent = 0;
    // All in one turn, so that nothing can leave.
    while (sent < 100 && na.links.send('b', ask(sent, 1 << 19))) sent++;
    expect(sent).toBeGreaterThan(15);
    expect(sent).toBeLessThan(60);
    expect(na.events).toContain('down b');
    await until(() => na.events.length === 3 && na.links.available('b'));
  });

  it('go down and come up again, fast, when the other process stops and starts', async () => {
    const na = await Node.start(a, roster);
    let nb = await Node.start(b, roster);
    const { port } = nb.links;
    na.meet(nb);
    nb.meet(na);
    await until(() => na.links.available('b') && nb.links.available('a'));
    await nb.links.close();
    await until(() => !na.links.available('b'), 1000);
    expect(nb.events).toEqual(['up a 1.0', 'down a']);
    expect(na.links.send('b', ask(1))).toBe(false);
    await quiet(300);
    nb = await Node.start(b, roster, { port });
    nb.meet(na);
    await until(() => na.links.available('b') && nb.links.available('a'), 2000);
    na.links.send('b', ask(2));
    nb.links.send('a', ask(3));
    await until(() => na.received.length === 1 && nb.received.length === 1);
    expect(na.events).toEqual(['up b 1.0', 'down b', 'up b 1.0']);
  });

  it('follow a peer to another address', async () => {
    const na = await Node.start(a, roster);
    const nb = await Node.start(b, roster);
    na.links.setPeers([{ name: 'b', endpoint: '127.0.0.1:1', certificate: b.identity.certificate }]);
    await quiet(300);
    expect(na.events).toEqual([]);
    nb.links.setPeers([{ name: 'a', endpoint: '', certificate: a.identity.certificate }]);
    na.meet(nb);
    na.meet(nb);
    await until(() => na.links.available('b'), 1000);
    expect(na.events).toEqual(['up b 1.0']);
  });

  it('end at a handler that throws, and nothing else ends', async () => {
    const [na, nb] = [await Node.start(a, roster), await Node.start(b, roster)];
    na.meet(nb);
    nb.meet(na);
    await until(() => na.links.available('b') && nb.links.available('a'));
    nb.onMessage = () => {
      nb.onMessage = () => {};
      throw new Error('a mistake of ours');
    };
    na.links.send('b', ask(1));
    await until(() => nb.events.includes('down a') && na.events.includes('down b'));
    await until(() => na.links.available('b') && nb.links.available('a'));
    expect(nb.log.join('')).toContain('a mistake of ours');
  });
});

describe('links refuse', () => {
  const [a, b, stranger] = [holder('a'), holder('b'), holder('b')];

  it('a certificate whose key genesis does not pin, and change nothing', async () => {
    const na = await Node.start(a, [a, b]);
    const other = { name: 'b', endpoint: '127.0.0.1:1', certificate: stranger.identity.certificate };
    expect(() => na.links.setPeers([other])).toThrow('not the one in genesis');
    expect(() => na.links.setPeers([{ ...other, name: 'x' }])).toThrow('want a holder of this wallet');
    expect(() => na.links.setPeers([{ ...other, name: 'a', certificate: a.identity.certificate }])).toThrow(
      'other than this signer',
    );
    expect(() => na.links.setPeers([{ ...other, certificate: Uint8Array.of(1, 2, 3) }])).toThrow();
    for (const endpoint of ['unix:/tmp/socket', 'host', 'http://host:1', 'a:1,b:2', '[::1]'])
      expect(() => na.links.setPeers([{ name: 'b', endpoint, certificate: b.identity.certificate }])).toThrow(
        'want an endpoint like',
      );
  });

  it('a server that is not the peer dialled', async () => {
    const na = await Node.start(a, [a, b]);
    const fake = await Node.start(stranger, [a, stranger]);
    fake.links.setPeers([{ name: 'a', endpoint: '', certificate: a.identity.certificate }]);
    na.links.setPeers([{ name: 'b', endpoint: `127.0.0.1:${fake.links.port}`, certificate: b.identity.certificate }]);
    await until(() => na.log.some((line) => line.includes('dialling peer again')));
    await quiet(300);
    expect([na.events, fake.events]).toEqual([[], []]);
  });

  it('a caller that genesis does not name', async () => {
    const nb = await Node.start(b, [a, b]);
    const fakeA = holder('a');
    const intruder = await Node.start(fakeA, [fakeA, b]);
    nb.links.setPeers([{ name: 'a', endpoint: '', certificate: a.identity.certificate }]);
    intruder.meet(nb);
    await until(() => intruder.log.some((line) => line.includes('dialling peer again')));
    await quiet(300);
    expect([nb.events, intruder.events]).toEqual([[], []]);
  });

  it('a hello of another wallet or in another name', async () => {
    for (const wrong of [{ genesis: `sha256:${'00'.repeat(32)}` }, { holder: 'c' }]) {
      const [na, nb] = [await Node.start(a, [a, b]), await Node.start(b, [a, b], wrong)];
      na.meet(nb);
      nb.meet(na);
      await until(() => na.log.some((line) => line.includes('hello of another')));
      expect(na.events).toEqual([]);
      await Node.stopAll();
    }
  });

  describe('from a peer taken over', () => {
    /** Speaks as holder a to `to`, byte by byte as a test likes. */
    function speak(to: Node) {
      const asIs = (bytes: Buffer): Buffer => bytes;
      const client = new Client(
        `127.0.0.1:${to.links.port}`,
        peerChannelCredentials(a.identity, b.identity.certificate),
        {
          'grpc.ssl_target_name_override': 'peer',
        },
      );
      const stream = client.makeBidiStreamRequest(PeerServiceService.link.path, asIs, asIs, new Metadata());
      const ended = new Promise<string>((resolve) => stream.on('error', (error: Error) => resolve(error.message)));
      stream.resume();
      void ended.then(() => client.close());
      return { stream, ended, client };
    }
    const head = { sequence: 1n, hash: new Uint8Array(32) };
    const greeting = encodeBody({ $case: 'hello', value: hello(GENESIS, 'a', new Uint8Array(16)) });
    const listening = async (options: { clock?: Clock } = {}): Promise<Node> => {
      const nb = await Node.start(b, [a, b], options);
      nb.links.setPeers([{ name: 'a', endpoint: '', certificate: a.identity.certificate }]);
      return nb;
    };

    it.each([
      ['no protobuf', Buffer.from('ffffffffffffffff', 'hex')],
      ['a length beyond the end', Buffer.from('0aff7f00', 'hex')],
      ['nothing', Buffer.alloc(0)],
      [
        'nine messages',
        encodeBatch(
          head,
          Array.from({ length: 9 }, () => encodeBody(ask(1))),
        ),
      ],
      ['a message without a head', Buffer.concat([Buffer.of(0x0a, greeting.length & 0x7f), greeting])],
      ['a message without a body', encodeBatch(head, [new Uint8Array()])],
      ['an unknown body', encodeBatch(head, [Uint8Array.of(0xfa, 0x3f, 0)])],
      ['a second hello', encodeBatch(head, [greeting])],
      ['two megabytes', encodeBatch(head, [encodeBody(ask(1, 2 << 20))])],
    ])('%s, after the greeting', async (_, bytes) => {
      const nb = await listening();
      const { stream, ended } = speak(nb);
      stream.write(encodeBatch(head, [greeting]));
      await until(() => nb.links.available('a'));
      stream.write(bytes);
      await ended;
      await until(() => nb.events.includes('down a'));
      expect(nb.received).toEqual([]);
      // And the honest peer is welcome as before.
      const again = speak(nb);
      again.stream.write(encodeBatch(head, [greeting]));
      await until(() => nb.links.available('a'));
      again.client.close();
      again.stream.cancel();
    });

    it('anything before the greeting', async () => {
      const nb = await listening();
      const { stream, ended } = speak(nb);
      stream.write(encodeBatch(head, [encodeBody(ask(1))]));
      expect(await ended).toContain('ask before hello');
      expect([nb.events, nb.received]).toEqual([[], []]);
    });

    it('an older stream, once a newer one is there', async () => {
      const nb = await listening();
      const first = speak(nb);
      first.stream.write(encodeBatch(head, [greeting]));
      await until(() => nb.links.available('a'));
      const second = speak(nb);
      expect(await first.ended).toContain('replaced by a newer connection');
      second.stream.write(encodeBatch(head, [greeting, encodeBody(ask(5))]));
      await until(() => nb.asked.length === 1);
      expect(nb.events).toEqual(['up a 1.0', 'down a', 'up a 1.0']);
      second.stream.cancel();
      second.client.close();
    });

    it('silence instead of a greeting', async () => {
      // A hundred seconds in each.
      const clock: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 100, run) };
      const nb = await listening({ clock });
      const { ended } = speak(nb);
      expect(await ended).toContain('no hello within 5 s');
    });
  });
});
