import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { VerifiedConnection } from '../client/connection.ts';
import { quote } from '../common/bytes.ts';
import { UserError, messageOf } from '../common/errors.ts';
import type { Session } from './session.ts';

/*
 * Wallets that were met before, like known_hosts: one a line, target, namespace/name and digest of the genesis, which
 * stands for the identity of every holder. Whoever can write the target's state cannot change what is pinned here.
 */

/** Pins a wallet that is met for the first time in `target`, an absolute path; throws, loudly, where another was pinned under its name. */
export async function checkKnown(session: Session, target: string, connection: VerifiedConnection): Promise<void> {
  const { file, pins, other } = await pinsOf(session, target, connection);
  if (other !== undefined)
    throw new UserError(changedText(connection, other), [
      'somebody may have put another wallet in its place: pay nothing to its addresses before you know why',
      `where it was made anew on purpose, remove line ${other.line} of ${file}`,
    ]);
  if (pins.length > 0) return;
  await pin(file, `${pathToFileURL(target).href} ${connection.wallet} ${connection.genesis}\n`);
  session.note(`new wallet ${connection.wallet}: pinned ${connection.genesis} in ${file}`);
  session.note('hint: compare the fingerprints of its holders with what the holders say:');
  for (const { name, fingerprint } of connection.holders) session.note(`hint:   ${name} ${fingerprint}`);
}

/** That another wallet was pinned under its name, in words; "" where none was. Pins nothing. */
export async function pinnedOtherwise(
  session: Pick<Session, 'env'>,
  target: string,
  connection: VerifiedConnection,
): Promise<string> {
  const { other } = await pinsOf(session, target, connection);
  return other === undefined ? '' : changedText(connection, other);
}

async function pinsOf(
  { env }: Pick<Session, 'env'>,
  target: string,
  { wallet, genesis }: VerifiedConnection,
): Promise<{ readonly file: string; readonly pins: readonly Pin[]; readonly other: Pin | undefined }> {
  const file = knownWalletsFile(env);
  const place = pathToFileURL(target).href;
  const pins = parseKnownWallets(await readIfThere(file), file).filter(
    (pinned) => pinned.target === place && pinned.wallet === wallet,
  );
  return { file, pins, other: pins.find((pinned) => pinned.genesis !== genesis) };
}

const changedText = ({ wallet, genesis }: VerifiedConnection, other: Pin): string =>
  `WALLET CHANGED: ${wallet} was pinned as ${other.genesis}, and is now ${genesis}`;

export function knownWalletsFile(env: Session['env']): string {
  const own = env['HOLDFAST_KNOWN_WALLETS'] ?? '';
  if (own !== '') return own;
  const config = env['XDG_CONFIG_HOME'] ?? '';
  return join(config === '' ? join(homedir(), '.config') : config, 'holdfast', 'known_wallets');
}

type Pin = { readonly line: number; readonly target: string; readonly wallet: string; readonly genesis: string };

/** The pins of a file; a line that is none is an error, since it may be one that was damaged. */
export function parseKnownWallets(text: string, file: string): readonly Pin[] {
  return text.split('\n').flatMap((content, i): readonly Pin[] => {
    if (content.trim() === '' || content.startsWith('#')) return [];
    const match = /^(?<target>\S+) (?<wallet>[^\s/]+\/[^\s/]+) (?<genesis>sha256:[0-9a-f]{64})$/.exec(
      content.trimEnd(),
    );
    const { target = '', wallet = '', genesis = '' } = match?.groups ?? {};
    if (match === null)
      throw new UserError(`${file}: line ${i + 1}: want target, namespace/name and sha256:..., got ${quote(content)}`);
    return [{ line: i + 1, target, wallet, genesis }];
  });
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new UserError(`${file}: cannot read: ${messageOf(error)}`);
  }
}

async function pin(file: string, line: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await appendFile(file, line, { mode: 0o600 });
  } catch (error) {
    throw new UserError(`${file}: cannot write: ${messageOf(error)}`, ['HOLDFAST_KNOWN_WALLETS names another file']);
  }
}
