import type { SignerId } from './fleet.ts';
import { findProcess } from './process-identity.ts';
import { unknownSpec } from './process-record.ts';
import type { Ports, ProcessRecord } from './process-record.ts';
import type { SignerFiles } from './signer-command.ts';

/** A signer's flags, all but its addresses. */
export const signerFlags = (
  signer: SignerId & SignerFiles & { readonly operator: string; readonly sealFlag: '--seal-key-file' | '--hsm-socket' },
): readonly string[] =>
  Object.entries({
    '--wallet': signer.wallet,
    '--holder': signer.holder,
    '--data': signer.data,
    [signer.sealFlag]: signer.seal,
    '--operator': signer.operator,
    '--log-level': 'info',
  }).flat();

export const listenFlags = ({ sign, peer, metrics }: Ports): readonly string[] =>
  Object.entries({ '--sign-listen': sign, '--peer-listen': peer, '--metrics-listen': metrics }).flatMap(
    ([flag, port]) => [flag, `127.0.0.1:${port}`],
  );

/** The record of a process that has `data` for its state, from its flags. Its spec is unknown, so that it will be restarted. */
export function findRecord(data: string): ProcessRecord | undefined {
  const found = findProcess(['--data', data]);
  if (found === undefined) return undefined;
  const port = (flag: string): number =>
    Number(/^127\.0\.0\.1:([0-9]{1,5})$/.exec(found.args[found.args.indexOf(flag) + 1] ?? '')?.[1]);
  const ports = { sign: port('--sign-listen'), peer: port('--peer-listen'), metrics: port('--metrics-listen') };
  return Object.values(ports).every((p) => p > 0)
    ? { process: found.process, spec: unknownSpec, ports, restarts: 0 }
    : undefined;
}
