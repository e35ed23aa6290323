import { stringify } from 'yaml';

/** YAML that readers of version 1.1, like kubectl, take for the same values: times and words like yes are quoted. */
export const toYaml = (value: unknown): string => stringify(value, { lineWidth: 0, compat: 'yaml-1.1' }).trimEnd();
