import { quote } from './bytes.ts';
import { UserError } from './errors.ts';

/** What a process that cannot have its port exits with: whoever chose the port chooses another. */
export const PORT_IN_USE_EXIT = 98;

/** Host and port of `host:port` or `[v6]:port`, port 0 for a free one; throws a UserError on anything else. */
export function listenAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[-.0-9a-zA-Z]+)):(?<port>[0-9]{1,5})$/.exec(text);
  const host = match?.groups?.['v6'] ?? match?.groups?.['name'];
  const port = Number(match?.groups?.['port']);
  if (host === undefined || port > 65_535)
    throw new UserError(`listen address: want host:port, got ${quote(text)}`, ['port 0 takes a free one'], 2);
  return { host, port };
}

/** Whether `error`, from Node or from gRPC, says that another process has the port. */
export const isPortInUse = (error: unknown): boolean => error instanceof Error && error.message.includes('EADDRINUSE');
