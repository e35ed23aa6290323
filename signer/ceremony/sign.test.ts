import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { equal, fromHex, hex } from '../../common/bytes.ts';
import { formatTime } from '../../common/clock.ts';
import type { SignRound } from '../../proto/gen/signer/v1/peer.ts';
import { parseStatement } from '../../statement/statements.ts';
import { SimulatedWallet } from '../../test/simulation/simulated-wallet.ts';
import type { PeerBody } from '../peers/peers.ts';
import { frostScheme, inlineEngine } from '../scheme/frost-scheme.ts';

const keys = [{ name: 'solana', scheme: 'EdDSA' as const }];

/** Digests may be signed, five an hour. */
const policy = {
  rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: 5, per: '1h' }] }],
};

const anyDigest = { rules: [{ name: 'raw', verdict: 'Allow', match: { kinds: ['Digest'] } }] };

const digestData = (byte: number): string => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;

async function started(spec: Readonly<Record<string, unknown>> = policy): Promise<SimulatedWallet> {
  const wallet = new SimulatedWallet({ policy: spec });
  await wallet.startAll(keys);
  await wallet.keyActive('solana');
  return wallet;
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 400 && !holds(); i++)
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  expect(holds()).toBe(true);
};

function verifies(
  wallet: SimulatedWallet,
  reply: { signatures: readonly { message: Uint8Array; signature: Uint8Array }[] },
): boolean {
  const [certificate] = wallet.signer('infrastructure').facts().certificates;
  const { publicKey } = parseStatement('holdfast/certificate/v1', certificate?.statement ?? new Uint8Array());
  const x = Buffer.from(fromHex(publicKey)).toString('base64url');
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } });
  return reply.signatures.length > 0 && reply.signatures.every((s) => verify(null, s.message, key, s.signature));
}

describe('signing', () => {
  let wallet: SimulatedWallet;
  beforeAll(async () => {
    const engine = inlineEngine();
    wallet = new SimulatedWallet({ policy: anyDigest, scheme: (name) => frostScheme(name, engine) });
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
  });

  it('gives a signature that a single-party verifier accepts, and every holder learns of it', async () => {
    const reply = await wallet.sign('infrastructure', wallet.request({ id: 'first' }));
    expect(reply).toMatchObject({
      outcome: 'signed',
      reason: '',
      participants: ['infrastructure', 'client'],
      rule: 'raw',
    });
    expect(verifies(wallet, reply)).toBe(true);
    expect(Object.keys(reply.durations)).toEqual(
      expect.arrayContaining(['policy', 'round', 'aggregate', 'verify', 'ledger', 'total']),
    );
    for (const { name } of wallet.holders)
      await until(
        () =>
          wallet.disk(name).requests.get(reply.digest)?.state === 'Signed' &&
          wallet.disk(name).ledger.get(reply.digest)?.state === 'Spent',
      );
  });

  it('answers a repeat with the same signature and spends once', async () => {
    const request = wallet.request({ id: 'repeat', data: digestData(2) });
    const [first, second] = await Promise.all([wallet.sign('infrastructure', request), wallet.sign('client', request)]);
    const third = await wallet.sign('infrastructure', request);
    expect(first.outcome).toBe('signed');
    expect(second.signatures).toEqual(first.signatures);
    expect(third.signatures).toEqual(first.signatures);
    expect(wallet.disk('client').releases.filter((r) => r.digest === first.digest)).toHaveLength(1);
  });

  it('is coordinated by the Infrastructure holder wherever a request enters', async () => {
    const reply = await wallet.sign('backup', wallet.request({ id: 'at-backup', data: digestData(3) }));
    expect(reply).toMatchObject({ outcome: 'signed', coordinator: 'infrastructure' });
  });

  it('refuses other bytes under an id that is taken', async () => {
    await wallet.sign('infrastructure', wallet.request({ id: 'taken', data: digestData(4) }));
    const reply = await wallet.sign('infrastructure', wallet.request({ id: 'taken', data: digestData(5) }));
    expect(reply).toMatchObject({ outcome: 'denied', reason: 'IdReused' });
  });

  it('believes only the initiator, and keeps nothing of a request that he did not sign', async () => {
    const forged = wallet.request({ id: 'forged' }, generateKeyPairSync('ed25519').privateKey);
    const before = wallet.disk('infrastructure').audit.length;
    expect(await wallet.sign('infrastructure', forged)).toMatchObject({
      outcome: 'denied',
      reason: 'InitiatorUnverified',
    });
    expect(await wallet.sign('infrastructure', { ...forged, signature: '' })).toMatchObject({
      reason: 'InitiatorUnverified',
    });
    expect(wallet.disk('infrastructure').audit).toHaveLength(before);
    expect(await wallet.sign('infrastructure', wallet.request({ id: 'forged' }))).toMatchObject({ outcome: 'signed' });
  });

  it('refuses what is expired, too far ahead, of another wallet or of an unknown key', async () => {
    const now = Date.now();
    const cases = [
      [{ expiresAt: formatTime(now - 2000) }, 'Expired'],
      [{ expiresAt: formatTime(now + 31 * 86_400_000) }, 'Malformed'],
      [{ genesis: `sha256:${'00'.repeat(32)}` }, 'WrongWallet'],
      [{ key: 'bitcoin' }, 'UnknownKey'],
      [{ path: 'm/0' }, 'Unsupported'],
    ] as const;
    for (const [i, [change, reason]] of cases.entries())
      expect(await wallet.sign('client', wallet.request({ id: `bad-${i}`, ...change }))).toMatchObject({
        outcome: 'denied',
        reason,
      });
  });

  it('denies what no rule allows and says so on record', async () => {
    const closed = await started({ rules: [{ name: 'never', verdict: 'Deny', match: { kinds: ['Digest'] } }] });
    const reply = await closed.sign('infrastructure', closed.request({ id: 'no' }));
    expect(reply).toMatchObject({ outcome: 'denied', reason: 'PolicyDenied', rule: 'never' });
    const records = closed
      .disk('infrastructure')
      .audit.map((r) => JSON.parse(new TextDecoder().decode(r.record)).type as string);
    expect(records.filter((type) => type === 'Denied')).toHaveLength(1);
    expect(closed.disk('client').releases).toHaveLength(0);
  });
});

describe('when holders are away', () => {
  it('signs without the backup, and the backup catches up', async () => {
    const wallet = await started();
    wallet.kill('backup');
    const reply = await wallet.sign('infrastructure', wallet.request({ id: 'one' }));
    expect(reply.outcome).toBe('signed');
    await wallet.start('backup', keys);
    await until(() => wallet.disk('backup').ledger.get(reply.digest)?.state === 'Spent');
  });

  it('says whom it waits for, and signs the same request once that holder is back', async () => {
    const wallet = await started();
    wallet.kill('client');
    const request = wallet.request({ id: 'waits' });
    const reply = await wallet.sign('infrastructure', request);
    expect(reply).toMatchObject({ outcome: 'failed', reason: 'QuorumUnavailable', waitsFor: ['client'] });
    expect(reply.message).toContain('waits for client');
    expect(wallet.disk('infrastructure').ledger.size).toBe(0);
    await wallet.start('client', keys);
    await until(() => wallet.signer('infrastructure').peers.some(([name, up]) => name === 'client' && up));
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ outcome: 'signed' });
  });

  it('never calls a request failed whose shares may be out, and completes it under the same id, counted once', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'lost' });
    let lose = true;
    wallet.network.onSend = (_from, _to, body) => !(lose && body.$case === 'signShares');
    const reply = await wallet.sign('infrastructure', request);
    expect(reply).toMatchObject({ outcome: 'failed', reason: 'SignatureMayExist' });
    lose = false;
    await until(() => wallet.signer('infrastructure').peers.every(([, up]) => up));
    const again = await wallet.sign('infrastructure', request);
    expect(again.outcome).toBe('signed');
    expect(wallet.disk('infrastructure').ledger.size).toBe(1);
    expect(wallet.disk('client').ledger.size).toBe(1);
  });

  it('remembers across a kill of the coordinator what its members may have released', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'killed' });
    let kill = true;
    wallet.network.onSend = (_from, _to, body) => {
      if (kill && body.$case === 'signShares') {
        kill = false;
        wallet.kill('infrastructure');
      }
      return true;
    };
    void wallet.sign('infrastructure', request);
    await until(() => !kill);
    await wallet.start('infrastructure', keys);
    await until(() => wallet.signer('infrastructure').peers.every(([, up]) => up));
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ outcome: 'signed' });
    for (const name of ['infrastructure', 'client']) expect(wallet.disk(name).ledger.size).toBe(1);
  });

  it('answers from what another holder knows when its own outcome is lost', async () => {
    const wallet = await started();
    const request = wallet.request({ id: 'asked' });
    const first = await wallet.sign('infrastructure', request);
    await until(() => wallet.disk('client').requests.get(first.digest)?.state === 'Signed');
    const row = wallet.disk('infrastructure').requests.get(first.digest);
    if (row !== undefined)
      wallet.disk('infrastructure').requests.set(first.digest, { ...row, state: 'Released', signatures: [] });
    expect((await wallet.sign('infrastructure', request)).signatures).toEqual(first.signatures);
  });

  it('hands a request to the next coordinator where the first goes away with it', async () => {
    const holders = [
      { name: 'east', role: 'Infrastructure' },
      { name: 'west', role: 'Infrastructure' },
      { name: 'client', role: 'Client' },
    ] as const;
    const wallet = new SimulatedWallet({ policy, holders });
    await wallet.startAll(keys);
    await wallet.keyActive('solana');
    let killed = false;
    wallet.network.onSend = (_from, to, body) => {
      if (!killed && to === 'east' && body.$case === 'forward') {
        killed = true;
        setImmediate(() => wallet.kill('east'));
      }
      return true;
    };
    expect(await wallet.sign('client', wallet.request({ id: 'handed-on' }))).toMatchObject({
      outcome: 'signed',
      coordinator: 'west',
    });
    expect(killed).toBe(true);
  });

  it('takes no answer to an earlier start for one of its own', async () => {
    const wallet = await started();
    const store = wallet.store('infrastructure');
    const write = store.write.bind(store);
    const { promise: slow, resolve: goOn } = Promise.withResolvers<void>();
    // The signature of the first request is on its way to disk while the one who forwarded it starts anew.
    let signed = false;
    store.write = async (change) => {
      signed ||= change.requests?.[0]?.state === 'Signed';
      if (change.requests?.[0]?.id === 'before' && signed) await slow;
      return write(change);
    };
    void wallet.sign('backup', wallet.request({ id: 'before', data: digestData(1) }));
    await until(() => signed);
    wallet.kill('backup');
    await wallet.start('backup', keys);
    await until(() => wallet.signer('backup').peers.every(([, up]) => up));
    const after = wallet.sign('backup', wallet.request({ id: 'after', data: digestData(2) }));
    goOn();
    const { outcome, signatures } = await after;
    expect(outcome).toBe('signed');
    expect(signatures.map((s) => hex(s.message))).toEqual(['02'.repeat(32)]);
  });

  it('says so when its disk fails, and works again when the disk does', async () => {
    const wallet = await started();
    wallet.store('client').failure = new Error('disk full');
    const request = wallet.request({ id: 'disk' });
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ outcome: 'failed' });
    expect(wallet.disk('client').releases).toHaveLength(0);
    wallet.store('client').failure = undefined;
    expect(await wallet.sign('infrastructure', request)).toMatchObject({ outcome: 'signed' });
  });
});

describe('limits', () => {
  it('hold for requests that come at once and enter at different signers', async () => {
    const wallet = await started();
    const at = ['infrastructure', 'client', 'backup'];
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        wallet.sign(at[i % 3] ?? '', wallet.request({ id: `r${i}`, data: digestData(i) })),
      ),
    );
    expect(replies.filter((r) => r.outcome === 'signed')).toHaveLength(5);
    for (const r of replies.filter((r) => r.outcome !== 'signed'))
      expect(['LimitExceeded', 'LimitContended']).toContain(r.reason);
    expect(wallet.disk('client').releases).toHaveLength(5);
  });
});

describe('limits after a restart', () => {
  it('count what was spent before, at every holder', async () => {
    const wallet = await started();
    for (let i = 0; i < 5; i++)
      expect((await wallet.sign('infrastructure', wallet.request({ id: `r${i}`, data: digestData(i) }))).outcome).toBe(
        'signed',
      );
    for (const restarted of [['infrastructure'], ['client'], ['infrastructure', 'client']]) {
      for (const name of restarted) wallet.kill(name);
      for (const name of restarted) await wallet.start(name, keys);
      await until(() => wallet.signer('infrastructure').peers.every(([, up]) => up));
      const request = wallet.request({ id: `after-${restarted.join()}`, data: digestData(9) });
      expect(await wallet.sign('infrastructure', request), restarted.join()).toMatchObject({
        outcome: 'denied',
        reason: 'LimitExceeded',
      });
    }
  });

  it('hold where a holder that is taken over tells of a spend before it is made', async () => {
    const wallet = await started();
    const requests = Array.from({ length: 6 }, (_, i) => wallet.request({ id: `r${i}`, data: digestData(i) }));
    for (const [i, { statement, signature }] of requests.entries())
      for (const to of ['infrastructure', 'client'])
        wallet.network.forge('backup', to, {
          $case: 'spend',
          value: {
            sequence: BigInt(i + 1),
            statement,
            signature,
            policyDigest: '',
            rule: '',
            time: '2020-01-01T00:00:00Z',
          },
        });
    await until(() => ['infrastructure', 'client'].every((name) => wallet.disk(name).ledger.size === 6));
    const outcomes: string[] = [];
    for (const request of requests) outcomes.push((await wallet.sign('infrastructure', request)).outcome);
    expect(outcomes.filter((outcome) => outcome === 'signed')).toHaveLength(5);
    expect(wallet.disk('client').releases).toHaveLength(5);
  });
});

describe('a forged coordinator with the true keys of an Infrastructure holder', () => {
  let wallet: SimulatedWallet;
  beforeAll(async () => {
    wallet = await started(anyDigest);
  });

  /** Changes the round that the real coordinator sends, and gives what the client answers. */
  async function forge(id: string, change: (round: SignRound) => SignRound): Promise<PeerBody | undefined> {
    const request = wallet.request({ id });
    let answer: PeerBody | undefined;
    let forged: SignRound | undefined;
    // Sessions of an earlier request may still be under way.
    wallet.network.onSend = (from, _to, body) => {
      if (from === 'client' && (body.$case === 'signShares' || body.$case === 'refusal'))
        if (forged !== undefined && equal(body.value.session, forged.session)) answer ??= body;
      if (body.$case !== 'signRound' || forged !== undefined) return true;
      if (!equal(body.value.request?.statement ?? new Uint8Array(), request.statement)) return true;
      forged = change(body.value);
      return { $case: 'signRound', value: forged };
    };
    // What the real coordinator makes of an answer to another session is not waited for.
    void wallet.sign('infrastructure', request);
    await until(() => answer !== undefined);
    return answer;
  }

  const forgeries: readonly (readonly [string, (round: SignRound) => SignRound, string])[] = [
    [
      'changes the request',
      (r) => ({
        ...r,
        request: {
          statement: Buffer.from(
            String(r.request ? Buffer.from(r.request.statement) : '').replace('genuine', 'changed'),
          ),
          signature: r.request?.signature ?? '',
          approvals: [],
        },
      }),
      'InitiatorUnverified',
    ],
    ['names another quorum', (r) => ({ ...r, quorum: ['infrastructure', 'backup'] }), 'SessionMismatch'],
    ['names too small a quorum', (r) => ({ ...r, quorum: ['client'] }), 'SessionMismatch'],
    ['claims other effects', (r) => ({ ...r, effectsDigest: `sha256:${'00'.repeat(32)}` }), 'DecisionMismatch'],
    ['claims another policy', (r) => ({ ...r, policyDigest: `sha256:${'00'.repeat(32)}` }), 'PolicyMismatch'],
    ['claims another epoch', (r) => ({ ...r, epoch: '1' }), 'EpochMismatch'],
    ['moves the clock', (r) => ({ ...r, time: '2020-01-01T00:00:00Z' }), 'ClockSkew'],
    ['changes the session id', (r) => ({ ...r, session: new Uint8Array(32) }), 'SessionMismatch'],
    ['drops all inputs', (r) => ({ ...r, inputs: [] }), 'Malformed'],
    ['uses one commitment twice', (r) => ({ ...r, inputs: [...r.inputs, ...r.inputs] }), 'NonceUnknown'],
    [
      'invents a commitment',
      (r) => ({
        ...r,
        inputs: r.inputs.map((i) => ({
          contributions: i.contributions.map((c) => ({ ...c, index: c.index + 1000n })),
        })),
      }),
      'NonceUnknown',
    ],
  ];
  for (const [what, change, reason] of forgeries)
    it(`gets nothing when it ${what}`, async () => {
      const spends = wallet.disk('client').releases.length;
      expect(await forge(`genuine ${what}`.replaceAll(' ', '-'), change)).toMatchObject({
        $case: 'refusal',
        value: { reason },
      });
      // What the coordinator asks again with true commitments is another session.
      if (reason !== 'NonceUnknown') expect(wallet.disk('client').releases).toHaveLength(spends);
    });
});

describe('genesis', () => {
  it('is accepted once: a second one is refused and changes nothing', async () => {
    const wallet = await started();
    const other = new SimulatedWallet({ policy });
    const signer = wallet.signer('client');
    await expect(
      signer.provision({ genesis: other.genesis, policyDocument: other.policyDocument, peers: [], keys: [] }),
    ).rejects.toThrow(/for good/);
    expect(await wallet.sign('infrastructure', wallet.request({ id: 'after' }))).toMatchObject({ outcome: 'signed' });
  });
});
