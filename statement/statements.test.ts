import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { digest, fromUtf8, hex, utf8 } from '../common/bytes.ts';
import { canonicalize } from './canonical.ts';
import type { Json } from './canonical.ts';
import { encodeStatement, parseStatement, statementDigest } from './statements.ts';
import type { GenesisHolder, Statement, StatementType } from './statements.ts';

const genesis = digest(utf8('genesis'));
const spki = (i: number) => `302a300506032b6570032100${i.toString(16).padStart(64, '0')}`;
const holder = (i: number, role: GenesisHolder['role'], over: Partial<GenesisHolder> = {}): GenesisHolder => {
  const identity = spki(i);
  return {
    name: `holder-${i}`,
    role,
    identifier: String(i),
    identity,
    auditKey: identity,
    nonce: hex(new Uint8Array(32).fill(i)),
    ...over,
  };
};
const point = (prefix: string) => prefix + '11'.repeat(32);

const examples = {
  'holdfast/request/v1': {
    type: 'holdfast/request/v1',
    genesis,
    id: 'payments/pay-42',
    key: 'ethereum',
    path: 'm/0/2147483647',
    chain: 'eip155:1',
    format: 'Transaction',
    data: '0x02ff',
    initiator: 'payments-api',
    expiresAt: '2026-12-01T00:00:00Z',
  },
  'holdfast/approval/v1': {
    type: 'holdfast/approval/v1',
    genesis,
    target: digest(utf8('target')),
    policy: digest(utf8('policy')),
    approver: 'alice',
    verdict: 'Approve',
    expiresAt: '2026-12-01T00:00:00Z',
  },
  'holdfast/policy/v1': {
    type: 'holdfast/policy/v1',
    genesis,
    height: '0',
    parent: '',
    policy: digest(utf8('policy')),
  },
  'holdfast/genesis/v1': {
    type: 'holdfast/genesis/v1',
    wallet: 'payments/treasury',
    threshold: '2',
    holders: [holder(1, 'Infrastructure'), holder(2, 'Client'), holder(3, 'Backup')],
    policy: digest(utf8('policy')),
  },
  'holdfast/certificate/v1': {
    type: 'holdfast/certificate/v1',
    genesis,
    key: 'bitcoin',
    scheme: 'Schnorr',
    attempt: '1',
    epoch: '0',
    publicKey: point(''),
    internalKey: point(''),
    verificationShares: [point('02'), point('03'), point('02')],
    chainCode: '',
    transcript: digest(utf8('transcript')),
  },
  'holdfast/abandoned/v1': { type: 'holdfast/abandoned/v1', genesis, key: 'bitcoin', scheme: 'Schnorr', attempt: '3' },
  'holdfast/head/v1': { type: 'holdfast/head/v1', genesis, holder: 'client', sequence: '7', hash: genesis },
} as const satisfies { readonly [T in StatementType]: Statement };

const types = Object.keys(examples) as readonly StatementType[];
const changed = (type: StatementType, over: Readonly<Record<string, Json | undefined>>): Uint8Array => {
  const members = Object.entries<Json | undefined>({ ...examples[type], ...over });
  return canonicalize(
    Object.fromEntries(members.filter((member): member is [string, Json] => member[1] !== undefined)),
  );
};

describe.each(types)('%s', (type) => {
  test('round-trips', () => {
    const bytes = encodeStatement(examples[type]);
    expect(parseStatement(type, bytes)).toEqual(examples[type]);
    expect(statementDigest(bytes)).toBe(digest(bytes));
  });

  test('is refused as any other type', () => {
    const bytes = encodeStatement(examples[type]);
    for (const other of types.filter((t) => t !== type)) expect(() => parseStatement(other, bytes)).toThrow(Error);
    expect(() => parseStatement(type, changed(type, { type: type.replace('v1', 'v2') }))).toThrow(
      `.type: want "${type}", got`,
    );
  });

  test('is refused without any of its members, with any other, and with one of another kind', () => {
    const title = type.split('/')[1];
    for (const member of Object.keys(examples[type])) {
      expect(() => parseStatement(type, changed(type, { [member]: undefined }))).toThrow(
        `${title}: member "${member}" is missing`,
      );
      expect(() => parseStatement(type, changed(type, { [member]: { a: '' } })), member).toThrow(
        `${title}.${member}: want a`,
      );
    }
    for (const extra of ['comment', '__proto__', 'constructor'])
      expect(() => parseStatement(type, changed(type, Object.fromEntries([[extra, '']])))).toThrow(
        `${title}: unknown member "${extra}"`,
      );
    expect(() => parseStatement(type, utf8('[]'))).toThrow(`${title}: want an object, got a list`);
  });

  test('has one encoding', () => {
    const text = fromUtf8(encodeStatement(examples[type]));
    for (const other of [`${text}\n`, ` ${text}`, text.replace(',', ', '), text.replace('{', `{"type":"${type}",`)])
      expect(() => parseStatement(type, utf8(other))).toThrow('not canonical JSON');
  });
});

const refusals: readonly [StatementType, Readonly<Record<string, Json>>, string][] = [
  [
    'holdfast/request/v1',
    { genesis: genesis.toUpperCase() },
    'request.genesis: want sha256: and 64 lowercase hex digits, got "SHA256:',
  ],
  ['holdfast/request/v1', { genesis: genesis.slice(7) }, 'request.genesis: want'],
  ['holdfast/request/v1', { id: '' }, 'request.id: want 1 to 253 printable ASCII'],
  ['holdfast/request/v1', { id: 'x'.repeat(254) }, 'request.id: want'],
  ['holdfast/request/v1', { id: 'pay 42' }, 'request.id: want'],
  ['holdfast/request/v1', { id: 'zahlung-ä' }, 'request.id: want'],
  ['holdfast/request/v1', { id: 'a\n' }, 'request.id: want'],
  ['holdfast/request/v1', { key: 'Bitcoin' }, 'request.key: want a name'],
  ['holdfast/request/v1', { key: '-a' }, 'request.key: want a name'],
  ['holdfast/request/v1', { key: 'a'.repeat(64) }, 'request.key: want a name'],
  ['holdfast/request/v1', { key: '' }, 'request.key: want a name'],
  ['holdfast/request/v1', { path: 'm' }, 'request.path: want a path of non-hardened children'],
  ['holdfast/request/v1', { path: "m/0'" }, 'request.path: want'],
  ['holdfast/request/v1', { path: 'm/00' }, 'request.path: want'],
  ['holdfast/request/v1', { path: 'm/2147483648' }, 'request.path: want indices below 2147483648'],
  ['holdfast/request/v1', { path: `m${'/0'.repeat(11)}` }, 'request.path: want'],
  ['holdfast/request/v1', { chain: 'ethereum' }, 'request.chain: want a CAIP-2 chain'],
  ['holdfast/request/v1', { chain: 'EIP155:1' }, 'request.chain: want a CAIP-2 chain'],
  ['holdfast/request/v1', { format: 'transaction' }, 'request.format: want "Transaction" or "PSBT"'],
  ['holdfast/request/v1', { data: '' }, 'request.data: want 0x and lowercase hex'],
  ['holdfast/request/v1', { data: '0xA0' }, 'request.data: want 0x and lowercase hex'],
  ['holdfast/request/v1', { data: '0x0' }, 'request.data: want 0x and lowercase hex'],
  [
    'holdfast/request/v1',
    { data: `0x${'00'.repeat(256 * 1024 + 1)}` },
    'request.data: want at most 262144 bytes, got 262145',
  ],
  ['holdfast/request/v1', { initiator: '' }, 'request.initiator: want a name'],
  ['holdfast/request/v1', { expiresAt: '2026-02-30T00:00:00Z' }, 'request.expiresAt: want a UTC time'],
  ['holdfast/request/v1', { expiresAt: '2026-12-01T00:00:00.000Z' }, 'request.expiresAt: want a UTC time'],
  ['holdfast/request/v1', { expiresAt: '' }, 'request.expiresAt: want a UTC time'],
  ['holdfast/approval/v1', { verdict: 'approve' }, 'approval.verdict: want "Approve" or "Reject"'],
  ['holdfast/approval/v1', { target: '' }, 'approval.target: want sha256:'],
  ['holdfast/policy/v1', { height: '01' }, 'policy.height: want a whole number'],
  ['holdfast/policy/v1', { height: '-1' }, 'policy.height: want a whole number'],
  ['holdfast/policy/v1', { height: '1' }, 'policy.parent: want "" at height 0 and a digest above, got "" at 1'],
  ['holdfast/policy/v1', { parent: genesis }, 'policy.parent: want "" at height 0'],
  ['holdfast/genesis/v1', { wallet: 'treasury' }, 'genesis.wallet: want a wallet as namespace/name'],
  [
    'holdfast/genesis/v1',
    { threshold: '1' },
    'genesis.threshold: want 2 to 2, the number of holders that are not Backup, got 1',
  ],
  ['holdfast/genesis/v1', { threshold: '3' }, 'genesis.threshold: want 2 to 2'],
  ['holdfast/genesis/v1', { holders: [holder(1, 'Infrastructure')] }, 'genesis.holders: want 2 to 9 entries, got 1'],
  [
    'holdfast/genesis/v1',
    { holders: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((i) => holder(i, 'Infrastructure')) },
    'genesis.holders: want 2 to 9 entries, got 10',
  ],
  [
    'holdfast/genesis/v1',
    { holders: [holder(1, 'Client'), holder(2, 'Client')] },
    'genesis.holders: want at least one Infrastructure',
  ],
  [
    'holdfast/genesis/v1',
    { holders: [holder(2, 'Infrastructure'), holder(1, 'Client')] },
    'genesis.holders[0].identifier: want "1", got "2"',
  ],
  [
    'holdfast/genesis/v1',
    { holders: [holder(1, 'Infrastructure'), holder(2, 'Client', { name: 'holder-1' })] },
    'genesis.holders[1].name: another holder has the same',
  ],
  [
    'holdfast/genesis/v1',
    { holders: [holder(1, 'Infrastructure'), holder(2, 'Client', { identity: spki(1) })] },
    'genesis.holders[1].identity: another holder has the same',
  ],
  [
    'holdfast/genesis/v1',
    { holders: [holder(1, 'Infrastructure'), holder(2, 'Client', { auditKey: spki(1) })] },
    'genesis.holders[1].auditKey: another holder has the same',
  ],
  [
    'holdfast/genesis/v1',
    { holders: [holder(1, 'Infrastructure', { identity: '00' }), holder(2, 'Client')] },
    'genesis.holders[0].identity: want an Ed25519 SubjectPublicKeyInfo in hex, got "00"',
  ],
  [
    'holdfast/genesis/v1',
    { holders: [holder(1, 'Infrastructure', { nonce: '' }), holder(2, 'Client')] },
    'genesis.holders[0].nonce: want 32 bytes in lowercase hex',
  ],
  [
    'holdfast/genesis/v1',
    { holders: [1, 2, 3, 4].map((i) => holder(i, 'Infrastructure')) },
    'genesis.threshold: want over half of the 4 holders that are not Backup, got 2',
  ],
  ['holdfast/certificate/v1', { attempt: '0' }, 'certificate.attempt: want a whole number from 1'],
  [
    'holdfast/certificate/v1',
    { scheme: 'FROST' },
    'certificate.scheme: want "EdDSA" or "Schnorr" or "ECDSA", got "FROST"',
  ],
  ['holdfast/certificate/v1', { publicKey: point('02') }, 'certificate.publicKey: want 32 bytes'],
  ['holdfast/certificate/v1', { internalKey: '' }, 'certificate.internalKey: want 32 bytes in hex for Schnorr, got ""'],
  ['holdfast/certificate/v1', { chainCode: point('') }, 'certificate.chainCode: want "" for Schnorr'],
  [
    'holdfast/certificate/v1',
    { verificationShares: [point('02'), point('')] },
    'certificate.verificationShares[1]: want 33 bytes',
  ],
  ['holdfast/certificate/v1', { verificationShares: [] }, 'certificate.verificationShares: want 2 to 9 entries, got 0'],
  ['holdfast/certificate/v1', { verificationShares: '' }, 'certificate.verificationShares: want a list, got a string'],
  [
    'holdfast/certificate/v1',
    { scheme: 'EdDSA', verificationShares: [point(''), point('')] },
    'certificate.internalKey: want "" for EdDSA',
  ],
  ['holdfast/abandoned/v1', { attempt: '1.0' }, 'abandoned.attempt: want a whole number from 1'],
  ['holdfast/head/v1', { sequence: '0' }, 'head.sequence: want a whole number from 1'],
];

test.each(refusals)('%s with %j is refused', (type, over, message) => {
  expect(() => parseStatement(type, changed(type, over))).toThrow(message);
});

test('what does not apply is an empty string, and every shape that the protocol names is taken', () => {
  const taken = (type: StatementType, over: Readonly<Record<string, Json>>) =>
    expect(parseStatement(type, changed(type, over))).toMatchObject(over);
  taken('holdfast/request/v1', { path: '', chain: '', format: 'Digest', data: '0x' });
  taken('holdfast/request/v1', { data: `0x${'00'.repeat(256 * 1024)}` });
  taken('holdfast/policy/v1', { height: '7', parent: genesis });
  taken('holdfast/genesis/v1', { threshold: '3', holders: [1, 2, 3, 4].map((i) => holder(i, 'Infrastructure')) });
  const p256 = `3059301306072a8648ce3d020106082a8648ce3d03010703420004${'ab'.repeat(64)}`;
  taken('holdfast/genesis/v1', { holders: [holder(1, 'Infrastructure'), holder(2, 'Client', { auditKey: p256 })] });
  taken('holdfast/certificate/v1', { scheme: 'EdDSA', internalKey: '', verificationShares: [point(''), point('')] });
  taken('holdfast/certificate/v1', { scheme: 'ECDSA', internalKey: '', chainCode: point(''), publicKey: point('02') });
});

test('a statement that would be refused is not encoded', () => {
  expect(() => encodeStatement({ ...examples['holdfast/policy/v1'], height: '1' })).toThrow('policy.parent: want');
});

test('bytes make a statement or a clear error, whatever they are', () => {
  const text = fromUtf8(encodeStatement(examples['holdfast/genesis/v1']));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 4 }), fc.nat(4), (at, put, cut) => {
      const edited = utf8(text.slice(0, at) + put + text.slice(at + cut));
      try {
        expect(encodeStatement(parseStatement('holdfast/genesis/v1', edited))).toEqual(edited);
      } catch (error) {
        expect((error as Error).message).toMatch(/^(?:genesis[.:[]|not |want |text )/);
      }
    }),
  );
});
