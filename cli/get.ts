import { quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { definitionOf } from '../operator/api/definition.ts';
import type { Column } from '../operator/api/definition.ts';
import { nearest } from '../common/nearest.ts';
import type { Kind, Resource } from '../operator/api/resource.ts';
import { openFolderView } from '../operator/store/folder-view.ts';
import { defaultNamespace } from '../operator/store/manifest-key.ts';
import { since } from './age.ts';
import { commandLine } from './command-line.ts';
import { jsonPath } from './json-path.ts';
import { kindsNamed } from './kinds.ts';
import { keptShares } from './kept-shares.ts';
import type { NamespaceOptions } from './namespace.ts';
import { oneLine } from './one-line.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';
import { targetOf } from './target.ts';
import type { TargetOptions } from './target.ts';
import { toYaml } from './yaml.ts';

export type GetOptions = TargetOptions &
  NamespaceOptions & { readonly allNamespaces?: true; readonly output?: 'wide' | 'yaml' | 'json' };

/** Shows objects as kubectl would, from what the operator knows of a folder. */
export async function get(
  session: Session,
  word: string,
  name: string | undefined,
  options: GetOptions,
): Promise<void> {
  const kinds = kindsNamed(word);
  const target = targetOf(session, options);
  const view = await openFolderView(target.folder, { stateDir: target.stateDir });
  const all = (await Promise.all(kinds.map((kind) => view.list(kind)))).flat() as readonly Resource[];
  const namespace = options.namespace ?? defaultNamespace;
  const here = all.filter(({ metadata }) => options.allNamespaces === true || metadata.namespace === namespace);
  const found = here.filter(({ metadata }) => name === undefined || metadata.name === name);
  if (name !== undefined && found.length === 0) {
    const kept = kinds.includes('Wallet') ? keptShares(target.state, namespace, name) : undefined;
    throw notFound(word, name, namespace, all, kept);
  }

  if ((await view.operator()) === undefined)
    session.note(
      `no operator runs: this is what was last seen; start one: ${commandLine(session, 'up', target.folder)}`,
    );
  const [first] = found;
  const whole = name !== undefined && found.length === 1 ? first : { apiVersion: 'v1', kind: 'List', items: found };
  if (options.output === 'json') return session.print(JSON.stringify(whole, undefined, 2));
  if (options.output === 'yaml') return session.print(toYaml(whole));
  if (found.length === 0) {
    const others = new Set(all.map(({ metadata }) => metadata.namespace));
    session.note(`no ${word} found${options.allNamespaces === true ? '' : ` in namespace ${namespace}`}`);
    if (others.size > 0) session.note(`hint: add -A: there are some in ${[...others].join(', ')}`);
    return;
  }
  const tables = kinds
    .map((kind) => ({ kind, objects: found.filter((object) => object.kind === kind) }))
    .filter(({ objects }) => objects.length > 0)
    .map(({ kind, objects }) => tableOf(kind, objects, options, kinds.length > 1));
  tables.forEach((lines, i) => session.print([...(i > 0 ? [''] : []), ...lines].join('\n')));
}

function tableOf(kind: Kind, objects: readonly Resource[], options: GetOptions, several: boolean): readonly string[] {
  const { names, columns } = definitionOf(kind);
  const shown = columns.filter(({ priority = 0 }) => priority === 0 || options.output === 'wide');
  const prefix = several ? `${names.singular}/` : '';
  const spread = options.allNamespaces === true;
  const now = Date.now();
  return table(
    [...(spread ? ['Namespace'] : []), 'Name', ...shown.map(({ name }) => name)],
    objects.map((object) => [
      ...(spread ? [object.metadata.namespace] : []),
      `${prefix}${object.metadata.name}`,
      ...shown.map((column) => cell(column, object, now)),
    ]),
  );
}

function cell({ jsonPath: path, type }: Column, object: Resource, now: number): string {
  const value = jsonPath(path, object);
  if (value === undefined || value === '') return '<none>';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return type === 'date' ? since(text, now) : oneLine(text);
}

function notFound(
  word: string,
  name: string,
  namespace: string,
  all: readonly Resource[],
  kept: string | undefined,
): UserError {
  const elsewhere = all.find(({ metadata }) => metadata.name === name);
  const meant = nearest(
    name,
    all.filter(({ metadata }) => metadata.namespace === namespace).map(({ metadata }) => metadata.name),
  );
  return new UserError(`no ${word} ${quote(name)} in namespace ${namespace}`, [
    ...(kept === undefined ? [] : [kept]),
    ...(elsewhere === undefined
      ? []
      : [`there is one in namespace ${elsewhere.metadata.namespace}: add -n ${elsewhere.metadata.namespace}`]),
    ...(meant === undefined || elsewhere !== undefined ? [] : [`did you mean ${meant}?`]),
  ]);
}
