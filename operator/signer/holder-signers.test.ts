import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { validate } from '../api/validate.ts';
import type { Wallet } from '../api/resource.ts';
import { aSigner, aWallet } from '../testing/objects.ts';
import { missingSigners, servingSigner } from './holder-signers.ts';

const [infrastructure, client, backup] = aWallet().spec.holders as [
  Wallet['spec']['holders'][0],
  Wallet['spec']['holders'][0],
  Wallet['spec']['holders'][0],
];

describe('who serves a holder', () => {
  const older = aSigner('client', { meta: { name: 'b', creationTimestamp: '2026-01-01T00:00:00Z' } });
  const newer = aSigner('client', { meta: { name: 'a', creationTimestamp: '2026-01-02T00:00:00Z' } });
  const twin = aSigner('client', { meta: { name: 'c', creationTimestamp: '2026-01-01T00:00:00Z' } });
  const leaving = aSigner('client', {
    meta: { name: '0', creationTimestamp: '2025-01-01T00:00:00Z', deletionTimestamp: '2026-01-03T00:00:00Z' },
  });
  const elsewhere = aSigner('client', {
    meta: { name: '0', namespace: 'acme', creationTimestamp: '2025-01-01T00:00:00Z' },
  });
  const ofAnother = aSigner('client', {
    spec: { walletRef: { namespace: 'payments', name: 'other', holder: 'client' } },
  });
  test.each([
    ['nobody', [], undefined],
    ['the only one', [newer], 'a'],
    ['of two the older', [newer, older], 'b'],
    ['of two of one second the first by name', [twin, older], 'b'],
    ['not one that is being deleted', [leaving, newer], 'a'],
    ['not one in a namespace that is not the holder’s', [elsewhere], undefined],
    ['not one of another wallet', [ofAnother], undefined],
    ['not one of another holder', [aSigner('backup')], undefined],
  ])('%s', (_, signers, name) => {
    expect(servingSigner(aWallet(), client, signers)?.metadata.name).toBe(name);
  });

  test('a holder with a namespace is served from there', () => {
    expect(servingSigner(aWallet(), { ...client, namespace: 'acme' }, [older, elsewhere])).toBe(elsewhere);
  });
});

describe('what a wallet lacks', () => {
  test('Signers for its own namespace are written as the spec says, and pass their own rules', () => {
    const { write, sealless, waiting } = missingSigners(
      aWallet({ signers: { seal: { keySecretRef: { name: 's', key: 'k' } }, placement: 'Required' } }),
      [aSigner('client')],
    );
    expect(write.map(({ metadata }) => metadata.name)).toEqual(['treasury-infrastructure', 'treasury-backup']);
    expect(write[0]?.spec).toEqual({
      walletRef: { namespace: 'payments', name: 'treasury', holder: 'infrastructure' },
      seal: { keySecretRef: { name: 's', key: 'k' } },
      placement: 'Required',
    });
    for (const draft of write) expect(validate(draft)).toEqual([]);
    expect([sealless, waiting]).toEqual([[], []]);
  });

  test('without a seal there is nothing to write', () => {
    const { signers: _, ...spec } = aWallet().spec;
    const { write, sealless } = missingSigners({ ...aWallet(), spec }, [aSigner('client')]);
    expect([write, sealless]).toEqual([[], ['infrastructure', 'backup']]);
  });

  test('Signers for other namespaces are asked for, with a manifest that passes its own rules', () => {
    const wallet = aWallet({ holders: [infrastructure, client, { ...backup, namespace: 'vault' }] });
    const { write, waiting } = missingSigners(wallet, []);
    expect(write.map(({ metadata }) => metadata.name)).toEqual(['treasury-infrastructure', 'treasury-client']);
    expect(waiting.map(({ holder, namespace }) => [holder, namespace])).toEqual([['backup', 'vault']]);
    const manifest = parse(waiting[0]?.manifest ?? '') as { metadata: { namespace: string } };
    expect(validate(manifest)).toEqual([]);
    expect(manifest.metadata.namespace).toBe('vault');
    expect(waiting.map(({ seen }) => seen)).toEqual([true]);
    expect(missingSigners(wallet, [], (namespace) => namespace !== 'vault').waiting).toMatchObject([{ seen: false }]);
  });
});
