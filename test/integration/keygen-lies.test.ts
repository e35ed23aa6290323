import { describe, expect, it, vi } from 'vitest';
import { fromUtf8 } from '../../common/bytes.ts';
import { fastClock } from '../simulation/fast-clock.ts';
import { SimulatedWallet } from '../simulation/simulated-wallet.ts';
import type { PeerBody } from '../../signer/peers/peers.ts';
import { FrostKeygen } from '../../signer/scheme/frost-keygen.ts';
import { frostScheme, inlineEngine } from '../../signer/scheme/frost-scheme.ts';
import type { FrostScheme, Round1 } from '../../signer/scheme/scheme.ts';

const policy = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };
const engine = inlineEngine();

/** What `client` sends to `to` in place of `body`. */
type Lie = (body: PeerBody, to: string) => PeerBody;
type Round1Body = Extract<PeerBody, { $case: 'keygenRound1' }>;

const inRound1 =
  (change: (value: Round1Body['value']) => Partial<Round1Body['value']>): Lie =>
  (body) =>
    body.$case === 'keygenRound1' ? { ...body, value: { ...body.value, ...change(body.value) } } : body;
const share =
  (change: (share: Uint8Array) => Uint8Array): Lie =>
  (body) =>
    body.$case === 'keygenRound2' ? { ...body, value: { ...body.value, share: change(body.value.share) } } : body;
const testCommitments =
  (change: (point: Uint8Array) => Uint8Array): Lie =>
  (body) =>
    body.$case === 'keygenTestCommitments'
      ? {
          ...body,
          value: {
            ...body.value,
            commitments: body.value.commitments.map((c) => ({ ...c, hiding: change(c.hiding) })),
          },
        }
      : body;
const testShares =
  (change: (share: Uint8Array) => Uint8Array): Lie =>
  (body) =>
    body.$case === 'keygenTestShares'
      ? { ...body, value: { ...body.value, shares: body.value.shares.map((s) => ({ ...s, share: change(s.share) })) } }
      : body;

const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((b, i) => (i === 1 ? b ^ 1 : b));
const noPoint = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.length).fill(255);
const short = (bytes: Uint8Array): Uint8Array => bytes.slice(1);

const blamed = ['infrastructure', 'backup'];
const nobody: readonly string[] = [];

/** [what client does in the first attempt, who names it, what the leader or a peer says of it] */
const lies: readonly (readonly [string, Lie, readonly string[], RegExp])[] = [
  ['a wrong proof of knowledge', inRound1(({ proof }) => ({ proof: flipped(proof) })), blamed, /what client sent/],
  [
    'a commitment that is no point',
    inRound1(({ commitment }) => ({ commitment: commitment.map(noPoint) })),
    blamed,
    /what client sent/,
  ],
  [
    'a commitment vector that is too long',
    inRound1(({ commitment }) => ({ commitment: [...commitment, commitment[0] as Uint8Array] })),
    nobody,
    /client commits to 3 coefficients, the threshold is 2/,
  ],
  [
    'a commitment vector that is too short',
    inRound1(({ commitment }) => ({ commitment: commitment.slice(1) })),
    nobody,
    /client commits to 1 coefficients, the threshold is 2/,
  ],
  [
    'an oversized commitment vector',
    inRound1(({ commitment }) => ({ commitment: Array.from({ length: 20_000 }, () => commitment[0] as Uint8Array) })),
    nobody,
    /client commits to 20000 coefficients/,
  ],
  ['an empty broadcast', inRound1(() => ({ commitment: [], proof: new Uint8Array() })), nobody, /commits to 0/],
  [
    'a proof of wrong length',
    inRound1(({ proof }) => ({ proof: short(proof) })),
    nobody,
    /proof of identifier 2: want/,
  ],
  ['a share of wrong length', share(short), nobody, /share of identifier 2: want 32 bytes/],
  ['an oversized share', share(() => new Uint8Array(500_000)), nobody, /want 32 bytes, got 500000/],
  ['test commitments that are no points', testCommitments(noPoint), blamed, /what client sent/],
  ['test commitments of wrong length', testCommitments(short), nobody, /hiding commitment of identifier 2: want/],
  ['wrong test shares', testShares(flipped), blamed, /what client sent/],
  ['test shares of wrong length', testShares(short), nobody, /signature share of identifier 2: want/],
  [
    'no test commitments',
    (body) => (body.$case === 'keygenTestCommitments' ? { ...body, value: { ...body.value, commitments: [] } } : body),
    nobody,
    /client gave no commitment for test quorum/,
  ],
  [
    'no test shares',
    (body) => (body.$case === 'keygenTestShares' ? { ...body, value: { ...body.value, shares: [] } } : body),
    nobody,
    /client gave no share for test quorum/,
  ],
];

const culprits = (wallet: SimulatedWallet, holder: string): readonly string[] =>
  wallet
    .disk(holder)
    .audit.map((r) => JSON.parse(fromUtf8(r.record)) as Record<string, string>)
    .flatMap((entry) => (entry['type'] === 'CulpritFound' ? [entry['culprit'] ?? ''] : []));

/** Runs key generation with `lie` in its first attempt: gives who named the client, and what was said; then it is honest. */
async function generated(scheme: FrostScheme, lie: (from: string, to: string, body: PeerBody) => PeerBody) {
  const wallet = new SimulatedWallet({ policy, clock: fastClock(20), scheme: (name) => frostScheme(name, engine) });
  const said: string[] = [];
  wallet.network.onSend = (from, to, body) => {
    if (body.$case === 'keygenStatus' && body.value.message !== '') said.push(body.value.message);
    const problem = wallet.running(from) ? wallet.signer(from).describe().keys[0]?.message : undefined;
    if (problem !== undefined && problem !== '') said.push(problem);
    const first = 'value' in body && 'attempt' in body.value && body.value.attempt === 1n;
    return first ? lie(from, to, body) : body;
  };
  await wallet.startAll([{ name: 'solana', scheme }]);
  await wallet.keyActive('solana');
  return { wallet, said };
}

/** The key came of an honest attempt, and signs. */
async function goesOn(wallet: SimulatedWallet, attempt: number): Promise<void> {
  for (const { name } of wallet.holders) expect(wallet.disk(name).keys.get('solana')?.attempt, name).toBe(attempt);
  expect(new Set(wallet.holders.map((h) => wallet.signer(h.name).describe().keys[0]?.certificate)).size).toBe(1);
  const reply = await wallet.sign('infrastructure', wallet.request({ id: 'after' }));
  expect(reply, reply.message).toMatchObject({ outcome: 'signed', participants: ['infrastructure', 'client'] });
  wallet.killAll();
}

/** Wrong secret shares, and other test commitments to others: signer/ceremony/keygen-cheating.test.ts. */
describe.each(['EdDSA', 'Schnorr'] as const)('a party that lies in key generation of %s', (scheme) => {
  it.each(lies)(
    '%s: refused, with the right culprit or none, and an honest attempt makes the key',
    async (_, lie, by, why) => {
      const { wallet, said } = await generated(scheme, (from, to, body) => (from === 'client' ? lie(body, to) : body));
      expect(said.join('\n')).toMatch(why);
      const named = wallet.holders.filter(({ name }) => culprits(wallet, name).length > 0).map(({ name }) => name);
      // Whoever fails first ends the attempt for the others: at least one of those who can tell did.
      if (by.length === 0) expect(named).toEqual([]);
      else expect(by).toEqual(expect.arrayContaining(named));
      expect(named.length > 0).toBe(by.length > 0);
      for (const name of named) expect(culprits(wallet, name)).toEqual(['client']);
      await goesOn(wallet, 2);
    },
  );

  it('another’s broadcast as its own: it is named', async () => {
    let theirs: Uint8Array[] = [];
    let proof: Uint8Array = new Uint8Array();
    const { wallet } = await generated(scheme, (from, _to, body) => {
      if (body.$case !== 'keygenRound1') return body;
      if (from === 'infrastructure') [theirs, proof] = [body.value.commitment, body.value.proof];
      return from === 'client' && theirs.length > 0
        ? { ...body, value: { ...body.value, commitment: theirs, proof } }
        : body;
    });
    expect(['infrastructure', 'backup'].flatMap((name) => culprits(wallet, name))).toContain('client');
    expect(culprits(wallet, 'client')).toEqual([]);
    await goesOn(wallet, 2);
  });

  it('a certificate signature in another’s name: refused, and the holder that has all of them hands them over', async () => {
    const { wallet, said } = await generated(scheme, (from, _to, body) =>
      from === 'client' && body.$case === 'keygenSignature' && body.value.signatures.length === 1
        ? {
            ...body,
            value: { ...body.value, signatures: body.value.signatures.map((s) => ({ ...s, holder: 'backup' })) },
          }
        : body,
    );
    expect(said.join('\n')).toMatch(/client sent no signature of its own/);
    for (const { name } of wallet.holders) expect(culprits(wallet, name), name).toEqual([]);
    await goesOn(wallet, 1);
  });

  it('different broadcasts to different peers, each with true shares: nobody certifies, and nobody is named', async () => {
    const other = new FrostKeygen(scheme, 2, 2, 3);
    const otherRound1 = other.round1();
    const honest = new Map<number, Round1>();
    const { wallet, said } = await generated(scheme, (from, to, body) => {
      if (body.$case === 'keygenRound1' && to === 'client') honest.set(from === 'infrastructure' ? 1 : 3, body.value);
      if (from !== 'client' || to !== 'backup') return body;
      if (body.$case === 'keygenRound1')
        return {
          ...body,
          value: { ...body.value, commitment: [...otherRound1.commitment], proof: otherRound1.proof },
        };
      if (body.$case === 'keygenRound2')
        return { ...body, value: { ...body.value, share: other.round2(honest).get(3) as Uint8Array } };
      return body;
    });
    expect(said.join('\n')).toMatch(/received other broadcasts than this holder did/);
    for (const { name } of wallet.holders) expect(culprits(wallet, name), name).toEqual([]);
    await goesOn(wallet, 2);
  });

  it('messages of an attempt that is over: they count for nothing as they are, and are a lie as those of another', async () => {
    const old: { to: string; body: PeerBody }[] = [];
    const wallet = new SimulatedWallet({ policy, clock: fastClock(20), scheme: (name) => frostScheme(name, engine) });
    wallet.network.onSend = (from, to, body) => {
      if (from !== 'client') return true;
      const attempt = 'value' in body && 'attempt' in body.value ? body.value.attempt : 0n;
      if (attempt === 1n) {
        if (body.$case === 'keygenRound1' || body.$case === 'keygenRound2') old.push({ to, body });
        return body.$case === 'keygenTestShares' ? testShares(short)(body, to) : true;
      }
      if (attempt === 2n && body.$case === 'keygenRound2') {
        const replayed = old.find((o) => o.to === to && o.body.$case === 'keygenRound2')?.body;
        if (replayed?.$case === 'keygenRound2')
          return { ...body, value: { ...body.value, share: replayed.value.share } };
      }
      // As they were: of an attempt that was signed off.
      if (attempt === 3n) for (const o of old) wallet.network.forge('client', o.to, o.body);
      return true;
    };
    await wallet.startAll([{ name: 'solana', scheme }]);
    await wallet.keyActive('solana');
    expect(old.length).toBeGreaterThanOrEqual(4);
    await vi.waitUntil(() => [...blamed].some((name) => culprits(wallet, name).length > 0));
    for (const name of blamed) expect(['', 'client']).toContain(culprits(wallet, name).join());
    await goesOn(wallet, 3);
  });
});
