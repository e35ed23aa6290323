/**
 * Writes docs/reference/ from what it describes: fields from crds/*.yaml, reasons and events from their lists, metrics
 * from the registries that serve them, commands from their own help. `--check` compares instead of writing.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Registry } from 'prom-client';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { createProgram } from '../cli/program.ts';
import { processSession } from '../cli/session.ts';
import { reasons } from '../common/reasons.ts';
import { conditionTypes } from '../operator/api/conditions.ts';
import { conditionReasons, eventReasons } from '../operator/api/reasons.ts';
import { kinds } from '../operator/api/resource.ts';
import { operatorMetrics } from '../operator/operator-metrics.ts';
import { kubernetesMeter } from '../operator/runtime/kubernetes-metrics.ts';
import { signerMetrics } from '../signer/metrics.ts';

type Schema = {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[];
};
type Definition = {
  readonly spec: {
    readonly names: { readonly kind: string; readonly shortNames?: readonly string[] };
    readonly versions: readonly {
      readonly additionalPrinterColumns?: readonly { readonly name: string; readonly priority?: number }[];
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
};

const root = new URL('../', import.meta.url);
const generated = (title: string, from: string): string =>
  `# ${title}\n\n<!-- Generated from ${from} by scripts/generate-reference.ts: change those, then run npm run generate. -->\n\n`;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |\n`).join('');

/** Lists and maps are named in the path of their items: `[]` and `{}`. */
function fields(schema: Schema, path: string, required: boolean): readonly (readonly string[])[] {
  const words = [
    schema.type ?? 'any',
    ...(schema.enum ? [schema.enum.join(', ')] : []),
    ...(schema.minimum !== undefined || schema.maximum !== undefined
      ? [`${schema.minimum ?? ''}..${schema.maximum ?? ''}`]
      : []),
    ...(schema.maxItems === undefined ? [] : [`at most ${schema.maxItems}`]),
  ];
  const rules = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => ` Rule: ${message}.`);
  const own = [`\`${path}\`${required ? ' *' : ''}`, words.join('; '), `${schema.description ?? ''}${rules.join('')}`];
  const properties = (of: Schema, at: string): readonly (readonly string[])[] =>
    Object.entries(of.properties ?? {}).flatMap(([name, child]) =>
      fields(child, `${at}.${name}`, of.required?.includes(name) ?? false),
    );
  const below = schema.items
    ? schema.items.properties
      ? properties(schema.items, `${path}[]`)
      : fields(schema.items, `${path}[]`, false)
    : properties(schema, path);
  return [own, ...below];
}

function kindPage({ spec: { names, versions } }: Definition, file: string): string {
  const [version] = versions;
  const schema = version?.schema.openAPIV3Schema ?? {};
  const { metadata, spec, status } = schema.properties ?? {};
  const columns = (version?.additionalPrinterColumns ?? []).map(({ name, priority }) =>
    priority ? `${name} (wide)` : name,
  );
  return [
    generated(names.kind, file),
    `${schema.description ?? ''}\n\n`,
    `Short name \`${names.shortNames?.join('`, `') ?? ''}\`. Columns: ${columns.join(', ')}.\n\n`,
    '`[]` is each item of a list; `*` marks what is required.\n\n## spec\n\n',
    table(
      ['field', 'type', 'meaning'],
      [
        ...(metadata?.properties?.['name'] ? fields(metadata.properties['name'], 'metadata.name', true) : []),
        ...(spec ? fields(spec, 'spec', true) : []),
      ],
    ),
    '\n## status\n\n',
    table(['field', 'type', 'meaning'], status ? fields(status, 'status', false).slice(1) : []),
  ].join('');
}

const reasonsPage = (): string =>
  [
    generated('Reasons', 'common/reasons.ts and operator/api/reasons.ts'),
    '## How a request ends\n\nA request is `signed`, `denied` or `failed`. Denied: policy or identity said no, and asking again changes nothing. ',
    'Failed: asking again, with the same id and the same bytes, may succeed.\n\n',
    table(
      ['reason', 'outcome', 'meaning'],
      Object.entries(reasons).map(([reason, { outcome, meaning }]) => [`\`${reason}\``, outcome, meaning]),
    ),
    '\n## Conditions\n\n',
    table(
      ['kind', 'conditions'],
      kinds.map((kind) => [kind, conditionTypes[kind].join(', ')]),
    ),
    '\n',
    table(
      ['reason', 'meaning'],
      Object.entries(conditionReasons).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
    ),
    '\n## Events\n\n',
    table(
      ['reason', 'meaning'],
      Object.entries(eventReasons).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
    ),
  ].join('');

/** A metric as prom-client keeps it, which its types do not show. */
type Registered = {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames?: readonly string[];
};

const metricRows = (registry: Registry): readonly (readonly string[])[] =>
  registry.getMetricsAsArray().map((metric) => {
    const { name, help, type, labelNames = [] } = metric as unknown as Registered;
    return [`\`${name}\``, type, labelNames.map((label) => `\`${label}\``).join(', '), help];
  });

function metricsPage(): string {
  const heads = ['name', 'type', 'labels', 'meaning'];
  const none = (): never[] => [];
  const zero = (): number => 0;
  const signer = signerMetrics('', '', {
    version: '',
    engine: 'noble',
    peers: none,
    limits: none,
    queueLength: zero,
    auditRecords: zero,
    diskFreeBytes: zero,
    diskFull: () => false,
    rollbackDetected: () => false,
    hsmState: () => undefined,
  });
  const cluster = new Registry();
  kubernetesMeter(cluster);
  return [
    generated('Metrics', 'signer/metrics.ts, operator/operator-metrics.ts and operator/runtime/'),
    'Prometheus text on `/metrics` of each process, beside `/healthz` and `/readyz`. Times are in seconds.\n\n',
    '## Signer\n\nEvery series carries `wallet` (`namespace/name`) and `holder` too.\n\n',
    table(heads, metricRows(signer.registry)),
    '\n## Operator\n\n',
    table(heads, metricRows(operatorMetrics().registry)),
    '\nOn a cluster besides:\n\n',
    table(heads, metricRows(cluster)),
  ].join('');
}

/** A command's help as it prints it, then its verbs'. */
const helpOf = (command: Command, name: string): readonly string[] => {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  return [
    `## ${name}\n\n\`\`\`\n${help.trim()}\n\`\`\`\n`,
    ...command
      .createHelp()
      .visibleCommands(command)
      .flatMap((verb) => helpOf(verb, `${name} ${verb.name()}`)),
  ];
};

const commandsPage = (): string =>
  [
    generated('Commands', 'cli/'),
    helpOf(createProgram(processSession(new AbortController().signal)), 'holdfast').join('\n'),
  ].join('');

const pages = new Map<string, string>();
for (const file of readdirSync(new URL('crds/', root))
  .filter((name) => name.endsWith('.yaml'))
  .toSorted())
  pages.set(
    `${basename(file, '.yaml')}.md`,
    kindPage(parse(readFileSync(new URL(`crds/${file}`, root), 'utf8')) as Definition, `crds/${file}`),
  );
pages.set('reasons.md', reasonsPage());
pages.set('metrics.md', metricsPage());
pages.set('commands.md', commandsPage());

const folder = new URL('docs/reference/', root);
mkdirSync(folder, { recursive: true });
for (const [name, text] of pages) {
  const target = new URL(name, folder);
  if (!process.argv.includes('--check')) {
    writeFileSync(target, text);
  } else if (readFileSync(target, 'utf8') !== text) {
    console.error(`error: docs/reference/${name} is not what its sources say`);
    console.error('hint: run npm run generate and commit the result');
    process.exitCode = 1;
  }
}
