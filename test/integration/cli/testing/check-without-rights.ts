import { checkFolder } from '../../../../cli/check/folder.ts';
import { gatherFolder } from '../../../../cli/check/folder-facts.ts';

/* What is found of the folder of its argument by a user who is not root: root may write everywhere. As JSON. */
const [folder = '', state = ''] = process.argv.slice(2);
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(65534);
  process.setuid?.(65534);
}
const session = { env: {}, signal: new AbortController().signal };
const { folder: facts } = await gatherFolder(session, { folder, state });
process.stdout.write(JSON.stringify(checkFolder(facts)));
