import { openFolderView } from '../operator/store/folder-view.ts';
import { commandLine } from './command-line.ts';
import type { Session } from './session.ts';
import type { Target } from './target.ts';

/** What to do where signers do not answer: nothing is known but that no operator runs to start them, if none does. */
export async function operatorHint(session: Session, { folder, stateDir }: Target): Promise<readonly string[]> {
  const view = await openFolderView(folder, { stateDir }).catch(() => undefined);
  if (view === undefined || (await view.operator()) !== undefined) return [];
  return [`no operator runs, which starts the signers: ${commandLine(session, 'up', folder)}`];
}
