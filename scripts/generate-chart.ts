/**
 * Writes what the chart has from elsewhere: the kinds, which a package of the chart must hold, and the table of values in
 * its README, from the comments of values.yaml. `--check` compares instead of writing.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isMap, isScalar, parseDocument } from 'yaml';
import type { YAMLMap } from 'yaml';

const root = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const kinds = (folder: string): readonly string[] =>
  readdirSync(new URL(folder, root)).filter((file) => file.endsWith('.yaml'));

/** Every value that has a comment, with its path and default. A comment before the first key of a map is the map's in YAML's eyes. */
function rows(map: YAMLMap, path: string, first: string): readonly string[] {
  return map.items.flatMap(({ key, value }, i) => {
    if (!isScalar(key)) throw new Error(`values.yaml: ${path}: want names as keys`);
    // The first comment of the file is about all of it, and stands apart.
    const own = ((i === 0 && first) || key.commentBefore || '').split('\n\n').at(-1) ?? '';
    const name = `${path}${String(key.value)}`;
    if (isMap(value) && value.flow !== true && own === '' && value.items.length > 0)
      return rows(value, `${name}.`, value.commentBefore ?? '');
    if (own === '') throw new Error(`values.yaml: ${name} has no comment`);
    const text = own
      .split('\n')
      .map((line) => line.trim())
      .join(' ')
      .replaceAll('|', '\\|');
    const json = JSON.stringify((value as { toJSON(): unknown } | null)?.toJSON());
    return [`| \`${name}\` | ${text} | \`${json.length > 60 ? '...' : json}\` |`];
  });
}

function readme(): string {
  const document = parseDocument(read('charts/holdfast/values.yaml'));
  if (!isMap(document.contents)) throw new Error('values.yaml: want a map');
  const table = rows(document.contents, '', '');
  return read('charts/holdfast/README.md').replace(
    /<!-- values -->[\s\S]*<!-- \/values -->/,
    () => `<!-- values -->\n| value | meaning | default |\n| --- | --- | --- |\n${table.join('\n')}\n<!-- /values -->`,
  );
}

const files = new Map([
  ...kinds('crds').map((file): [string, string] => [`charts/holdfast/files/crds/${file}`, read(`crds/${file}`)]),
  ['charts/holdfast/README.md', readme()],
]);
const extra = kinds('charts/holdfast/files/crds').filter((file) => !existsSync(new URL(`crds/${file}`, root)));

if (process.argv.includes('--check')) {
  const wrong = [...files].filter(([path, text]) => !existsSync(new URL(path, root)) || read(path) !== text);
  for (const path of [...wrong.map(([name]) => name), ...extra.map((file) => `charts/holdfast/files/crds/${file}`)]) {
    console.error(`error: ${path} is not what its sources say`);
    console.error('hint: run npm run generate and commit the result');
    process.exitCode = 1;
  }
} else {
  for (const [path, text] of files) writeFileSync(new URL(path, root), text);
  for (const file of extra) rmSync(new URL(`charts/holdfast/files/crds/${file}`, root));
}
