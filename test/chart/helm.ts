import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '../..');
export const chart = join(root, 'charts/holdfast');
const values = (name: string): string => join(import.meta.dirname, 'values', `${name}.yaml`);

export type Rendered = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
};

/** What Helm says, with scripts/helm.sh; throws with what it says on stderr. */
export const helm = (...args: readonly string[]): string =>
  execFileSync(join(root, 'scripts/helm.sh'), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

export type RenderOptions = {
  /** Names of files in test/chart/values. */
  readonly values?: readonly string[];
  readonly set?: readonly string[];
  readonly apis?: readonly string[];
};

export const monitoringApi = 'monitoring.coreos.com/v1';

/** The text of the chart as it would be installed in namespace custody. */
export const renderText = ({
  values: files = ['minimal'],
  set = [],
  apis = [monitoringApi],
}: RenderOptions = {}): string =>
  helm(
    ...['template', 'holdfast', chart, '--namespace', 'custody', '--kube-version', '1.34.0'],
    ...files.flatMap((name) => ['--values', name.startsWith('/') ? name : values(name)]),
    ...set.flatMap((assignment) => ['--set', assignment]),
    ...apis.flatMap((api) => ['--api-versions', api]),
  );

/** Its objects. YAML 1.1, as Kubernetes reads it. */
export const objectsOf = (text: string): readonly Rendered[] =>
  parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.join('; '));
    const object = document.toJS() as Rendered | null;
    return object === null ? [] : [object];
  });

const rendered = new Map<string, readonly Rendered[]>();

/** The objects of the chart. The same options are rendered once. */
export function render(options: RenderOptions = {}): readonly Rendered[] {
  const key = JSON.stringify(options);
  const objects = rendered.get(key) ?? objectsOf(renderText(options));
  rendered.set(key, objects);
  return objects;
}

/** The only object of a kind and a name, or of a kind alone. */
// What a kind has besides is the caller's to say.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function only<T>(objects: readonly Rendered[], kind: string, name?: string): T & Rendered {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  if (found.length !== 1) throw new Error(`want one ${kind} ${name ?? ''}, got ${found.length}`);
  return found[0] as T & Rendered;
}
