import { describe, expect, it } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { keyOf, keyString } from '../api/resource.ts';
import type { Kind, Resource } from '../api/resource.ts';
import { admit, decide, deleted } from './decide.ts';
import type { Decision, Stored } from './decide.ts';
import { problemText, readManifests, unreadable } from './manifest.ts';
import type { Reading } from './manifest.ts';
import { approval, policy, signer, wallet } from './testing/drafts.ts';
import { manifest } from './testing/folder.ts';

const day = 24 * 3_600_000;
let uids = 0;
const birth = (now = 0) => ({ now, uid: () => `uid-${uids++}` });
const reading = (file: string, ...objects: readonly unknown[]): Reading => readManifests(file, utf8(manifest(objects)));

/** Folders, one after the other, as they were found. */
class World {
  readonly stored = new Map<string, Stored>();
  missing: ReadonlySet<string> = new Set();

  sees(readings: readonly Reading[], { now = 0, partial = false } = {}): Decision {
    const decision = decide(this.stored, { readings, partial }, this.missing, birth(now));
    for (const object of decision.put) this.stored.set(keyString(keyOf<Kind>(object.resource)), object);
    for (const key of decision.drop) this.stored.delete(keyString(key));
    this.missing = decision.missing;
    return decision;
  }

  /** What is there: in force, being deleted, or gone and remembered. */
  get all(): Readonly<Record<string, string>> {
    const state = ({ resource, gone }: Stored): string =>
      gone !== undefined ? 'gone' : resource.metadata.deletionTimestamp ? 'going' : 'in force';
    return Object.fromEntries([...this.stored].map(([name, object]) => [name, state(object)]));
  }
}

describe('what manifests change', () => {
  it('is nothing where they say what they said, wherever in the folder that is', () => {
    const world = new World();
    expect(world.sees([reading('a', wallet())]).put).toHaveLength(1);
    expect(world.sees([reading('a', wallet())])).toMatchObject({ put: [], drop: [], problems: [] });
    const [moved] = world.sees([reading('b', wallet())]).put;
    expect(moved).toMatchObject({ file: 'b', resource: { metadata: { generation: 1 } } });
  });

  it('is that an object is deleted once its manifest was missing twice', () => {
    const world = new World();
    world.sees([reading('a', wallet(), policy(), approval())]);
    expect(world.sees([]).missing.size).toBe(3);
    expect(world.sees([reading('a', wallet(), policy(), approval())]).missing.size).toBe(0);
    world.sees([]);
    expect(world.all).toEqual({
      'Wallet/payments/treasury': 'in force',
      'SigningPolicy/payments/treasury': 'in force',
      'Approval/payments/pay-42-alice': 'in force',
    });
    expect(world.sees([], { now: 5_000 }).missing.size).toBe(0);
    expect(world.all).toEqual({ 'Wallet/payments/treasury': 'going', 'Approval/payments/pay-42-alice': 'gone' });
    expect(world.stored.get('Wallet/payments/treasury')?.resource.metadata.deletionTimestamp).toBe(
      '1970-01-01T00:00:05Z',
    );
    expect(world.sees([])).toMatchObject({ put: [], drop: [] });
  });

  it.each<[string, readonly Reading[], boolean]>([
    ['its file cannot be read', [unreadable('a', 'why')], false],
    ['another document of its file is wrong', [reading('a', { kind: 'Wallet' })], false],
    ['another object in its file is wrong', [reading('a', wallet('other', { threshold: 7 }))], false],
    [
      'another object in its file contradicts one elsewhere',
      [reading('a', wallet('other')), reading('b', wallet('other'))],
      false,
    ],
    ['a part of the folder cannot be read', [], true],
  ])('never is a deletion where %s', (_, readings, partial) => {
    const world = new World();
    world.sees([reading('a', wallet())]);
    for (let i = 0; i < 3; i++) expect(world.sees(readings, { partial })).toMatchObject({ put: [], drop: [] });
    expect(world.all).toEqual({ 'Wallet/payments/treasury': 'in force' });
  });

  it('takes a deletion back where the manifest comes again before the object went', () => {
    const world = new World();
    world.sees([reading('a', wallet())]);
    const before = world.stored.get('Wallet/payments/treasury')!;
    world.sees([]);
    world.sees([]);
    expect(world.all).toEqual({ 'Wallet/payments/treasury': 'going' });
    world.sees([reading('a', wallet())]);
    expect(world.stored.get('Wallet/payments/treasury')).toEqual(before);
  });

  it('never touches what the operator made, unless a manifest names it', () => {
    const world = new World();
    const made = admit(signer(), undefined, birth());
    world.stored.set(keyString(keyOf<Kind>(made)), { resource: made });
    world.sees([]);
    expect(world.sees([])).toMatchObject({ put: [], drop: [] });
    world.sees([reading('a', signer())]);
    expect(world.stored.get('Signer/payments/treasury-client')).toEqual({ resource: made, file: 'a' });
  });

  it('is nothing where two manifests say what one object is', () => {
    const world = new World();
    world.sees([reading('a', wallet())]);
    const other = wallet('treasury', { policyRef: { name: 'other' } });
    for (const readings of [
      [reading('a', wallet()), reading('b', other)],
      [reading('a', wallet(), other)],
      [reading('b', other), reading('c', wallet())],
    ]) {
      const decision = world.sees(readings);
      expect(decision).toMatchObject({ put: [], drop: [] });
      expect(decision.problems.map(problemText)).toEqual(
        expect.arrayContaining([expect.stringContaining('metadata.name: Wallet/payments/treasury is also in ')]),
      );
      expect(decision.problems).toHaveLength(2);
    }
  });

  it('is reported by file, document, field, what is wrong and what would be right', () => {
    const bad = { ...wallet('b'), spec: { ...wallet().spec, treshold: 2 } };
    const { problems } = new World().sees([reading('dir/a.yaml', wallet('a', { threshold: 3 }), bad)]);
    expect(problems.map(problemText)).toEqual([
      'dir/a.yaml, document 1: spec.threshold: threshold must be at most the number of holders that are not Backup',
      'dir/a.yaml, document 2: spec.treshold: unknown field "treshold"; did you mean "threshold"?',
    ]);
  });
});

describe('what cannot change', () => {
  const holders = [...wallet().spec.holders, { name: 'third', role: 'Client' as const }];
  const changed = wallet('treasury', { holders, threshold: 3, keys: [{ name: 'bitcoin', scheme: 'Schnorr' }] });

  const found = (world: World): Stored => {
    const { resource, file } = world.stored.get('Wallet/payments/treasury')!;
    const status = { genesis: `sha256:${'0'.repeat(64)}` };
    const founded = { resource: { ...resource, status } as Resource, file: file! };
    world.stored.set('Wallet/payments/treasury', founded);
    return founded;
  };

  it('is held to what is in force, which the problem names', () => {
    const world = new World();
    world.sees([reading('a', wallet())]);
    found(world);
    const { put, problems } = world.sees([reading('a', changed)]);
    expect(put).toEqual([]);
    expect(problems.map(problemText)).toEqual([
      'a, document 1: spec.threshold: threshold cannot change; it is 2',
      expect.stringMatching(
        /^a, document 1: spec\.holders: holders and their order cannot change; the holders are infrastructure \(Infrastructure\), /,
      ),
      'a, document 1: spec.keys: a key cannot be removed; the keys are solana (EdDSA)',
    ]);
    const scheme = world.sees([reading('a', wallet('treasury', { keys: [{ name: 'solana', scheme: 'Schnorr' }] }))]);
    expect(scheme.problems.map(({ message }) => message)).toEqual([
      'scheme of a key cannot change; the keys are solana (EdDSA)',
    ]);
  });

  it('of a wallet that is not founded comes with the way out', () => {
    const world = new World();
    world.sees([reading('a', wallet())]);
    const { put, problems } = world.sees([
      reading('a', wallet('treasury', { keys: [{ name: 'solana', scheme: 'Schnorr' }] })),
    ]);
    expect(put).toEqual([]);
    expect(problems.map(({ message }) => message)).toEqual([
      'scheme of a key cannot change; the keys are solana (EdDSA); nothing was founded yet: delete the manifest, then write it anew',
    ]);
  });

  it('is held also after the object went', () => {
    const world = new World();
    world.sees([reading('a', wallet())]);
    const left = deleted(deleted(found(world), 0)!, 1)!;
    expect(left).toMatchObject({ gone: 1 });
    world.stored.set('Wallet/payments/treasury', left);
    const { put, problems } = world.sees([reading('b', changed)], { now: 1000 * day });
    expect(put).toEqual([]);
    expect(problems.map(({ message }) => message)).toContain(
      'threshold cannot change; it was 2; Wallet/payments/treasury was deleted, but its signers keep its keys: a new one needs another name',
    );
    expect(world.sees([reading('b', wallet())]).put).toMatchObject([
      { file: 'b', resource: { metadata: { generation: 1 } } },
    ]);
    expect(world.all).toEqual({ 'Wallet/payments/treasury': 'in force' });
  });

  it('of a wallet that was never founded is forgotten with it', () => {
    const world = new World();
    world.sees([reading('a', wallet())]);
    expect(deleted(deleted(world.stored.get('Wallet/payments/treasury')!, 0)!, 1)).toBeUndefined();
  });

  it('of an approval is forgotten once no signer can hold it to its bytes', () => {
    const world = new World();
    world.sees([reading('a', approval())]);
    world.sees([]);
    world.sees([]);
    expect(world.all).toEqual({ 'Approval/payments/pay-42-alice': 'gone' });
    const other = reading('a', approval('pay-42-alice', 'bob'));
    expect(world.sees([other], { now: 61 * day })).toMatchObject({ put: [], problems: [{ path: 'spec' }] });
    expect(world.sees([], { now: 63 * day }).drop).toEqual([keyOf<Kind>(approval())]);
    expect(world.sees([other], { now: 63 * day }).put).toHaveLength(1);
  });
});
