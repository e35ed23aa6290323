import { access, constants, lstat, readdir, stat, statfs } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { VerifiedConnection } from '../../client/connection.ts';
import { readConnectionFile } from '../../client/connection-file.ts';
import { messageOf } from '../../common/errors.ts';
import type { Resource, Signer, Wallet } from '../../operator/api/resource.ts';
import { keyOf } from '../../operator/api/resource.ts';
import { SignerContacts } from '../../operator/signer/signer-contacts.ts';
import { FolderView } from '../../operator/store/folder-view.ts';
import { problemText } from '../../operator/store/manifest.ts';
import { hasState } from '../../operator/store/state-folder.ts';
import type { HolderState } from '../../operator/wallet/holder-state.ts';
import { commandLine, shellLine } from '../command-line.ts';
import { pkcs11Binding } from '../demo/soft-hsm.ts';
import { jsonPath } from '../json-path.ts';
import { pinnedOtherwise } from '../known-wallets.ts';
import type { Session } from '../session.ts';
import type { Target } from '../target.ts';
import type { FolderFacts } from './folder.ts';
import type { WalletFacts } from './wallet.ts';

type Asking = Pick<Session, 'env' | 'signal'>;
type Gathered = { readonly folder: FolderFacts; readonly wallets: readonly WalletFacts[] };

/** Much more than the state of a thousand wallets has. */
const mostEntries = 100_000;

/** Looks at a folder of manifests, at what its operator wrote, and asks its wallets' signers. Writes nothing. */
export async function gatherFolder(session: Asking, target: Target): Promise<Gathered> {
  const { folder, state } = target;
  const view = new FolderView(folder, state);
  const seen = await look(view, state);
  const { manifests, problems } = await view.manifests().catch((error: unknown) => ({
    manifests: [],
    problems: [{ file: '.', document: 0, path: '', message: messageOf(error) }],
  }));
  const operator = await view.operator();
  const up = commandLine(session, 'up', folder);
  const isFolder = statSync(state, { throwIfNoEntry: false })?.isDirectory() === true;
  return {
    folder: {
      folder,
      state,
      wallets: manifests.filter(({ key }) => key.kind === 'Wallet').length,
      // The state that cannot be read is told of once.
      problems: seen.kept.kind === 'Broken' ? [] : problems.map(problemText),
      kept: seen.kept,
      unwritable: await whyUnwritable(nearest(state)),
      open: isFolder ? await openIn(state) : [],
      operator,
      freeBytes: await statfs(nearest(state)).then(
        ({ bavail, bsize }) => bavail * bsize,
        () => undefined,
      ),
      lastChange: Math.max(0, ...seen.wallets.flatMap(({ wallet, events }) => timesOf(wallet, events))),
      now: Date.now(),
      pkcs11: pkcs11In(manifests.map(({ object }) => object)),
      close: shellLine('chmod', '-R', 'go=', state),
      up,
    },
    wallets: await askWallets(session, target, seen, operator === undefined ? up : undefined),
  };
}

/** The folder itself, or the nearest one above it that is there: the rest would be made. */
const nearest = (path: string): string => (existsSync(path) || dirname(path) === path ? path : nearest(dirname(path)));

const whyUnwritable = async (folder: string): Promise<string> => {
  try {
    if (!(await stat(folder)).isDirectory()) return 'it is not a folder';
    await access(folder, constants.W_OK);
    return '';
  } catch (error) {
    return messageOf(error);
  }
};

type Told = Awaited<ReturnType<FolderView['events']>>;
type Seen = {
  readonly kept: FolderFacts['kept'];
  readonly wallets: readonly { readonly wallet: Wallet; readonly events: Told }[];
  readonly signers: readonly Signer[];
};

async function look(view: FolderView, state: string): Promise<Seen> {
  try {
    if (!(await hasState(state))) return { kept: { kind: 'None' }, wallets: [], signers: [] };
    const wallets = await view.list('Wallet');
    return {
      kept: { kind: 'Ours' },
      wallets: await Promise.all(wallets.map(async (wallet) => ({ wallet, events: await view.events(keyOf(wallet)) }))),
      signers: await view.list('Signer'),
    };
  } catch (error) {
    return { kept: { kind: 'Broken', message: messageOf(error) }, wallets: [], signers: [] };
  }
}

const timesOf = ({ status }: Wallet, events: Told): readonly number[] =>
  [
    ...(status?.conditions ?? []).map(({ lastTransitionTime }) => lastTransitionTime),
    ...events.map(({ lastTimestamp }) => lastTimestamp),
  ]
    .map((time) => Date.parse(time))
    .filter(Number.isFinite);

/** What of `folder` others than its user may read or write, itself included, as seen from beside it. */
async function openIn(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const pending = [folder];
  for (let path = pending.pop(); path !== undefined && found.length < mostEntries; path = pending.pop()) {
    const entry = await lstat(path).catch(() => undefined);
    // A link has no permissions of its own, and what is behind a closed folder nobody reaches.
    if (entry === undefined || entry.isSymbolicLink() || (entry.mode & 0o077) === 0) continue;
    if (path !== join(folder, '.gitignore')) found.push(relative(dirname(folder), path));
    if (entry.isDirectory()) pending.push(...(await readdir(path).catch(() => [])).map((name) => join(path, name)));
  }
  return found;
}

/** Signers of a folder run on this machine, and so do their sidecars. */
function pkcs11In(objects: readonly object[]): FolderFacts['pkcs11'] {
  const modules = objects
    .map((object) => object as Resource)
    .filter((object) => jsonPath('.spec.external', object) === undefined)
    .flatMap((object) =>
      ['.spec.seal.pkcs11.module', '.spec.signers.seal.pkcs11.module'].map((at) => jsonPath(at, object)),
    )
    .filter((module): module is string => typeof module === 'string');
  if (modules.length === 0) return undefined;
  return {
    missing: [
      ...[...new Set(modules)].filter((module) => !existsSync(module)).map((module) => `there is no module ${module}`),
      ...(existsSync(pkcs11Binding) ? [] : ['pkcs11js is not built (npm rebuild pkcs11js)']),
    ],
  };
}

async function askWallets(
  session: Asking,
  target: Target,
  { wallets, signers }: Seen,
  up: string | undefined,
): Promise<readonly WalletFacts[]> {
  const contacts = new SignerContacts();
  try {
    return await Promise.all(
      wallets.map(async ({ wallet, events }): Promise<WalletFacts> => {
        const { namespace, name } = wallet.metadata;
        const logs = join(target.state, 'signers', namespace, name);
        const common = { wallet, events, up, logs, pinnedOtherwise: '', unreadable: '' };
        try {
          const file = join(target.state, 'connections', namespace, `${name}.json`);
          const connection = await readConnectionFile(file);
          if (connection === undefined) return { ...common, asked: undefined };
          return {
            ...common,
            pinnedOtherwise: await pinnedOtherwise(session, target.folder, connection),
            asked: await askSigners(contacts, connection, signers, session.signal),
          };
        } catch (error) {
          session.signal.throwIfAborted();
          return { ...common, asked: undefined, unreadable: messageOf(error) };
        }
      }),
    );
  } finally {
    contacts.close();
  }
}

async function askSigners(
  contacts: SignerContacts,
  connection: VerifiedConnection,
  signers: readonly Signer[],
  signal: AbortSignal,
): Promise<NonNullable<WalletFacts['asked']>> {
  const holders = connection.holders.map(async ({ name, role, endpoint, fingerprint }): Promise<HolderState> => {
    const id = { wallet: connection.wallet, holder: name };
    return {
      name,
      role,
      signer: signers.find(
        ({ spec: { walletRef } }) =>
          `${walletRef.namespace}/${walletRef.name}` === connection.wallet && walletRef.holder === name,
      ),
      // That it runs, only its answer tells.
      observation: {
        running: true,
        restarts: 0,
        signEndpoint: endpoint,
        peerEndpoint: '',
        metricsEndpoint: '',
        reason: '',
        message: '',
      },
      answer: await contacts.describe(id, endpoint, fingerprint, signal),
    };
  });
  const { genesis: digest, statement } = connection;
  return { founded: { digest, statement }, holders: await Promise.all(holders) };
}
