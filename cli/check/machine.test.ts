import { expect, test } from 'vitest';
import type { Finding } from './finding.ts';
import { checkMachine } from './machine.ts';
import type { MachineFacts } from './machine.ts';

const well: MachineFacts = {
  node: '24.21.0',
  launched: true,
  addon: { loaded: true, version: '0.1.0', ecdsa: true },
  sshKeygen: true,
  sshAgent: { kind: 'Answers', keys: 1 },
};
const levelOf = (findings: readonly Finding[], id: string) => findings.find((finding) => finding.id === id)?.level;
const found = (over: Partial<MachineFacts>, id: string): Finding | undefined =>
  checkMachine({ ...well, ...over }).find((finding) => finding.id === id);

test('a machine with all that is wanted is ok', () => {
  expect(new Set(checkMachine(well).map(({ level }) => level))).toEqual(new Set(['ok']));
});

test('Node that is too old is an error, and one that the launcher did not choose a note', () => {
  expect(levelOf(checkMachine({ ...well, node: '22.1.0' }), 'node')).toBe('error');
  expect(found({ node: '22.1.0' }, 'node')?.what).toBe('Node 22.1.0: want 24 or newer');
  expect(levelOf(checkMachine({ ...well, node: '26.0.0', launched: false }), 'node')).toBe('note');
});

test('without the addon all but ECDSA works, and one line says so', () => {
  const findings = checkMachine({
    ...well,
    addon: { loaded: false, reason: 'holdfast.node is not there', broken: false },
  });
  expect(levelOf(findings, 'native-addon')).toBe('note');
  expect(findings.filter(({ what }) => what.includes('ECDSA')).map(({ what }) => what)).toEqual([
    'EdDSA and Schnorr work; ECDSA does not: its engine is in the native addon',
  ]);
});

test('an addon that is there and cannot be used is a warning; one without ECDSA has none', () => {
  const broken = { loaded: false, reason: '/x/holdfast.node: want version 0.1.0, got 0.0.9', broken: true } as const;
  expect(found({ addon: broken }, 'native-addon')).toMatchObject({
    level: 'warning',
    what: 'native addon: not loaded: /x/holdfast.node: want version 0.1.0, got 0.0.9',
  });
  expect(found({ addon: { loaded: true, version: '0.1.0', ecdsa: false } }, 'ecdsa')?.level).toBe('note');
});

test('what only people need is a note', () => {
  expect(found({ sshKeygen: false }, 'ssh-keygen')?.level).toBe('note');
  expect(found({ sshAgent: { kind: 'None' } }, 'ssh-agent')?.level).toBe('note');
  expect(
    found({ sshAgent: { kind: 'Fails', message: 'ssh-agent: /s: no answer within 5 s' } }, 'ssh-agent'),
  ).toMatchObject({ level: 'note', what: 'ssh-agent: /s: no answer within 5 s' });
});
