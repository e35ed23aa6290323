import { join } from 'node:path';
import { createLog } from '../common/log.ts';
import type { Log } from '../common/log.ts';
import { keyString } from '../operator/api/resource.ts';
import { runEmbedded } from '../operator/embedded.ts';
import type { Embedded } from '../operator/embedded.ts';
import { makeStateFolder } from '../operator/store/state-folder.ts';
import { commandLine } from './command-line.ts';
import { keptShares } from './kept-shares.ts';
import { logFile } from './log-file.ts';
import { linesOf } from './progress.ts';
import type { Session } from './session.ts';
import { targetOf } from './target.ts';
import type { Target, TargetOptions } from './target.ts';

export type UpOptions = TargetOptions & {
  readonly keepSigners?: true;
  readonly verbose?: true;
  readonly metrics?: string;
};

/** Runs the operator in this process until Ctrl-C, and tells what happens. */
export async function up(session: Session, options: UpOptions): Promise<void> {
  const target = targetOf(session, options);
  const { log, file } = await operatorLog(session, target, options.verbose ?? false);
  const operator = await runEmbedded({
    dir: target.folder,
    stateDir: target.stateDir,
    signal: session.signal,
    log,
    stopSigners: options.keepSigners !== true,
    ...(options.metrics !== undefined && { metricsListen: options.metrics }),
    onProblems: problemTeller(session),
  });
  session.note(`operator: running, log in ${file}, metrics on http://${operator.metricsEndpoint}/metrics`);
  session.note(
    `Ctrl-C ends it; in another terminal: ${commandLine(session, 'get', 'wallets', '-A', '--dir', target.folder)}`,
  );
  const stopping = options.keepSigners === true ? 'stopping; signers go on' : 'stopping operator and signers';
  session.signal.addEventListener('abort', () => session.note(stopping));
  const watching = watch(session, operator, target.state);
  await operator.ended;
  await watching;
  session.note('stopped');
}

/** Tells what changes of each object until the operator stops, each thing once. */
async function watch(session: Session, { store, fileOf }: Embedded, state: string): Promise<void> {
  const told = new Map<string, string>();
  const seen = new Set<string>();
  try {
    for await (const key of store.changes(session.signal)) {
      const object = await store.get(key);
      if (object === undefined) {
        const kept = key.kind === 'Wallet' ? keptShares(state, key.namespace, key.name) : undefined;
        if (seen.delete(keyString(key)) && kept !== undefined)
          session.note(
            `wallet ${key.namespace}/${key.name}: its manifest is gone and its signers are stopped; ${kept}`,
          );
        continue;
      }
      // The first status of an object that has one already is from before this operator ran: of a wallet that is
      // worth knowing, of the rest only what changes.
      const old = !seen.has(keyString(key)) && object.status !== undefined;
      seen.add(keyString(key));
      if (old && object.kind !== 'Wallet') continue;
      for (const { about, text, lasting = false } of linesOf(object, fileOf(key))) {
        if (told.get(about) === text) continue;
        if (!old || lasting) told.set(about, text);
        session.note(old && !lasting ? `${text} (when last seen)` : text);
      }
    }
  } catch (error) {
    if (!session.signal.aborted) throw error;
  }
}

function problemTeller(session: Session): (problems: readonly string[]) => void {
  let had = false;
  return (problems) => {
    for (const problem of problems) session.note(`error: ${problem}`);
    if (problems.length > 0) session.note('hint: what was in force stays so; files are read again when they are saved');
    else if (had) session.note('manifests: no problems left');
    had = problems.length > 0;
  };
}

/** The operator's log goes to a file; a person is told what matters by {@link watch}. */
async function operatorLog(
  session: Session,
  { folder, stateDir }: Target,
  verbose: boolean,
): Promise<{ readonly log: Log; readonly file: string }> {
  const file = join(await makeStateFolder(folder, stateDir), 'operator.log');
  const write = logFile(file);
  const log = createLog((line) => {
    write(line);
    if (verbose) session.note(line.trimEnd());
  });
  return { log, file };
}
