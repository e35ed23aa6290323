import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { headPayload, headStatement, isSignedHead } from './head-signature.ts';
import { verifyHolder } from './holder-signature.ts';
import { sshKeyOf } from './ssh-key.ts';
import { armorSshsig } from './sshsig.ts';
import { concat, utf8 } from '../common/bytes.ts';
import { sshString } from './ssh-wire.ts';

const owner = { genesis: `sha256:${'ab'.repeat(32)}`, holder: 'client' };
const head = { sequence: 7n, hash: new Uint8Array(32).fill(9) };

const ed25519 = generateKeyPairSync('ed25519');
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const kinds = [
  ['Ed25519', ed25519, (bytes: Uint8Array) => sign(null, bytes, ed25519.privateKey)],
  [
    'P-256',
    p256,
    (bytes: Uint8Array) => sign('sha256', bytes, { key: p256.privateKey, dsaEncoding: 'ieee-p1363' as const }),
  ],
] as const;

describe.each(kinds)('a head signed with %s', (_, pair, signWith) => {
  const key = Uint8Array.from(pair.publicKey.export({ format: 'der', type: 'spki' }));
  const signature = signWith(headPayload(owner, head));

  it('verifies for this log, record and key only', () => {
    expect(isSignedHead(owner, { head, signature }, key)).toBe(true);
    for (const other of [
      { ...owner, holder: 'backup' },
      { ...owner, genesis: `sha256:${'cd'.repeat(32)}` },
    ])
      expect(isSignedHead(other, { head, signature }, key)).toBe(false);
    for (const other of [
      { ...head, sequence: 8n },
      { ...head, hash: new Uint8Array(32) },
    ])
      expect(isSignedHead(owner, { head: other, signature }, key)).toBe(false);
    const wrong = Uint8Array.from(signature);
    wrong[0]! ^= 1;
    expect(isSignedHead(owner, { head, signature: wrong }, key)).toBe(false);
    for (const [, other] of kinds.filter(([, each]) => each !== pair))
      expect(
        isSignedHead(
          owner,
          { head, signature },
          Uint8Array.from(other.publicKey.export({ format: 'der', type: 'spki' })),
        ),
      ).toBe(false);
  });
});

it('is no error, whatever is in place of a head or a signature', () => {
  const key = Uint8Array.from(ed25519.publicKey.export({ format: 'der', type: 'spki' }));
  const signature = new Uint8Array(64);
  for (const sequence of [0n, -1n, 2n ** 63n, 2n ** 64n - 1n])
    expect(isSignedHead(owner, { head: { ...head, sequence }, signature }, key)).toBe(false);
  for (const length of [0, 31, 33])
    expect(isSignedHead(owner, { head: { ...head, hash: new Uint8Array(length) }, signature }, key)).toBe(false);
  for (const length of [0, 63, 65, 100])
    expect(isSignedHead(owner, { head, signature: new Uint8Array(length) }, key)).toBe(false);
});

it('is the body of an SSHSIG that anybody can check', () => {
  const key = sshKeyOf(ed25519.privateKey);
  const value = sign(null, headPayload(owner, head), ed25519.privateKey);
  const armored = armorSshsig('holder@holdfast.dev', key, concat(sshString(utf8(key.algorithm)), sshString(value)));
  const spki = Uint8Array.from(ed25519.publicKey.export({ format: 'der', type: 'spki' }));
  expect(() => verifyHolder(headStatement(owner, head), armored, spki)).not.toThrow();
});
