import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digest as digestOf, fromHex, utf8 } from '../../../common/bytes.ts';
import { formatTime } from '../../../common/clock.ts';
import { canonicalize } from '../../../statement/canonical.ts';
import { parseStatement } from '../../../statement/statements.ts';
import { freePorts, pause, ProcessWallet } from './processes.ts';
import { devnet, payment } from './solana-payment.ts';
import { TakenOverHolder, type Answer } from './taken-over-holder.ts';

/** Digests may be signed, six a day, and nothing else. */
const policy = {
  rules: [{ name: 'six', verdict: 'Allow', match: { kinds: ['Digest'] }, limits: [{ count: 6, per: '24h' }] }],
};

describe('a coordinator with the true keys of the Infrastructure holder and of the operator', () => {
  let wallet: ProcessWallet;
  let attacker: TakenOverHolder;
  const reasonOf = (answer: Answer): string => (answer.$case === 'refusal' ? answer.value.reason : 'released');
  /** Shares that the client let go, by its own audit log, and whose. */
  const released = async (): Promise<number> =>
    (await wallet.audit('client')).filter(
      (r) => (JSON.parse(Buffer.from(r.record).toString()) as { type: string }).type === 'Released',
    ).length;

  beforeAll(async () => {
    const [port = 0] = await freePorts(1);
    attacker = new TakenOverHolder('infrastructure', port);
    wallet = await ProcessWallet.provisioned({
      played: new Map([['infrastructure', attacker.played]]),
      policy,
      keys: [{ name: 'solana', scheme: 'EdDSA' }],
    });
    await attacker.join(wallet.provisioning());
    await wallet.keysActive();
    await wallet.until(
      async () => (attacker.state.every((k) => k.state === 'Active') ? '' : 'not active'),
      'the taken-over holder has no key',
    );
    await wallet.until(
      async () => (attacker.heard.some((h) => h.peer === 'client' && h.body.$case === 'commitments') ? '' : 'none'),
      'no commitments',
    );
    // A second delivery may replace the first.
    await pause(200);
  });
  afterAll(async () => {
    await attacker.close();
    await wallet.close();
  });

  it('gets a share for what the policy allows: what follows is refused for no other reason', async () => {
    expect(reasonOf(await attacker.ask('client', attacker.round('client', wallet.request('honest'))))).toBe('released');
  });

  it('gets none that the initiator did not ask for, that policy denies, or that is told otherwise', async () => {
    const before = await released();
    const { certificates } = await (await wallet.client('client')).getWallet();
    const key = fromHex(
      parseStatement('holdfast/certificate/v1', certificates[0]?.statement ?? new Uint8Array()).publicKey,
    );
    const outsider = generateKeyPairSync('ed25519').privateKey;
    const good = wallet.request('good');
    const other = wallet.request('other');
    const forgeries: readonly (readonly [what: string, reason: string, round: Parameters<TakenOverHolder['round']>])[] =
      [
        ['signed by another', 'InitiatorUnverified', ['client', wallet.request('forged', {}, outsider)]],
        ["under another's signature", 'InitiatorUnverified', ['client', { ...good, signature: other.signature }]],
        ['unsigned', 'InitiatorUnverified', ['client', { ...good, signature: '' }]],
        [
          'of an unknown initiator',
          'InitiatorUnverified',
          ['client', wallet.request('whose', { initiator: 'operator' })],
        ],
        [
          'of another wallet',
          'WrongWallet',
          ['client', wallet.request('wallet', { genesis: `sha256:${'00'.repeat(32)}` })],
        ],
        ['expired', 'Expired', ['client', wallet.request('late', { expiresAt: Date.now() - 2_000 })]],
        ['with other bytes under a signed id', 'IdReused', ['client', wallet.request('honest')]],
        [
          'that pays someone',
          'PolicyDenied',
          [
            'client',
            wallet.request('payment', {
              chain: devnet,
              format: 'Transaction',
              data: payment(
                key,
                key.map((b) => b ^ 1),
                1n,
              ),
            }),
          ],
        ],
        [
          'told to have other effects',
          'DecisionMismatch',
          ['client', good, { effectsDigest: `sha256:${'00'.repeat(32)}` }],
        ],
        ['under another policy', 'PolicyMismatch', ['client', good, { policyDigest: `sha256:${'00'.repeat(32)}` }]],
        ['in another epoch', 'EpochMismatch', ['client', good, { epoch: '1' }]],
        ['at another time', 'ClockSkew', ['client', good, { time: formatTime(Date.now() + 3_600_000) }]],
        ['in another session', 'SessionMismatch', ['client', good, { session: new Uint8Array(32) }]],
        ['with itself as the only member', 'SessionMismatch', ['client', good, { quorum: ['client'] }]],
        ['with the backup in its place', 'SessionMismatch', ['client', good, { quorum: ['client', 'backup'] }]],
        ['for another key', 'KeyNotReady', ['client', good, { key: 'bitcoin' }]],
        ['without inputs', 'Malformed', ['client', good, { inputs: [] }]],
        ['of the backup', 'SessionMismatch', ['backup', good]],
      ];
    for (const [what, reason, [peer, request, change]] of forgeries) {
      const round =
        peer === 'backup'
          ? { ...attacker.round('client', request, change), session: new Uint8Array(32).fill(7) }
          : attacker.round(peer, request, change);
      expect(reasonOf(await attacker.ask(peer, round)), what).toBe(reason);
    }
    expect(await released()).toBe(before);
  });

  it('gets one share for one commitment, whatever it says', async () => {
    const round = attacker.round('client', wallet.request('once'));
    expect(reasonOf(await attacker.ask('client', round))).toBe('released');
    expect(reasonOf(await attacker.ask('client', round))).toBe('NonceUnknown');
    const twice = attacker.round('client', wallet.request('twice'));
    expect(reasonOf(await attacker.ask('client', { ...twice, inputs: [...twice.inputs, ...twice.inputs] }))).toBe(
      'NonceUnknown',
    );
  });

  it('gets nothing past a limit, also where it tells of spends before they are made', async () => {
    // Two of six are spent. These are told of as if they were long past, before they are asked for.
    const requests = Array.from({ length: 6 }, (_, i) => wallet.request(`limit-${i}`));
    for (const [i, { statement, signature }] of requests.entries())
      attacker.send('client', {
        $case: 'spend',
        value: {
          sequence: BigInt(1_000 + i),
          statement,
          signature,
          policyDigest: '',
          rule: '',
          time: '2020-01-01T00:00:00Z',
        },
      });
    await wallet.until(
      async () =>
        attacker.heard.some((h) => h.body.$case === 'spendAck' && h.body.value.sequence === 1_005n) ? '' : 'no answer',
      'spends are not acknowledged',
    );
    const answers: string[] = [];
    for (const request of requests)
      answers.push(reasonOf(await attacker.ask('client', attacker.round('client', request))));
    expect(answers).toEqual(['released', 'released', 'released', 'released', 'LimitExceeded', 'LimitExceeded']);
    expect(await released()).toBe(6);
  });

  it('moves no policy and no genesis with the keys of the operator', async () => {
    const client = await wallet.client('client');
    const provisioning = wallet.provisioning();
    const loose = canonicalize({
      ...(JSON.parse(Buffer.from(provisioning.policyDocument).toString()) as object),
      rules: [{ name: 'all', verdict: 'Allow', match: {} }],
    });
    await expect(client.provision({ ...provisioning, policyDocument: Buffer.from(loose) })).rejects.toThrow(
      /PolicyMismatch/,
    );
    const genesis = Buffer.from(
      Buffer.from(provisioning.genesis).toString().replace(digestOf(provisioning.policyDocument), digestOf(loose)),
    );
    await expect(client.provision({ ...provisioning, genesis, policyDocument: Buffer.from(loose) })).rejects.toThrow(
      /for good/,
    );
    const [first, ...rest] = provisioning.peers;
    if (first === undefined) throw new Error('no peers');
    const swapped = rest.map((p) => ({ ...p, certificate: first.certificate }));
    await expect(client.provision({ ...provisioning, peers: swapped })).rejects.toThrow(/not the one in genesis/);
    const { certificates } = await client.getWallet();
    expect(certificates).toHaveLength(1);
  });

  it('neither ends a key that is active nor begins it anew', async () => {
    const before = (await wallet.describe('client')).keys;
    attacker.send('client', {
      $case: 'keygenAbandon',
      value: { key: 'solana', scheme: 'EdDSA', attempt: 1n, signatures: [] },
    });
    attacker.send('client', {
      $case: 'keygenStart',
      value: { key: 'solana', scheme: 'EdDSA', attempt: 2n, abandoned: [] },
    });
    attacker.send('client', {
      $case: 'keygenStatus',
      value: { key: 'solana', query: true, stop: true, state: 'Wanted', attempt: 9n, abandoned: 8n, message: '' },
    });
    await wallet.until(
      async () =>
        attacker.heard.some((h) => h.body.$case === 'keygenSignature' && h.body.value.signatures.length === 3)
          ? ''
          : 'no answer',
      'no certificate is handed over',
    );
    expect(attacker.heard.filter((h) => h.body.$case === 'keygenAbandon')).toEqual([]);
    expect((await wallet.describe('client')).keys).toEqual(before);
  });

  it('passes off no signature that is none, and outlives whatever else it sends', async () => {
    const request = wallet.request('unsigned');
    attacker.send('client', {
      $case: 'outcome',
      value: {
        statement: request.statement,
        signature: request.signature,
        policyDigest: '',
        participants: ['client'],
        signatures: [new Uint8Array(64)],
      },
    });
    attacker.send('client', { $case: 'spendAck', value: { sequence: 2n ** 64n - 1n } });
    attacker.send('client', { $case: 'ask', value: { digest: utf8('x'.repeat(100_000)) } });
    attacker.send('client', {
      $case: 'commitments',
      value: { key: '__proto__', boot: new Uint8Array(), replace: true, commitments: [] },
    });
    attacker.send('client', { $case: 'forward', value: { correlation: 1n, request: undefined } });
    attacker.send('client', { $case: 'signShares', value: { session: new Uint8Array(), shares: [] } });
    attacker.send('client', {
      $case: 'spend',
      value: {
        sequence: 2n ** 64n - 1n,
        statement: new Uint8Array(),
        signature: '',
        policyDigest: '',
        rule: '',
        time: '',
      },
    });
    await wallet.until(
      async () => (attacker.heard.some((h) => h.body.$case === 'forwardReply') ? '' : 'no answer'),
      'no answer to a forward',
    );
    const client = await wallet.client('client');
    expect(await client.getRequest({ initiator: 'payments-api', id: 'unsigned' })).toMatchObject({
      outcome: 'failed',
      reason: 'Unknown',
    });
    expect(await wallet.describe('client')).toMatchObject({ holder: 'client', keys: [{ state: 'Active' }] });
  });
});
