import { describe, expect, it, vi } from 'vitest';
import { digest, equal, fromUtf8 } from '../../common/bytes.ts';
import type { SignRound, SignShares } from '../../proto/gen/signer/v1/peer.ts';
import { sessionId } from '../../signer/ceremony/session.ts';
import { parseStatement } from '../../statement/statements.ts';
import { fastClock } from '../simulation/fast-clock.ts';
import { SimulatedWallet, type SimulatedHolder } from '../simulation/simulated-wallet.ts';
import type { PeerBody } from '../../signer/peers/peers.ts';
import { frostScheme, inlineEngine } from '../../signer/scheme/frost-scheme.ts';
import type { FrostScheme } from '../../signer/scheme/scheme.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const holders: readonly SimulatedHolder[] = [
  { name: 'infrastructure', role: 'Infrastructure' },
  { name: 'one', role: 'Client' },
  { name: 'two', role: 'Client' },
  { name: 'backup', role: 'Backup' },
];
const engine = inlineEngine();

async function started(
  scheme: FrostScheme,
  onSend?: SimulatedWallet['network']['onSend'],
  of: readonly SimulatedHolder[] = holders,
  threshold = 2,
): Promise<SimulatedWallet> {
  const wallet = new SimulatedWallet({
    policy,
    holders: of,
    threshold,
    clock: fastClock(20),
    scheme: (name) => frostScheme(name, engine),
  });
  if (onSend !== undefined) wallet.network.onSend = onSend;
  await wallet.startAll([{ name: 'solana', scheme }]);
  await wallet.keyActive('solana');
  return wallet;
}

const data = (byte: number): string => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
const accused = (wallet: SimulatedWallet): readonly string[] =>
  wallet.holders.flatMap(({ name }) =>
    wallet
      .disk(name)
      .audit.map((r) => JSON.parse(fromUtf8(r.record)) as Record<string, string>)
      .flatMap((entry) => (entry['type'] === 'CulpritFound' ? [`${name}: ${entry['culprit']}`] : [])),
  );

type Answer = (shares: SignShares, before: SignShares) => SignShares;

/** [how `one` answers its second round, having kept what it answered to the first, whether it is named for it] */
const answers: readonly (readonly [string, Answer, boolean])[] = [
  ['its answer to an earlier request', (now, before) => ({ ...before, session: now.session }), true],
  ['a share that is no scalar', (now) => ({ ...now, shares: [new Uint8Array(32).fill(255)] }), true],
  ['a share of nothing', (now) => ({ ...now, shares: [new Uint8Array(32)] }), true],
  ['an answer to an earlier session, replayed', (_, before) => before, false],
  ['an answer to a session that nobody began', (now) => ({ ...now, session: new Uint8Array(32) }), false],
  ['a session id of wrong length', (now) => ({ ...now, session: now.session.slice(1) }), false],
  ['no shares', (now) => ({ ...now, shares: [] }), false],
  ['a share too many', (now) => ({ ...now, shares: [...now.shares, ...now.shares] }), false],
  ['a share cut short', (now) => ({ ...now, shares: now.shares.map((s) => s.slice(1)) }), false],
  ['an oversized share', (now) => ({ ...now, shares: [new Uint8Array(500_000)] }), false],
  ['very many shares', (now) => ({ ...now, shares: Array.from({ length: 20_000 }, () => now.shares[0]!) }), false],
];

/** A wrong share, and what a forged coordinator gets besides, a stale epoch among it: signer/ceremony/sign-cheating.test.ts, sign.test.ts. */
describe.each(['EdDSA', 'Schnorr'] as const)('a party that lies in signing of %s', (scheme) => {
  it.each(answers)('%s: gets no say, and others sign this request and the next', async (_, answer, named) => {
    const wallet = await started(scheme);
    const given: SignShares[] = [];
    wallet.network.onSend = (from, _to, body) => {
      if (from !== 'one' || body.$case !== 'signShares') return true;
      given.push(body.value);
      return given.length === 2 ? { ...body, value: answer(body.value, given[0]!) } : true;
    };
    const first = await wallet.sign('infrastructure', wallet.request({ id: 'first' }));
    expect(first).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'one'] });
    const cheated = await wallet.sign('infrastructure', wallet.request({ id: 'cheated', data: data(2) }));
    expect(given).toHaveLength(2);
    expect(cheated, cheated.message).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'two'] });
    expect(accused(wallet)).toEqual(named ? ['infrastructure: one'] : []);
    // Whoever was not named is asked again where others are away.
    if (!named) wallet.kill('two');
    const next = await wallet.sign('infrastructure', wallet.request({ id: 'next', data: data(3) }));
    const participants = ['infrastructure', named ? 'two' : 'one'];
    expect(next, next.message).toMatchObject({ outcome: 'signed', participants });
    wallet.killAll();
  });

  it('another’s session: an answer counts for its sender alone', async () => {
    const wallet = await started(scheme);
    let forged = 0;
    wallet.network.onSend = (from, to, body) => {
      if (from !== 'infrastructure' || to !== 'one' || body.$case !== 'signRound' || forged++ > 0) return true;
      const value = { session: body.value.session, shares: [new Uint8Array(32).fill(1)] };
      wallet.network.forge('two', 'infrastructure', { $case: 'signShares', value });
      const refusal = { session: body.value.session, reason: 'PolicyDenied', message: 'no', rule: '' };
      wallet.network.forge('two', 'infrastructure', { $case: 'refusal', value: refusal });
      return true;
    };
    const reply = await wallet.sign('infrastructure', wallet.request({ id: 'first' }));
    expect(forged).toBe(1);
    expect(reply).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'one'] });
    expect(accused(wallet)).toEqual([]);
    wallet.killAll();
  });

  it('commitments that are no points: their maker is named, since they came over its own link', async () => {
    const wallet = await started(scheme, (from, _to, body) =>
      from === 'one' && body.$case === 'commitments'
        ? {
            ...body,
            value: {
              ...body.value,
              commitments: body.value.commitments.map((c) => ({ ...c, binding: c.binding.map(() => 255) })),
            },
          }
        : true,
    );
    for (const [i, id] of ['cheated', 'next'].entries()) {
      const reply = await wallet.sign('infrastructure', wallet.request({ id, data: data(i + 1) }));
      expect(reply, reply.message).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'two'] });
    }
    expect(accused(wallet)).toEqual(['infrastructure: one']);
    expect(wallet.disk('one').releases).toEqual([]);
    wallet.killAll();
  });

  const rounds: readonly (readonly [string, (round: SignRound) => SignRound, string])[] = [
    [
      'another list of commitments under the session of the others',
      (r) => ({
        ...r,
        inputs: r.inputs.map(({ contributions }) => ({
          contributions: contributions.map((c) =>
            c.holder === 'infrastructure' ? { ...c, hiding: c.binding, binding: c.hiding } : c,
          ),
        })),
      }),
      'SessionMismatch',
    ],
    [
      'a commitment of wrong length',
      (r) => ({
        ...r,
        inputs: r.inputs.map(({ contributions }) => ({
          contributions: contributions.map((c) =>
            c.holder === 'infrastructure' ? { ...c, hiding: c.hiding.slice(1) } : c,
          ),
        })),
      }),
      'SessionMismatch',
    ],
    ['too many inputs', (r) => ({ ...r, inputs: Array.from({ length: 1_000 }, () => r.inputs[0]!) }), 'Malformed'],
    ['no request', (r) => ({ ...r, request: undefined }), 'Malformed'],
    ['another key', (r) => ({ ...r, key: 'x'.repeat(100_000) }), 'KeyNotReady'],
  ];
  it.each(rounds)('a coordinator’s round with %s: refused without a culprit', async (_, change, reason) => {
    const wallet = await started(scheme);
    const heard: PeerBody[] = [];
    let lied = false;
    wallet.network.onSend = (from, to, body) => {
      if (from === 'one' && (body.$case === 'refusal' || body.$case === 'signShares')) heard.push(body);
      if (to !== 'one' || body.$case !== 'signRound' || lied) return true;
      lied = true;
      return { ...body, value: change(body.value) };
    };
    const reply = await wallet.sign('infrastructure', wallet.request({ id: 'cheated' }));
    expect(reply, reply.message).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'two'] });
    expect(heard).toMatchObject([{ $case: 'refusal', value: { reason } }]);
    expect(wallet.disk('one').releases).toEqual([]);
    expect(accused(wallet)).toEqual([]);
    wallet.kill('two');
    const next = await wallet.sign('infrastructure', wallet.request({ id: 'next', data: data(2) }));
    expect(next, next.message).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'one'] });
    wallet.killAll();
  });

  it('different lists of commitments to different members, each under its own session: no signature, and the next is signed', async () => {
    const five: readonly SimulatedHolder[] = [
      { name: 'east', role: 'Infrastructure' },
      { name: 'west', role: 'Infrastructure' },
      { name: 'one', role: 'Client' },
      { name: 'two', role: 'Client' },
      { name: 'backup', role: 'Backup' },
    ];
    const wallet = await started(scheme, undefined, five, 3);
    const [certificate] = wallet.signer('east').facts().certificates;
    const { epoch } = parseStatement('holdfast/certificate/v1', certificate!.statement);
    let sessions: { readonly told: Uint8Array; readonly own: Uint8Array } | undefined;
    let released = false;
    wallet.network.onSend = (from, to, body) => {
      if (from === 'east' && to === 'one' && body.$case === 'signRound' && sessions === undefined) {
        const round = body.value;
        const inputs = round.inputs.map(({ contributions }) => ({
          contributions: contributions.map((c) =>
            c.holder === 'west' ? { ...c, hiding: c.binding, binding: c.hiding } : c,
          ),
        }));
        const session = sessionId({
          genesis: digest(wallet.genesis),
          key: round.key,
          epoch,
          request: digest(round.request!.statement),
          policy: round.policyDigest,
          quorum: round.quorum,
          inputs,
        });
        sessions = { told: session, own: round.session };
        return { ...body, value: { ...round, inputs, session } };
      }
      if (from !== 'one' || body.$case !== 'signShares' || sessions === undefined) return true;
      if (!equal(body.value.session, sessions.told)) return true;
      released = true;
      return { ...body, value: { ...body.value, session: sessions.own } };
    };
    // The share that the lie brought about looks wrong to the liar alone; what is signed in the end is of another quorum.
    const cheated = await wallet.sign('east', wallet.request({ id: 'cheated' }));
    expect(released).toBe(true);
    expect(cheated, cheated.message).toMatchObject({ outcome: 'signed', participants: ['east', 'west', 'two'] });
    expect(accused(wallet)).toEqual(['east: one']);
    // Without the liar those who were lied to trust one another.
    wallet.kill('east');
    const next = await wallet.sign('west', wallet.request({ id: 'next', data: data(2) }));
    expect(next, next.message).toMatchObject({ outcome: 'signed', participants: ['west', 'one', 'two'] });
    wallet.killAll();
  });

  it('a round that was answered, sent again or by who coordinates nothing: gives no second share', async () => {
    const wallet = await started(scheme);
    const heard: PeerBody[] = [];
    let round: PeerBody | undefined;
    wallet.network.onSend = (from, to, body) => {
      if (from === 'one' && (body.$case === 'refusal' || body.$case === 'signShares')) heard.push(body);
      if (to === 'one' && body.$case === 'signRound') round ??= body;
      return true;
    };
    await wallet.sign('infrastructure', wallet.request({ id: 'first' }));
    wallet.network.forge('infrastructure', 'one', round!);
    wallet.network.forge('two', 'one', round!);
    await vi.waitUntil(() => heard.length === 3, { timeout: 10_000 });
    expect(heard.map((b) => (b.$case === 'refusal' ? b.value.reason : b.$case)).toSorted()).toEqual([
      'NonceUnknown',
      'SessionMismatch',
      'signShares',
    ]);
    expect(wallet.disk('one').releases).toHaveLength(1);
    expect(accused(wallet)).toEqual([]);
    const next = await wallet.sign('infrastructure', wallet.request({ id: 'next', data: data(2) }));
    expect(next, next.message).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'one'] });
    wallet.killAll();
  });
});
