import { describe, expect, it } from 'vitest';
import { utf8 } from '../../common/bytes.ts';
import { maxManifestBytes, problemText, readManifests } from './manifest.ts';
import { policy, wallet } from './testing/drafts.ts';
import { manifest } from './testing/folder.ts';

const read = (text: string | Uint8Array) => readManifests('a.yaml', typeof text === 'string' ? utf8(text) : text);
const header = 'apiVersion: holdfast.dev/v1alpha1\nkind: Wallet\n';

describe('manifests', () => {
  it('may be several documents of a file, in YAML or JSON, of which other kinds and empty ones are passed over', () => {
    const text = `# ours\n---\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: payments }\n${manifest([wallet(), policy()])}---\n`;
    const { manifests, problems, unclear } = read(text);
    expect(problems).toEqual([]);
    expect(unclear).toBe(false);
    expect(manifests.map(({ document, key, object }) => ({ document, name: key.name, object }))).toEqual([
      { document: 3, name: 'treasury', object: wallet() },
      { document: 4, name: 'treasury', object: policy() },
    ]);
    expect(read(JSON.stringify(wallet())).manifests[0]?.object).toEqual(wallet());
  });

  it('are in the namespace default where they name none', () => {
    const { manifests } = read(`${header}metadata: { name: a }\n`);
    expect(manifests[0]).toMatchObject({
      key: { namespace: 'default' },
      object: { metadata: { namespace: 'default' } },
    });
  });

  it('take what an anchor or a merge stands for', () => {
    const { manifests } = read(
      `${header}metadata: &m { name: a, namespace: b }\nspec:\n  first: *m\n  second: { <<: *m, name: c }\n`,
    );
    expect(manifests[0]?.object['spec']).toEqual({
      first: { name: 'a', namespace: 'b' },
      second: { name: 'c', namespace: 'b' },
    });
  });

  it('have JSON values only, and what they call __proto__ is a field like any other', () => {
    const { manifests } = read(`${header}metadata: { name: a }\n__proto__: { polluted: yes }\nspec: { x: -0 }\n`);
    expect(Object.hasOwn(manifests[0]!.object, '__proto__')).toBe(true);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.is((manifests[0]!.object['spec'] as { x: number }).x, 0)).toBe(true);
  });

  it.each<[string, string | Uint8Array, string]>([
    ['an empty file', '', 'a.yaml: is empty: write the manifest again, or delete the file together with what it held'],
    ['a file of blanks', ' \n\n', 'a.yaml: is empty'],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0, 1), 'a.yaml: is not UTF-8 text'],
    ['a file that is too large', new Uint8Array(maxManifestBytes + 1).fill(0x23), 'a.yaml: want at most 1048576 bytes'],
    ['text that is not YAML', 'a: b: c', 'a.yaml: is not YAML at line 1, column 4: '],
    ['a bracket that never closes', `${header}spec: {`, 'a.yaml: is not YAML at line '],
    ['a key that is there twice', `${header}kind: Signer\n`, 'a.yaml: is not YAML at line 3, column 1: duplicate key'],
    [
      'a key that is there twice further in',
      `${header}spec:\n  a: 1\n  "a": 2\n`,
      'a.yaml: is not YAML at line 5, column 3: duplicate key',
    ],
    ['a key that is a list', `${header}? [a]\n: b\n`, 'a.yaml: is not YAML at line 3, column 3: key is not a word'],
    ['a tab', `${header}spec:\n\ta: 1\n`, 'a.yaml: is not YAML at line '],
    ['an alias to nowhere', `${header}spec: *nothing\n`, 'a.yaml: has too many aliases, or one to nowhere'],
    ['a bomb of aliases', bomb(10), 'a.yaml: has too many aliases'],
    [
      'a long text repeated by aliases',
      `a: &a ${'x'.repeat(900_000)}\nb: [*a, *a, *a, *a, *a]\n`,
      'a.yaml: is too large once its aliases are written out',
    ],
    ['nesting without an end', '['.repeat(100_000), 'a.yaml: is not YAML at line 1'],
    ['nesting of blocks without an end', '- '.repeat(100_000), 'nested too deeply'],
    ['more documents than anybody writes', '---\na: 1\n'.repeat(1001), 'a.yaml: want at most 1000 documents, got 1001'],
    [
      'a date',
      `%YAML 1.1\n---\n${header}spec: 2020-01-01\n`,
      'a.yaml: has a value that JSON does not have, like a date',
    ],
    ['an infinite number', `${header}spec: .inf\n`, 'a.yaml: has a value that JSON does not have'],
    ['bytes', `%YAML 1.1\n---\n${header}spec: !!binary aGk=\n`, 'a.yaml: has a value that JSON does not have'],
    ['a list', '- a\n', 'a.yaml, document 1: want an object with apiVersion, kind and metadata'],
    ['a word', 'hello', 'a.yaml, document 1: want an object'],
    ['no apiVersion', 'kind: Wallet\n', 'a.yaml, document 1: apiVersion: is required, like holdfast.dev/v1alpha1'],
    ['no kind', 'apiVersion: holdfast.dev/v1alpha1\n', 'a.yaml, document 1: kind: is required, like Wallet'],
    [
      'another version of ours',
      'apiVersion: holdfast.dev/v2\nkind: Wallet\nmetadata: { name: a }\n',
      'a.yaml, document 1: apiVersion: want holdfast.dev/v1alpha1',
    ],
    [
      'a slip in our group',
      'apiVersion: holdfats.dev/v1alpha1\nkind: Wallet\nmetadata: { name: a }\n',
      'a.yaml, document 1: apiVersion: want holdfast.dev/v1alpha1',
    ],
    [
      'a slip in the kind',
      'apiVersion: holdfast.dev/v1alpha1\nkind: Walet\nmetadata: { name: a }\n',
      'did you mean Wallet?',
    ],
    ['no metadata', header, 'a.yaml, document 1: metadata: want an object with a name'],
    ['no name', `${header}metadata: {}\n`, 'a.yaml, document 1: metadata.name: want lowercase letters'],
    [
      'a name that leads elsewhere',
      `${header}metadata: { name: ../../etc }\n`,
      'a.yaml, document 1: metadata.name: want lowercase',
    ],
    [
      'a name that is too long',
      `${header}metadata: { name: ${'a'.repeat(254)} }\n`,
      'a.yaml, document 1: metadata.name: want lowercase',
    ],
    [
      'a namespace that leads elsewhere',
      `${header}metadata: { name: a, namespace: .. }\n`,
      'a.yaml, document 1: metadata.namespace: want',
    ],
    [
      'a List',
      'apiVersion: v1\nkind: List\nitems: []\n',
      'a.yaml, document 1: kind: want the items of the List as documents of their own',
    ],
  ])('with %s are refused, and leave what they held unclear', (_, text, message) => {
    const { manifests, problems, unclear } = read(text);
    expect(manifests).toEqual([]);
    expect(problems.map(problemText)).toEqual([expect.stringContaining(message)]);
    expect(unclear).toBe(true);
  });

  it('beside one that is refused still count', () => {
    const { manifests, problems, unclear } = read(`${header}---\n${JSON.stringify(wallet())}\n`);
    expect(manifests).toHaveLength(1);
    expect(problems).toMatchObject([{ document: 1 }]);
    expect(unclear).toBe(true);
  });

  it('of a great many keys are read in one pass', () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `  k${i}: 1`).join('\n');
    expect(read(`${header}metadata: { name: a }\nspec:\n${lines}\n`).manifests).toHaveLength(1);
  });
});

describe('Secrets', () => {
  const secret = (fields: string): string =>
    `apiVersion: v1\nkind: Secret\nmetadata: { name: seal, namespace: payments }\n${fields}\n`;

  it('have data in base64 and text as it is, of which text counts', () => {
    const { secrets, problems } = read(secret('data: { kek: AAEC, other: aGk= }\nstringData: { other: ho }'));
    expect(problems).toEqual([]);
    expect(secrets).toMatchObject([{ namespace: 'payments', name: 'seal' }]);
    expect([...secrets[0]!.data]).toEqual([
      ['kek', Uint8Array.of(0, 1, 2)],
      ['other', utf8('ho')],
    ]);
  });

  it.each([
    ['data: { kek: hunter2hunter2! }', 'data.kek: want base64 with padding'],
    ['data: { kek: hunter2 }', 'data.kek: want base64 with padding'],
    ['stringData: { kek: 77777 }', 'stringData.kek: want a string'],
    ['data: hunter2', 'data: want an object of strings'],
    ['stringData: { kek: hunter2, kek: hunter2 }', 'duplicate key'],
    ['stringData: { kek: "hunter2', 'is not YAML'],
    ['stringData: { kek: !hunter2 *hunter2 }', 'is not YAML'],
    ['stringData: { [hunter2]: hunter2 }', 'key is not a word'],
  ])('are never quoted in a problem: %s', (fields, message) => {
    const { secrets, problems } = read(secret(fields));
    expect(secrets).toEqual([]);
    const text = problems.map(problemText).join('\n');
    expect(text).toContain(message);
    expect(text).not.toMatch(/hunter2|77777/);
  });
});

/** Nine times nine times ... of one word. */
function bomb(levels: number): string {
  const level = (i: number): string => `l${i}: &l${i} [${Array.from({ length: 9 }, () => `*l${i - 1}`).join(', ')}]`;
  return ['l0: &l0 lol', ...Array.from({ length: levels }, (_, i) => level(i + 1))].join('\n');
}
