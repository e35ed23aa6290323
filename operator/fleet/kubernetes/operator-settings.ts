import { parse } from 'yaml';
import { messageOf, UserError } from '../../../common/errors.ts';
import type { OtherOperator } from '../../reach.ts';
import type { FleetSettings, NetworkPeer } from './fleet-settings.ts';

/** What the chart tells the operator in a file. */
export type OperatorSettings = {
  /** Namespaces that are watched; all where empty. */
  readonly namespaces: readonly string[];
  readonly others: readonly OtherOperator[];
  readonly fleet: FleetSettings;
};

type Fields = Readonly<Record<string, unknown>>;

/** Settings as charts/holdfast/templates/operator/settings.yaml writes them; throws a UserError that names what is wrong. */
export function readOperatorSettings(text: string): OperatorSettings {
  try {
    const { namespaces, others, fleet } = members(parse(text), 'settings', ['namespaces', 'others', 'fleet']);
    const of = members(fleet, 'fleet', [
      'signerImage',
      'imagePullSecrets',
      'imagePullPolicy',
      'volumes',
      'operator',
      'dns',
      'scrapeFrom',
    ]);
    const volumes = members(of['volumes'], 'fleet.volumes', ['accessMode', 'storageClassName']);
    return {
      namespaces: list(namespaces, 'namespaces', string),
      others: list(others, 'others', other),
      fleet: {
        signerImage: matching(of['signerImage'], 'fleet.signerImage', /^[^@\s]+@sha256:[0-9a-f]{64}$/),
        imagePullSecrets: list(of['imagePullSecrets'], 'fleet.imagePullSecrets', string),
        imagePullPolicy: oneOf(of['imagePullPolicy'], 'fleet.imagePullPolicy', ['Always', 'IfNotPresent', 'Never']),
        volumes: {
          accessMode: oneOf(volumes['accessMode'], 'fleet.volumes.accessMode', ['ReadWriteOncePod', 'ReadWriteOnce']),
          storageClassName: string(volumes['storageClassName'], 'fleet.volumes.storageClassName'),
        },
        operator: pods(of['operator'], 'fleet.operator'),
        dns: list(of['dns'], 'fleet.dns', peer),
        scrapeFrom: list(of['scrapeFrom'], 'fleet.scrapeFrom', peer),
      },
    };
  } catch (error) {
    throw new UserError(`settings: ${messageOf(error)}`, ['the chart writes this file: change its values'], 2);
  }
}

function members(value: unknown, where: string, names: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${where}: want a map`);
  for (const name of Object.keys(value)) if (!names.includes(name)) throw new Error(`${where}: has no ${name}`);
  for (const name of names) if (!Object.hasOwn(value, name)) throw new Error(`${where}.${name} is missing`);
  return value as Fields;
}

function list<T>(value: unknown, where: string, item: (value: unknown, where: string) => T): readonly T[] {
  if (!Array.isArray(value)) throw new Error(`${where}: want a list`);
  return value.map((each, i) => item(each, `${where}[${i}]`));
}

function string(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new Error(`${where}: want a string`);
  return value;
}

function matching(value: unknown, where: string, form: RegExp): string {
  const text = string(value, where);
  if (!form.test(text)) throw new Error(`${where}: want the form ${form.source}`);
  return text;
}

function oneOf<T extends string>(value: unknown, where: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new Error(`${where}: want ${known.join(' or ')}`);
  return found;
}

function other(value: unknown, where: string): OtherOperator {
  const of = members(value, where, ['namespaces', 'fingerprint', 'pods']);
  return {
    namespaces: list(of['namespaces'], `${where}.namespaces`, string),
    fingerprint: matching(of['fingerprint'], `${where}.fingerprint`, /^(?:sha256:[0-9a-f]{64})?$/),
    pods: pods(of['pods'], `${where}.pods`),
  };
}

function pods(value: unknown, where: string): OtherOperator['pods'] {
  const of = members(value, where, ['namespace', 'labels']);
  return { namespace: string(of['namespace'], `${where}.namespace`), labels: labels(of['labels'], `${where}.labels`) };
}

/** At least one: an empty selector would mean every pod. */
function labels(value: unknown, where: string): Readonly<Record<string, string>> {
  const entries = Object.entries(members(value, where, Object.keys(value ?? {})));
  if (entries.length === 0) throw new Error(`${where}: want at least one`);
  return Object.fromEntries(entries.map(([name, text]) => [name, string(text, `${where}.${name}`)]));
}

/** A peer is the API server's to check, but for the empty one. */
function peer(value: unknown, where: string): NetworkPeer {
  const kinds = ['podSelector', 'namespaceSelector', 'ipBlock'];
  const given = Object.keys(value ?? {});
  if (given.length === 0) throw new Error(`${where}: want ${kinds.join(', ')}`);
  for (const name of given) if (!kinds.includes(name)) throw new Error(`${where}: has no ${name}`);
  return members(value, where, given);
}
