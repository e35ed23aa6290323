import type { Command } from 'commander';
import { quote } from '../common/bytes.ts';
import { UserError } from '../common/errors.ts';
import { defaultNamespace } from '../operator/store/manifest-key.ts';
import { exitCodes } from './exit-codes.ts';

export type NamespaceOptions = { readonly namespace?: string };

export const withNamespace = (command: Command): Command =>
  command.option('-n, --namespace <namespace>', `namespace of the object (default: ${defaultNamespace})`);

/** The namespace and name that `word` means: `name`, or `namespace/name`. */
export function splitName(
  word: string,
  options: NamespaceOptions,
): { readonly namespace: string; readonly name: string } {
  const [first = '', second, ...more] = word.split('/');
  if (more.length > 0 || first === '' || second === '')
    throw new UserError(`want a name or namespace/name, got ${quote(word)}`, [], exitCodes.usage);
  if (second === undefined) return { namespace: options.namespace ?? defaultNamespace, name: first };
  if (options.namespace !== undefined && options.namespace !== first)
    throw new UserError(`${quote(word)} is not in namespace ${options.namespace}`, ['leave -n out'], exitCodes.usage);
  return { namespace: first, name: second };
}
