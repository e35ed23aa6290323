import { readFileSync, readdirSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { expect, test } from 'vitest';
import { validate } from '../operator/api/validate.ts';
import { parsePolicy, policyDocument } from '../policy/document.ts';
import { canonicalize } from '../statement/canonical.ts';
import { parsedVerb } from '../cli/testing/parsed-verb.ts';
import { utf8 } from '../common/bytes.ts';

const root = new URL('../examples/', import.meta.url);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
const manifests = files.filter((file) => file.endsWith('.yaml'));
const publicKey = readFileSync(new URL('vectors/sshsig/ed25519.pub', import.meta.url), 'utf8').trim();

const documentsOf = (file: string): readonly unknown[] =>
  parseAllDocuments(readFileSync(new URL(file, root), 'utf8').replace('INITIATOR_KEY', publicKey)).map(
    (document): unknown => document.toJS(),
  );

test.each(manifests)('%s holds nothing that the API server would refuse', (file) => {
  const documents = documentsOf(file);
  expect(documents.length).toBeGreaterThan(0);
  for (const document of documents) expect(validate(document)).toEqual([]);
});

test.each(manifests.filter((file) => file.includes('policy')))('%s is a policy that signers can enforce', (file) => {
  for (const document of documentsOf(file)) {
    const { spec } = document as { spec: unknown };
    const policy = parsePolicy(policyDocument(spec));
    expect(policy.rules.length).toBeGreaterThan(0);
    // Fees are bounded by the number of requests alone.
    for (const { name, verdict, limits } of policy.rules)
      if (verdict === 'Allow')
        expect(
          limits.some((limit) => 'count' in limit),
          name,
        ).toBe(true);
    expect(canonicalize(policyDocument(spec)).length).toBeLessThan(64 * 1024);
  }
});

test('no example holds a secret', () => {
  for (const file of files.filter((name) => /\.\w+$/.test(name))) {
    const text = readFileSync(new URL(file, root), 'utf8');
    expect(text, file).not.toMatch(/PRIVATE KEY|kind: Secret/);
    expect(utf8(text).length, file).toBeLessThan(64 * 1024);
  }
});

const documents = readdirSync(new URL('..', root), { encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .concat(
    ...['docs', 'examples'].map((folder) =>
      readdirSync(new URL(`../${folder}/`, root), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .map((name) => `${folder}/${name}`),
    ),
  )
  .map((name) => [name, readFileSync(new URL(`../${name}`, root), 'utf8')] as const);

const blocksOf = (text: string, language: string): readonly string[] =>
  [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].flatMap(([, word, block = '']) => (word === language ? [block] : []));

test('commands in documents are such as the program takes', async () => {
  const lines = documents.flatMap(([name, text]) =>
    blocksOf(text, 'sh')
      // A line may go on in the next.
      .flatMap((block) => block.replace(/ *\\\n */g, ' ').split('\n'))
      .filter((line) => /^(?:bin\/)?holdfast /.test(line))
      .map((line) => line.replace(/ +#.*$/, ''))
      .map((line) => [name, line] as const),
  );
  expect(lines.length).toBeGreaterThan(5);
  for (const [name, line] of lines) await expect(parsedVerb(line), `${name}: ${line}`).resolves.not.toBe('');
});

test('the service that a document shows is the one that is type-checked', () => {
  const [, text = ''] = documents.find(([name]) => name === 'docs/how-to/sign-from-a-service.md') ?? [];
  expect(blocksOf(text, 'ts')).toEqual([readFileSync(new URL('sdk/sign-message.ts', root), 'utf8')]);
});
